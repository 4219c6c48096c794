"""What a receiver is sent, and whether it has to believe it: the published vectors of Standard Webhooks, and what is
signed here, good and spoiled."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from domain.webhooks.signing import new_private_key, new_secret, signed_headers

NOW = 1_790_000_000
TOLERANCE = 5 * 60  # seconds, of every reference library
BODY = '{"type":"asset.approved","data":{"name":"Mara – ångström 🎬"}}'


@dataclass(frozen=True, slots=True)
class Case:
    """A request at a receiver.

    Attributes:
        secret: the receiver's.
        now: by its clock.
        good: whether it is to be believed.
    """

    secret: str
    headers: dict[str, str]
    body: str
    now: int = NOW
    good: bool = True

    def shown(self) -> dict[str, Any]:
        """As the receivers read it."""
        return asdict(self)

    def but(self, **headers: str | None) -> Case:
        """The same with these headers, not to be believed; None leaves one out."""
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        return replace(self, headers={name: value for name, value in given.items() if value is not None}, good=False)


def published() -> dict[str, Case]:
    """The two published vectors of `v1`; that of `v1a` no reference library checks."""
    first = Case(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        {
            "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "webhook-timestamp": "1614265330",
            "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        },
        '{"test": 2432232314}',
        1614265330,
    )
    second = Case(
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        {
            "webhook-id": "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
            "webhook-timestamp": "1649367553",
            "webhook-signature": "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
        },
        '{"email":"test@example.com","username":"test_user"}',
        1649367553,
    )
    signature = first.headers["webhook-signature"]
    return {
        "the first vector": first,
        "the second vector": second,
        "a wrong signature": first.but(webhook_signature=signature.replace("1OE=", "1OA=")),
        "a signature of another version": first.but(webhook_signature=signature.replace("v1,", "v2,")),
        "an unpadded signature": first.but(webhook_signature=signature.removesuffix("=")),
        "a signature without a version": first.but(webhook_signature=signature.removeprefix("v1,")),
        "an empty secret": replace(first, secret="whsec_", good=False),
        "five minutes old": replace(first, now=first.now + TOLERANCE),
        "older than five minutes": replace(first, now=first.now + TOLERANCE + 1, good=False),
        "five minutes early": replace(first, now=first.now - TOLERANCE),
        "earlier than five minutes": replace(first, now=first.now - TOLERANCE - 1, good=False),
        "a decoy before the signature": replace(
            first, headers={**first.headers, "webhook-signature": f"v2,AAAA v1,Zm9v {signature}"}
        ),
    }


def ours() -> dict[str, Case]:
    """What is signed here."""
    old, new = new_secret(), new_secret()
    alone = Case(new, signed_headers([new], "evt_1", NOW, BODY.encode()), BODY)
    rotating = replace(alone, headers=signed_headers([new, old], "evt_1", NOW, BODY.encode()))
    mixed = replace(alone, headers=signed_headers([new_private_key(), new], "evt_1", NOW, BODY.encode()))
    return {
        "signed": alone,
        "signed by two, and the receiver has the new one": rotating,
        "signed by two, and the receiver has the old one": replace(rotating, secret=old),
        "signed by a private key too": mixed,
        "another secret": replace(alone, secret=old, good=False),
        "another body": replace(alone, body=BODY + " ", good=False),
        "another id": alone.but(webhook_id="evt_2"),
        "another time": alone.but(webhook_timestamp=str(NOW - 1)),
        "no id": alone.but(webhook_id=None),
        "no time": alone.but(webhook_timestamp=None),
        "no signature": alone.but(webhook_signature=None),
        "a time that is none": alone.but(webhook_timestamp="soon"),
        "an empty signature": alone.but(webhook_signature=""),
        "a signature that is noise": alone.but(webhook_signature="nonsense"),
        "a signature by a private key alone": replace(
            alone, headers=signed_headers([new_private_key()], "evt_1", NOW, BODY.encode()), good=False
        ),
    }


CASES = {**published(), **ours()}
