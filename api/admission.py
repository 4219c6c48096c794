"""Who is let in, and what it costs them: key, allowlist, bucket, and how large the request may be."""

from __future__ import annotations

from domain.api_keys.queries import KeyRefused
from domain.ports import Grant, limited_as

from .auth import AddressRefused, Authenticator, presented_key
from .call import Call
from .problems import Problem
from .request_limits import check_head, read_body

PREFIX = "/api/v1"
PUBLIC = frozenset({f"{PREFIX}/openapi.json", f"{PREFIX}/docs"})
# Calls that need no key although they do something.
KEYLESS = frozenset({("POST", f"{PREFIX}/leaked-keys")})
# Read by receivers, who have no key: what checks a webhook's signatures.
KEY_SETS = "/.well-known/webhook-keys/"
ADDRESS_PER_MINUTE = 120


def admit(call: Call, authenticator: Authenticator) -> None:
    """Let the call in, or raise what refuses it: 401, 403 allowlist, 429, 414, 431, 400, 413, in this order."""
    if call.path in PUBLIC or (call.method, call.path) in KEYLESS or call.path.startswith(KEY_SETS):
        _limit_address(call)
    else:
        _authenticate(call, authenticator)
    check_head(call.path, call.environ, call.query)
    if call.path in PUBLIC:
        return
    if call.upload is None:
        call.raw_body = read_body(call.environ)
    if call.cost.by_body is not None:
        _take_by_body(call, authenticator)


def _authenticate(call: Call, authenticator: Authenticator) -> None:
    call.bucket = "write" if call.writes else "read"
    # What its body says it costs is taken when that is read.
    _let_in(call, authenticator, 0 if call.cost.by_body is not None else call.cost.tokens)
    assert call.grant is not None
    _require(call, call.grant)


def readmit(call: Call, authenticator: Authenticator) -> None:
    """Let in once more a call that has waited, at no cost, as the key is by now; or raise what refuses it."""
    call.now = call.services.clock()
    _let_in(call, authenticator, None)


def _let_in(call: Call, authenticator: Authenticator, tokens: float | None) -> None:
    """`tokens`: None for a call that was let in before."""
    try:
        token = presented_key(call.environ)
        if tokens is None:
            call.credential, grant = authenticator.authenticate_again(
                token, call.ip, call.now, call.bucket, woken=call.woken
            )
            call.grant = grant or call.grant
        else:
            call.credential, call.grant = authenticator.authenticate(token, call.ip, call.at, call.bucket, tokens)
    except KeyRefused as refusal:
        call.key_id, call.secret_id = refusal.key_id, refusal.secret_id
        _limit_address(call)
        challenge = {"WWW-Authenticate": 'Bearer realm="callsheet"'}
        raise Problem(f"key-{refusal.reason}", str(refusal), headers=challenge) from None
    except AddressRefused as refusal:
        call.key_id, call.secret_id = refusal.refused.key_id, refusal.refused.secret_id
        _limit_address(call)
        raise Problem("address-not-allowed", str(refusal)) from None
    call.key_id, call.secret_id = call.credential.key_id, call.credential.secret_id


def _take_by_body(call: Call, authenticator: Authenticator) -> None:
    assert call.credential is not None
    assert call.cost.by_body is not None
    call.bucket, tokens = call.cost.by_body(call.body_for_audit())
    call.grant = authenticator.take(call.credential, call.bucket, tokens)
    _require(call, call.grant)


def _limit_address(call: Call) -> None:
    call.bucket = "address"
    call.grant = call.services.limiter.take(f"address:{limited_as(call.ip)}", ADDRESS_PER_MINUTE)
    _require(call, call.grant)


def _require(call: Call, grant: Grant) -> None:
    if grant.allowed:
        return
    raise Problem(
        "quota-exceeded",
        f"The {call.bucket} limit is {grant.limit:,} a minute; this call is accepted in {grant.retry_after} s.",
        extra={"violated-policies": [call.bucket]},
        headers={"Retry-After": str(grant.retry_after)},
    )
