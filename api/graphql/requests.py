"""Understanding a request before anything is done for it: the document, its operation, its variables, its size."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    parse,
    recommended_rules,
    specified_rules,
    validate,
)
from graphql.execution import get_variable_values

from ..problems import Problem
from .limits import LONGEST_QUERY, MOST_TOKENS, ROWS_A_TOKEN, check_aliases, fields_in, measure, too_deep
from .literals import faults_of
from .refusals import VARIABLES, refused
from .repeats import check_repeats

_DEEP = ("nested too deeply", "Maximum introspection depth")
MOST_ERRORS = 20  # each is told with what was perhaps meant, which takes time
MOST_REMEMBERED = 64  # documents: programs send the same few again and again
RULES = (*specified_rules, *recommended_rules)


@dataclass(frozen=True, slots=True)
class Request:
    """One operation, ready to be executed.

    Attributes:
        variables: as they came; they fit.
        rows: the most that it can load.
        tokens: what it costs.
    """

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: dict[str, Any]
    rows: int
    tokens: int

    @property
    def bucket(self) -> str:
        """A query is a read, however it is sent."""
        return "read" if is_query(self.operation) else "write"


def is_query(operation: OperationDefinitionNode) -> bool:
    """Whether it only reads."""
    return operation.operation is OperationType.QUERY


def _is_deep(error: GraphQLError) -> bool:
    """Whether graphql-core gave up on it for its depth; only its words tell."""
    return error.message == "Validation aborted." or any(words in error.message for words in _DEEP)


@lru_cache(maxsize=MOST_REMEMBERED)
def parsed(text: str) -> DocumentNode | Problem:
    """The document, or why it is none."""
    if len(text) > LONGEST_QUERY:
        return refused("query-too-long", f"Keep the document to {LONGEST_QUERY:,} characters.")
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
        check_aliases(document)
        check_repeats(document)
        if faults := faults_of(document):
            return refused("query-malformed", "The document holds a value that cannot be kept.", faults)
    except GraphQLSyntaxError as error:
        if f"than {MOST_TOKENS}" in error.message:
            return refused("query-too-long", f"Keep the document to {MOST_TOKENS:,} tokens.")
        if _is_deep(error):
            return too_deep()
        return refused("query-malformed", "The document cannot be parsed.", [error])
    except Problem as problem:
        return replace(problem)  # what was raised knows the call that met it, which must not be remembered
    except RecursionError:
        return too_deep()
    return document


class Reader:
    """Reads requests for a schema."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._validated = lru_cache(maxsize=MOST_REMEMBERED)(self._validate)

    def read(self, query: str, variables: Mapping[str, Any] | None, operation_name: str | None) -> Request:
        """The request.

        Raises:
            Problem: 400, it cannot be executed; nothing was.
        """
        document = self._validated(query)
        if isinstance(document, Problem):
            raise replace(document)  # a new one: each raise adds to what it remembers
        operation = self._operation(document, operation_name)
        given = dict(variables or {})
        values = get_variable_values(self._schema, operation.variable_definitions or (), given, max_errors=50)
        if isinstance(values, list):
            raise refused("query-invalid", "The variables do not fit the operation.", values, VARIABLES)
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        try:
            rows = measure(self._schema, operation, fragments, values.coerced).rows
        except RecursionError:
            raise too_deep() from None
        steps = 1 if is_query(operation) else fields_in(operation.selection_set, fragments)
        return Request(document, operation, given, rows, max(steps, -(-rows // ROWS_A_TOKEN)))

    def _operation(self, document: DocumentNode, name: str | None) -> OperationDefinitionNode:
        operation = get_operation_ast(document, name)
        if operation is None:
            said = "Say with `operationName` which one." if name is None else f"There is none called {name[:60]!r}."
            raise refused("query-invalid", f"The document has no one operation to execute. {said}")
        return operation

    def _validate(self, text: str) -> DocumentNode | Problem:
        document = parsed(text)
        if isinstance(document, Problem):
            return document
        try:
            errors = validate(self._schema, document, RULES, max_errors=MOST_ERRORS)
        except RecursionError:
            return too_deep()
        if any(map(_is_deep, errors)):
            return too_deep()
        return refused("query-invalid", "The document does not fit the schema.", errors) if errors else document
