"""GraphQL's types of what the API shows and takes, made of the schemas by which REST documents and reads the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLID,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)
from marshmallow import Schema, fields

from .scalars import DATE_TIME, JSON, LONG

Type = Any  # graphql-core has no one type for what may stand in a field


def name_of(schema: type[Schema]) -> str:
    """`Character` of `CharacterSchema`."""
    return schema.__name__.removesuffix("Schema")


def _text_of(schema: type[Schema]) -> str:
    return " ".join((schema.__doc__ or "").split())


def _description(field: fields.Field[Any]) -> str | None:
    text, words = str(field.metadata.get("description", "")), field.metadata.get("enum")
    if words is None:
        return text or None
    named = ", ".join(f"`{word}`" for word in words if word is not None)
    return f"{text} One of {named}.".strip()


def _required(field: fields.Field[Any], kind: Type) -> Type:
    return GraphQLNonNull(kind) if field.required and not field.allow_none else kind


def _plain(name: str, field: fields.Field[Any]) -> Type:
    """The type of a field that holds a single value."""
    if isinstance(field, fields.Integer):
        return LONG if field.metadata.get("format") == "int64" else GraphQLInt
    if isinstance(field, fields.Boolean):
        return GraphQLBoolean
    if isinstance(field, fields.Float):
        return GraphQLFloat
    if isinstance(field, fields.DateTime):
        return DATE_TIME
    if isinstance(field, fields.String):
        return GraphQLID if name == "id" else GraphQLString
    return JSON


class Types:
    """The types of one GraphQL schema, each made once.

    Attributes:
        also: by the name of a type, fields that it has besides those of its schema, or in place of them.
        interfaces: by the name of a type, what it is one of.
    """

    def __init__(self) -> None:
        self.also: dict[str, dict[str, GraphQLField]] = defaultdict(dict)
        self.interfaces: dict[str, list[GraphQLInterfaceType]] = defaultdict(list)
        self._objects: dict[str, GraphQLObjectType] = {}
        self._inputs: dict[str, GraphQLInputObjectType] = {}

    def answer(self, schema: type[Schema]) -> Type:
        """The type of what is shown; JSON where the members are the caller's own."""
        if not schema().fields:
            return JSON
        name = name_of(schema)
        if name not in self._objects:
            self._objects[name] = GraphQLObjectType(
                name, lambda: self._shown(schema, name), lambda: self.interfaces[name], description=_text_of(schema)
            )
        return self._objects[name]

    def _shown(self, schema: type[Schema], name: str) -> dict[str, GraphQLField]:
        own = {
            each: GraphQLField(_required(field, self._shown_as(each, field)), description=_description(field))
            for each, field in schema().fields.items()
        }
        return {**own, **self.also[name]}

    def _shown_as(self, name: str, field: fields.Field[Any]) -> Type:
        if isinstance(field, fields.Nested):
            kind = self.answer(type(field.schema))
            return GraphQLList(GraphQLNonNull(kind)) if field.many else kind
        if isinstance(field, fields.List):
            return GraphQLList(GraphQLNonNull(self._shown_as("", field.inner)))
        return _plain(name, field)

    def taken(self, schema: type[Schema]) -> Type:
        """The type of a body; JSON where the members are the caller's own."""
        declared: Mapping[str, fields.Field[Any]] = schema().fields
        if not declared:
            return JSON
        name = f"{name_of(schema)}Input"
        if name not in self._inputs:
            taken = {
                each: GraphQLInputField(_required(field, self._taken_as(field)), description=_description(field))
                for each, field in declared.items()
            }
            self._inputs[name] = GraphQLInputObjectType(name, taken, description=_text_of(schema))
        return self._inputs[name]

    def _taken_as(self, field: fields.Field[Any]) -> Type:
        if isinstance(field, fields.Nested):
            return self.taken(type(field.schema))
        if isinstance(field, fields.List):
            return GraphQLList(self._taken_as(field.inner))
        return GraphQLString if isinstance(field, fields.DateTime) else _plain("", field)
