"""The menu, as data. A page's own item is the one that names the page's blueprint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.access import Actor, Permission


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the side navigation, shown to those who hold the permission."""

    label: str
    icon: str
    endpoint: str
    permission: Permission
    also: tuple[str, ...] = ()

    @property
    def blueprints(self) -> tuple[str, ...]:
        """The blueprints whose pages light this item: its own, and those that are found from its pages."""
        return (self.endpoint.rpartition(".")[0], *self.also)


@dataclass(frozen=True, slots=True)
class Group:
    """Items under one small heading."""

    label: str
    items: Sequence[Item]


MENU = (
    Group(
        "Studio",
        (
            Item("Overview", "overview", "portal.overview.show", Permission.READ),
            Item("Studio", "studio", "portal.studio.list_projects", Permission.READ),
            Item("Jobs", "jobs", "portal.jobs.list_jobs", Permission.READ),
        ),
    ),
    Group(
        "Integration",
        (
            Item("API keys", "key", "portal.api_keys.list_keys", Permission.MANAGE_KEYS),
            Item(
                "Webhooks",
                "webhook",
                "portal.webhooks.list_webhooks",
                Permission.MANAGE_WEBHOOKS,
                also=("portal.events",),
            ),
            Item("Audit", "audit", "portal.audit.list_entries", Permission.READ_AUDIT),
        ),
    ),
    Group("Administration", (Item("Users", "users", "portal.users.list_users", Permission.MANAGE_USERS),)),
)


def menu_for(actor: Actor, endpoints: set[str]) -> list[Group]:
    """The groups and items this actor may open. `endpoints` are those that exist, for a slice may be absent."""
    groups = [
        Group(group.label, [item for item in group.items if actor.may(item.permission) and item.endpoint in endpoints])
        for group in MENU
    ]
    return [group for group in groups if group.items]
