"""What a job cost, as its worker says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import FieldError

AMOUNT_PATTERN = r"\d{1,12}(\.\d{1,6})?"
CURRENCY_PATTERN = "[A-Z]{3}"
LARGEST_COUNT = 2**53 - 1


def check_cost(cost: Mapping[str, Any] | None) -> list[FieldError]:
    """The mistakes in `{amount, currency, gpu_seconds, units_in, units_out}`, each of which may be absent.

    The units are what a model counts, of what it was given and of what it gave: the audit masks whatever is called a
    token.
    """
    given, errors = cost or {}, []
    amount, currency = given.get("amount"), given.get("currency")
    if amount is not None and not re.fullmatch(AMOUNT_PATTERN, amount, re.ASCII):
        errors.append(FieldError("/cost/amount", "invalid", 'Give the amount as text, such as "1.25".'))
    if currency is not None and not re.fullmatch(CURRENCY_PATTERN, currency):
        errors.append(FieldError("/cost/currency", "invalid", 'Give the currency as ISO 4217 has it, such as "EUR".'))
    if (amount is None) != (currency is None):
        errors.append(FieldError("/cost/currency", "required", "An amount and its currency go together."))
    counts = [name for name in ("gpu_seconds", "units_in", "units_out") if given.get(name) is not None]
    wrong = [name for name in counts if not 0 <= given[name] <= LARGEST_COUNT]
    return errors + [FieldError(f"/cost/{n}", "range", f"Give a `{n}` from 0 to {LARGEST_COUNT}.") for n in wrong]
