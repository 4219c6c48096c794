"""Who may do what: roles, scopes and the one table of permissions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from .errors import Forbidden


class Role(StrEnum):
    ADMIN = "admin"
    CREATOR = "creator"
    REVIEWER = "reviewer"
    VIEWER = "viewer"


class Scope(StrEnum):
    READ_ONLY = "read_only"
    PROJECT = "project"
    FULL = "full"


class Permission(StrEnum):
    """What an operation needs. Every operation of every door names one."""

    READ = "read"
    WRITE = "write"
    DECIDE = "decide"
    SUBMIT_JOBS = "submit_jobs"
    WORK_JOBS = "work_jobs"
    CREATE_PROJECT = "create_project"
    DEFINE_FIELDS = "define_fields"
    MANAGE_KEYS = "manage_keys"
    MANAGE_WEBHOOKS = "manage_webhooks"
    MANAGE_USERS = "manage_users"
    READ_AUDIT = "read_audit"


_MAKE = frozenset({Permission.WRITE, Permission.SUBMIT_JOBS, Permission.WORK_JOBS})
BY_ROLE: dict[Role, frozenset[Permission]] = {
    Role.ADMIN: frozenset(Permission),
    Role.CREATOR: frozenset({Permission.READ}) | _MAKE,
    Role.REVIEWER: frozenset({Permission.READ, Permission.DECIDE}),
    Role.VIEWER: frozenset({Permission.READ}),
}
BY_SCOPE: dict[Scope, frozenset[Permission]] = {
    Scope.FULL: frozenset(Permission),
    Scope.PROJECT: frozenset({Permission.READ, Permission.DECIDE, Permission.DEFINE_FIELDS}) | _MAKE,
    Scope.READ_ONLY: frozenset({Permission.READ}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, through whichever door.

    Attributes:
        type: `api_key`, `user` or `system`.
        project_ids: the only projects the actor sees; None for all.
        allowed_cidrs: the only address ranges that it may act from; none for any.
    """

    type: str
    id: str
    name: str
    role: Role
    scope: Scope
    project_ids: frozenset[str] | None
    allowed_cidrs: tuple[str, ...] = ()

    def may(self, permission: Permission) -> bool:
        """Whether role and scope both grant it."""
        return permission in BY_ROLE[self.role] and permission in BY_SCOPE[self.scope]

    def require(self, permission: Permission) -> None:
        """Raise `Forbidden` unless `may(permission)`."""
        if not self.may(permission):
            words = permission.value.replace("_", " ")
            raise Forbidden(f"Role {self.role} with scope {self.scope} does not grant “{words}”.")

    def sees(self, project_id: str | None) -> bool:
        """Whether objects of this project exist for the actor."""
        return self.project_ids is None or project_id in self.project_ids

    def as_data(self) -> dict[str, str]:
        """The actor as events, approvals and the audit show it."""
        return {"type": self.type, "id": self.id, "name": self.name}


SYSTEM = Actor("system", "system", "Callsheet", Role.ADMIN, Scope.FULL, None)


def scope_of_projects(project_ids: Iterable[str] | None) -> tuple[Scope, frozenset[str] | None]:
    """The scope of somebody whose rights hold everywhere (None) or in these projects only."""
    if project_ids is None:
        return Scope.FULL, None
    return Scope.PROJECT, frozenset(project_ids)
