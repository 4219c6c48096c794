"""Who is let in, and what it costs them: key, allowlist, bucket, and how large the request may be."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from domain.api_keys.queries import KeyRefused
from domain.ports import Grant, Limiter, Take, limited_as

from .auth import AddressRefused, Authenticator, Steps, presented_key, take
from .call import Call
from .problems import Problem
from .request_limits import BodyTooLarge, check_head, read_body

Refuse = Callable[[int, Exception], None]
PREFIX = "/api/v1"
PUBLIC = frozenset({f"{PREFIX}/openapi.json", f"{PREFIX}/docs"})
# Calls that need no key although they do something.
KEYLESS = frozenset({("POST", f"{PREFIX}/leaked-keys")})
# Read by receivers, who have no key: what checks a webhook's signatures.
KEY_SETS = "/.well-known/webhook-keys/"
ADDRESS_PER_MINUTE = 120


def let_in(calls: Sequence[Call], authenticator: Authenticator, refuse: Refuse, until: float = math.inf) -> int:
    """Let each call in, in as many round trips to the limiter as one takes.

    Args:
        refuse: told the number of a call and what refuses it: 401, 403 allowlist, 429, 414, 431, 400, 413, in this
            order. It is not given back: an exception that is kept where it was caught holds itself, and the call.
        until: by the monotonic clock, no more calls are begun with then.

    Returns:
        How many were begun with, the first ones.
    """
    return _together(calls[0].services.limiter, [_admit(call, authenticator) for call in calls], refuse, until)


def readmit(call: Call, authenticator: Authenticator) -> None:
    """Let in once more a call that has waited, at no cost, as the key is by now; or raise what refuses it."""
    call.now = call.services.clock()
    _together(call.services.limiter, [_check_key(call, authenticator, None)], _raise, math.inf)


def _raise(_number: int, refusal: Exception) -> None:
    try:
        raise refusal
    finally:
        del refusal  # or it would hold itself


def _together(limiter: Limiter, admissions: Sequence[Steps[None]], refuse: Refuse, until: float) -> int:
    """Go through all of them at the same pace."""
    takes: dict[int, Take] = {}

    def go_on(number: int, answer: Grant | Exception | None) -> None:
        steps = admissions[number]
        try:
            if answer is None:
                takes[number] = next(steps)
            elif isinstance(answer, Exception):
                takes[number] = steps.throw(answer)
            else:
                takes[number] = steps.send(answer)
        except StopIteration:
            pass
        except Exception as refusal:
            refuse(number, refusal)

    begun = 0
    while begun < len(admissions) and (begun == 0 or time.monotonic() < until):
        go_on(begun, None)
        begun += 1
    while takes:
        asked, takes = takes, {}
        for number, answer in zip(asked, _taken(limiter, list(asked.values())), strict=True):
            go_on(number, answer)
    return begun


def _taken(limiter: Limiter, takes: Sequence[Take]) -> Sequence[Grant | Exception]:
    try:
        return limiter.take_all(takes)
    except Exception as error:  # whatever it is, each of them is answered and audited
        return [error] * len(takes)


def _admit(call: Call, authenticator: Authenticator) -> Steps[None]:
    if call.path in PUBLIC or (call.method, call.path) in KEYLESS or call.path.startswith(KEY_SETS):
        yield from _limit_address(call)
    else:
        yield from _authenticate(call, authenticator)
    try:
        check_head(call.path, call.environ, call.query)
        if call.upload is None and call.path not in PUBLIC:
            call.raw_body = read_body(call.environ)
    except Exception as refusal:
        call.dropped = refusal.received if isinstance(refusal, BodyTooLarge) else 0
        if call.cost.by_body is not None:  # nothing has been taken, nor will its body say what is to be
            yield from _take(call, 1)
        raise
    if call.cost.by_body is not None:
        call.bucket, tokens = call.cost.by_body(call.body_for_audit())
        yield from _take(call, tokens)


def _authenticate(call: Call, authenticator: Authenticator) -> Steps[None]:
    call.bucket = "write" if call.writes else "read"
    # What its body says it costs is taken when that is read.
    yield from _check_key(call, authenticator, 0 if call.cost.by_body is not None else call.cost.tokens)
    assert call.grant is not None
    _require(call, call.grant)


def _check_key(call: Call, authenticator: Authenticator, tokens: float | None) -> Steps[None]:
    """`tokens`: None for a call that was let in before."""
    try:
        token = presented_key(call.environ)
        if tokens is None:
            call.credential, grant = yield from authenticator.authenticate_again(
                token, call.ip, call.now, call.bucket, woken=call.woken
            )
            call.grant = grant or call.grant
        else:
            call.credential, call.grant = yield from authenticator.authenticate(
                token, call.ip, call.at, call.bucket, tokens
            )
    except KeyRefused as refusal:
        call.key_id, call.secret_id = refusal.key_id, refusal.secret_id
        yield from _limit_address(call)
        challenge = {"WWW-Authenticate": 'Bearer realm="callsheet"'}
        raise Problem(f"key-{refusal.reason}", str(refusal), headers=challenge) from None
    except AddressRefused as refusal:
        call.key_id, call.secret_id = refusal.refused.key_id, refusal.refused.secret_id
        yield from _limit_address(call)
        raise Problem("address-not-allowed", str(refusal)) from None
    except Exception:
        # Every answer tells of a bucket, also while no key can be looked up; who has failed is not asked once more.
        if call.grant is None and not call.services.limiter.degraded:
            call.bucket = "address"
            call.grant = yield _of_address(call, 0)
        raise
    call.key_id, call.secret_id = call.credential.key_id, call.credential.secret_id


def _take(call: Call, tokens: float) -> Steps[None]:
    assert call.credential is not None
    call.grant = yield take(call.credential, call.bucket, tokens)
    _require(call, call.grant)


def _limit_address(call: Call) -> Steps[None]:
    call.bucket = "address"
    call.grant = yield _of_address(call, 1)
    _require(call, call.grant)


def _of_address(call: Call, tokens: float) -> Take:
    return Take(f"address:{limited_as(call.ip)}", ADDRESS_PER_MINUTE, tokens)


def _require(call: Call, grant: Grant) -> None:
    if grant.allowed:
        return
    raise Problem(
        "quota-exceeded",
        f"The {call.bucket} limit is {grant.limit:,} a minute; this call is accepted in {grant.retry_after} s.",
        extra={"violated-policies": [call.bucket]},
        headers={"Retry-After": str(grant.retry_after)},
    )
