"""How often a document asks for the same: each pair of fields that meet in one place of the answer is compared.

That is how validation finds what cannot be merged, and it takes seconds for a few hundred of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    OperationDefinitionNode,
    SelectionSetNode,
)

from .refusals import refused

MOST_REPEATS = 10
MOST_FIELDS = 5_000  # fragments counted wherever they are spread


@dataclass(slots=True)
class _Places:
    """How often each place is asked for, and how many fields that are."""

    fragments: Mapping[str, FragmentDefinitionNode]
    found: Counter[tuple[str, ...]] = field(default_factory=Counter)
    fields: int = 0

    def visit(self, chosen: SelectionSetNode, place: tuple[str, ...], within: tuple[str, ...]) -> None:
        for selection in chosen.selections:
            if isinstance(selection, FieldNode):
                self._visit_field(selection, place, within)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                fragment = self.fragments.get(name)
                if fragment is not None and name not in within:  # validation tells what is wrong with those
                    self._count()
                    self.visit(fragment.selection_set, place, (*within, name))
            else:
                self._count()
                self.visit(selection.selection_set, place, within)  # type: ignore[attr-defined]  # an inline fragment

    def _visit_field(self, node: FieldNode, place: tuple[str, ...], within: tuple[str, ...]) -> None:
        self._count()
        here = (*place, (node.alias or node.name).value)
        self.found[here] += 1
        if self.found[here] > MOST_REPEATS:
            detail = (
                f"`{'.'.join(here)[:200]}` is asked for more than {MOST_REPEATS} times in one place; once is enough."
            )
            raise refused("query-too-complex", detail)
        if node.selection_set is not None:
            self.visit(node.selection_set, here, within)

    def _count(self) -> None:
        self.fields += 1
        if self.fields > MOST_FIELDS:
            raise refused("query-too-complex", f"With its fragments the document asks for over {MOST_FIELDS:,} fields.")


def check_repeats(document: DocumentNode) -> None:
    """Refuse a document that would take long to validate.

    Raises:
        Problem: 400.
    """
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    fields = 0
    for definition in document.definitions:
        if isinstance(definition, FragmentDefinitionNode | OperationDefinitionNode):
            places = _Places(fragments, fields=fields)
            places.visit(definition.selection_set, (), ())
            fields = places.fields
