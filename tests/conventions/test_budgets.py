"""Files and functions stay small enough to be read in one go, and every folder of a noun has the same files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT

PACKAGES = ("domain", "api", "portal", "jobs", "deploy", "dev", "migrations")
LONGEST_FILE = 300
LONGEST_FUNCTION = 60
LONGEST_TEMPLATE = 150
# Made by Alembic and never changed afterwards.
MADE_ONCE = ROOT / "migrations" / "versions"

# The files that a noun's folder may hold, by layer; a folder is a slice when it holds one of the first.
SLICES: dict[str, tuple[set[str], set[str]]] = {
    "domain": (
        {"models.py"},
        {
            *("models.py", "commands.py", "queries.py"),
            # Pure functions that a noun has beside its tables.
            *("masking.py", "tokens.py", "passwords.py", "sessions.py", "catalogue.py", "examples.py", "statistics.py"),
            *("addresses.py", "retry.py", "signing.py", "rules.py", "types.py", "patterns.py", "definitions.py"),
            *("export.py", "retention.py", "outsiders.py", "headers.py", "filters.py", "rotation.py"),
            *("schemas.py", "claiming.py", "health.py", "limits.py", "matching.py", "recording.py"),
            *("selection.py", "steps.py", "figures.py", "feed.py", "positions.py", "places.py", "store.py"),
            "serving.py",
            *("history.py",),
            *("kinds.py", "builtin_kinds.py", "changing.py", "costs.py", "dependencies.py", "leases.py", "working.py"),
            *("merkle.py", "checkpoints.py", "verification.py", "file_comparison.py", "targets.py"),
        },
    ),
    "api/v1": (
        {"routes.py"},
        {
            *("routes.py", "schemas.py", "runner.py", "references.py", "changes.py", "key_sets.py"),
            *("costs.py", "farm.py", "farm_schemas.py", "feed.py", "starting.py", "stream.py", "following.py"),
        },
    ),
    "portal": (
        {"views.py"},
        {
            "views.py",
            "forms.py",
            "filters.py",
            "outcome.py",
            "snippet.py",
            "editing.py",
            "replays.py",
            "terms.py",
            "actions.py",
            "files.py",
            "decisions.py",
            "screening.py",
        },
    ),
}


def sources() -> list[Path]:
    """Every source file of ours, tests left out."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py")])


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_no_file_is_long() -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in sources() if MADE_ONCE not in path.parents}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_the_median_file_is_short() -> None:
    lengths = sorted(length for path in sources() if (length := len(path.read_text().splitlines())) > 0)
    assert lengths[len(lengths) // 2] <= 80


def test_no_function_is_long() -> None:
    long = {
        f"{named(path)}:{node.name}": length
        for path in sources()
        if MADE_ONCE not in path.parents
        for node in functions(path)
        if (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_template_is_long() -> None:
    templates = (ROOT / "templates").rglob("*.html")
    lengths = {named(path): len(path.read_text().splitlines()) for path in templates}
    assert {name: length for name, length in lengths.items() if length > LONGEST_TEMPLATE} == {}


def test_every_function_says_its_types() -> None:
    bare = [f"{named(path)}:{node.name}" for path in sources() for node in functions(path) if node.returns is None]
    assert bare == []


@pytest.mark.parametrize("layer", SLICES)
def test_every_noun_has_the_same_files(layer: str) -> None:
    marks, allowed = SLICES[layer]
    for folder in (path for path in (ROOT / layer).iterdir() if path.is_dir() and path.name != "__pycache__"):
        files = {path.name for path in folder.glob("*.py")} - {"__init__.py"}
        assert files & marks, f"{named(folder)} holds none of {marks}"
        assert files <= allowed, f"{named(folder)} holds {files - allowed}"


def test_every_noun_of_the_api_is_one_of_the_domain() -> None:
    domain = {path.name for path in (ROOT / "domain").iterdir() if path.is_dir()}
    nouns = {path.parent.name for path in (ROOT / "api" / "v1").glob("*/routes.py")}
    assert nouns - domain == {"me", "batch", "graphql"}


def test_no_library_code_prints() -> None:
    """The command line and the launcher write through click and `deploy.output`."""
    printing = [
        f"{named(path)}:{node.lineno}"
        for path in sources()
        if path.relative_to(ROOT).parts[0] in ("domain", "api", "portal", "jobs", "app.py", "config.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("print", "breakpoint")
    ]
    assert printing == []


def test_domain_functions_never_commit() -> None:
    """A door opens the transaction and ends it."""
    ending = [
        f"{named(path)}:{node.lineno}"
        for path in (ROOT / "domain").rglob("*.py")
        if path.name != "db.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in ("commit", "rollback", "begin")
    ]
    assert ending == []
