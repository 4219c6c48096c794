"""What the commands share: running them, saying what was refused, and who gave them."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import click

from domain.errors import DomainError, Invalid
from domain.operations.queries import WrongSecretKey

Result = TypeVar("Result")


def by(changes: Mapping[str, Any]) -> dict[str, Any]:
    """What was done, and which account of this machine did it."""
    return {**changes, "by": os.environ.get("SUDO_USER") or getpass.getuser()}


def carry_out(action: Callable[[], Result]) -> Result:
    """Run, and turn what the domain refuses into sentences on standard error."""
    try:
        return action()
    except Invalid as error:
        fail("\n".join(f"{item.field.lstrip('/')}: {item.message}" for item in error.errors))
    except (DomainError, WrongSecretKey) as error:
        fail(str(error))


def fail(message: str) -> NoReturn:
    """End with this sentence on standard error, and a status that says so."""
    click.echo(message, err=True)
    raise SystemExit(1)
