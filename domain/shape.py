"""The form of an answer: `fields=id,name` leaves members out, `expand=scene,scene.project` puts objects in.

An expanded object stands under its name beside the id. One statement finds all objects of one kind that a level needs,
however many rows name them; what is found already is not asked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .db import Row, Session
from .errors import BadQuery
from .filters import quoted
from .list_spec import ListSpec, Reference
from .resources import RESOURCES

# By name, what to expand below it.
Tree = Mapping[str, "Tree"]
Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shape:
    """A parsed `fields` and `expand`.

    Attributes:
        fields: the members asked for; None for all.
    """

    fields: tuple[str, ...] | None
    expand: Tree

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out and nothing put in."""
        return self.fields is None and not self.expand


WHOLE = Shape(None, {})


def parse_shape(spec: ListSpec, given: Mapping[str, str]) -> Shape:
    """Read `fields` and `expand`.

    Raises:
        BadQuery: an unknown, empty or repeated name.
    """
    if not given.keys() & {"fields", "expand"}:
        return WHOLE
    fields = _names("fields", given["fields"], spec.shown) if "fields" in given else None
    return Shape(fields, _tree(spec, given["expand"]) if "expand" in given else {})


def shape_of_one(spec: ListSpec, parameters: Sequence[tuple[str, str]]) -> Shape:
    """The form of one object that is fetched alone: nothing but `fields` and `expand` may be given.

    Raises:
        BadQuery: see `parse_shape`; a parameter of another name, or given twice.
    """
    offered = ["fields", *(["expand"] if spec.references else [])]
    given: dict[str, str] = {}
    for name, value in parameters:
        if name not in offered:
            raise BadQuery(name[:60], f"There is no query parameter {name[:60]!r} here; there are {quoted(offered)}.")
        if name in given:
            raise BadQuery(name, f"`{name}` was given twice.")
        given[name] = value
    return parse_shape(spec, given)


def _names(parameter: str, text: str, allowed: Sequence[str]) -> tuple[str, ...]:
    names = text.split(",")
    for index, name in enumerate(names):
        if name not in allowed:
            raise BadQuery(parameter, f"`{parameter}` cannot name {name[:60]!r}; it may name {quoted(allowed)}.")
        if name in names[:index]:
            raise BadQuery(parameter, f"`{parameter}` names {name!r} twice.")
    return tuple(names)


def paths_of(references: Mapping[str, Reference]) -> list[str]:
    """Every path that `expand` may name."""
    paths: list[str] = []
    for name, reference in references.items():
        below = _below(reference)
        paths += [name, *(f"{name}.{path}" for path in paths_of(below))]
    return paths


def _below(reference: Reference) -> Mapping[str, Reference]:
    """What may be expanded below a reference; nothing below one that may be of several kinds."""
    return RESOURCES[reference.object].references if reference.object else {}


def _tree(spec: ListSpec, text: str) -> Tree:
    tree: dict[str, Any] = {}
    for path in _names("expand", text, paths_of(spec.references)):
        level = tree
        for name in path.split("."):
            level = level.setdefault(name, {})
    return tree


def shaped(
    session: Session,
    spec: ListSpec,
    shape: Shape,
    rows: Sequence[Row],
    show: Callable[[Row], Shown],
) -> list[Shown]:
    """The rows as `show` gives them, in this shape."""
    objects = [show(row) for row in rows]
    if shape.is_whole:
        return objects
    if shape.fields is not None:
        objects = [{name: each[name] for name in shape.fields} for each in objects]
    _embed(session, spec.references, shape.expand, list(zip(rows, objects, strict=True)), {})
    return objects


def _embed(
    session: Session,
    references: Mapping[str, Reference],
    tree: Tree,
    pairs: Sequence[tuple[Row, Shown]],
    known: dict[tuple[str, str], Row],
) -> None:
    for name, below in tree.items():
        reference = references[name]
        _find(session, {reference.named_by(row) for row, _ in pairs}, known)
        # One object for each id at this place: rows that name the same share it.
        made: dict[tuple[str, str], tuple[Row, Shown]] = {}
        for row, shown in pairs:
            named = reference.named_by(row)
            if named not in made and named in known:
                made[named] = (known[named], RESOURCES[named[0]].show(known[named]))
            shown[name] = made[named][1] if named in made else None
        _embed(session, _below(reference), below, list(made.values()), known)


def _find(session: Session, wanted: set[tuple[str, str]], known: dict[tuple[str, str], Row]) -> None:
    ids: dict[str, set[str]] = {}
    for noun, entity_id in wanted - known.keys():
        if entity_id is not None:
            ids.setdefault(noun, set()).add(entity_id)
    for noun, missing in ids.items():
        known.update({(noun, found): row for found, row in RESOURCES[noun].find(session, missing).items()})
