"""The kinds of problem that the API answers with: each a `type`, `/problems/<slug>`, whose page says what to do."""

from __future__ import annotations

from typing import NamedTuple


class ProblemKind(NamedTuple):
    """One kind.

    Attributes:
        title: what went wrong, whatever the case.
        advice: what a caller can do about it; `code` in backquotes.
    """

    status: int
    title: str
    advice: str


# By slug.
PROBLEMS = {
    "bad-request": ProblemKind(
        400,
        "The request cannot be read",
        "`detail` says what of the request cannot be read: a header, its length, an `Idempotency-Key`. If the "
        "body was damaged or cut short on its way, send it again.",
    ),
    "malformed-json": ProblemKind(
        400,
        "The body is not acceptable JSON",
        "`detail` says what is wrong and, where it can, the line and column. The body has to be JSON in UTF-8 "
        "(RFC 8259), no member given twice, no more than 32 levels deep, whole numbers within 64 bits.",
    ),
    "bad-query": ProblemKind(
        400,
        "A query parameter is unknown or out of range",
        "`parameter` names the query parameter and `detail` says what it may be. The reference lists those of "
        "each call.",
    ),
    "query-malformed": ProblemKind(
        400,
        "The GraphQL document cannot be read",
        "`errors` says where the GraphQL document stops making sense.",
    ),
    "query-invalid": ProblemKind(
        400,
        "The GraphQL document or its variables do not fit the schema",
        "Each entry of `errors` says which field, argument or variable is meant. The schema can be asked for "
        "(introspection) with any key.",
    ),
    "query-too-long": ProblemKind(
        400,
        "The GraphQL document is too long",
        "Ask in several documents, and put values in `variables`.",
    ),
    "query-too-deep": ProblemKind(
        400,
        "The GraphQL operation is nested too deeply",
        "Ask for less at a time: read the inner objects by their ids in a second query.",
    ),
    "query-too-complex": ProblemKind(
        400,
        "The GraphQL operation asks for too much",
        "`detail` says which bound was passed. Ask for smaller pages (`first`), fewer lists inside lists, or "
        "less in one document.",
    ),
    "too-many-aliases": ProblemKind(
        400,
        "The GraphQL document has too many aliases",
        "Ask for fewer objects in one document; a list with a filter often takes the place of many aliases.",
    ),
    "key-missing": ProblemKind(
        401,
        "No API key was presented",
        "Send the key in `Authorization: Bearer csk_…`; for `/metrics`, the installation's metrics token. An "
        "admin makes keys in the portal, under API keys.",
    ),
    "key-malformed": ProblemKind(
        401,
        "The API key is malformed",
        "Send `Authorization: Bearer` and the key as you were given it: it begins with `csk_` and has no "
        "spaces. Compare its beginning and its end: most often it was cut.",
    ),
    "key-unknown": ProblemKind(
        401,
        "The API key is unknown",
        "There is no such key here. Is it of another installation, or was its text replaced long ago? An "
        "admin can make a new one.",
    ),
    "key-revoked": ProblemKind(
        401,
        "The API key was revoked",
        "It works no more, and for good. Ask an admin for a new key; the portal says why this one was revoked.",
    ),
    "key-expired": ProblemKind(
        401,
        "The API key has expired",
        "`detail` says which: of a key that has expired an admin can extend the expiry; of a text that was "
        "rotated out, use the newer one.",
    ),
    "key-suspended": ProblemKind(
        401,
        "The API key is suspended",
        "An admin has stopped it for a while. It works again, unchanged, when it is resumed.",
    ),
    "address-not-allowed": ProblemKind(
        403,
        "The key may not be used from this address",
        "The key has a list of addresses, and the call came from elsewhere. An admin can add yours. Behind a "
        "proxy, has it been configured as trusted?",
    ),
    "forbidden": ProblemKind(
        403,
        "The key's role or scope does not allow this",
        "This key, or its role or scope, does not reach so far; `detail` says what is in the way. An admin "
        "can change the key.",
    ),
    "not-found": ProblemKind(
        404,
        "There is nothing here",
        "Check the path and the id. Objects in projects that the key does not see are not there for it either.",
    ),
    "method-not-allowed": ProblemKind(
        405,
        "The method is not allowed here",
        "`Allow` names the methods of this path.",
    ),
    "conflict": ProblemKind(
        409,
        "The object's state does not allow this",
        "Read the object again: `detail` says what is in the way and `allowed`, where there is one, what its "
        "state does allow.",
    ),
    "idempotency-in-progress": ProblemKind(
        409,
        "A call with this Idempotency-Key is still running",
        "The first call with this Idempotency-Key has not been answered yet. Wait `Retry-After` seconds and "
        "send the same call again: it happens once.",
    ),
    "cursor-too-old": ProblemKind(
        410,
        "What follows the cursor is not kept any more",
        "Begin at `oldest`, or read the objects anew: what lies before it is not kept any more.",
    ),
    "precondition-failed": ProblemKind(
        412,
        "The object has changed",
        "Somebody changed the object since you read it. Read it again, make your change to what it is now, "
        "and send the new `ETag` in `If-Match`.",
    ),
    "body-too-large": ProblemKind(
        413,
        "The body is too large",
        "`detail` names the bound. Split what is long: a batch into several, metadata into several calls.",
    ),
    "uri-too-long": ProblemKind(
        414,
        "The address is too long",
        "Shorten the query: a filter with `[in]` takes many values, and several calls take more.",
    ),
    "unsupported-media-type": ProblemKind(
        415,
        "The type of the body is not one that is read here",
        "`detail` names the `Content-Type` that this call takes; mostly it is `application/json`.",
    ),
    "range-not-satisfiable": ProblemKind(
        416,
        "The range lies behind the end of the file",
        "`Content-Range` tells the file's length. Ask for bytes within it.",
    ),
    "headers-too-large": ProblemKind(
        431,
        "The headers are too many or too large",
        "Send fewer or shorter headers; cookies are not needed here.",
    ),
    "invalid": ProblemKind(
        422,
        "Fields of the body break a rule",
        "Each entry of `errors` names a field by its JSON pointer and says what would be right. Nothing was "
        "stored. Values of a wrong type are told first; the other rules are looked at when the types are "
        "right.",
    ),
    "batch-failed": ProblemKind(
        422,
        "An operation of the atomic batch failed",
        "`detail` names the operation that failed and `data` has the outcome of each. None of the batch was "
        "carried out.",
    ),
    "failed-dependency": ProblemKind(
        424,
        "An operation that this one depends on failed",
        "Mend the operation that failed. This one was not tried, or was undone with its atomic batch.",
    ),
    "idempotency-mismatch": ProblemKind(
        422,
        "This Idempotency-Key was used for another request",
        "The Idempotency-Key was used here for a request with another body or query. Take a new one for each request.",
    ),
    "quota-exceeded": ProblemKind(
        429,
        "Too many calls",
        "Wait `Retry-After` seconds: it is enough for this call, unless others draw on the same bucket "
        "meanwhile. The headers X-RateLimit-… tell how the bucket stands. An admin can raise a key's limits.",
    ),
    "too-many-streams": ProblemKind(
        429,
        "The key keeps too many streams open",
        "Close a stream that the key keeps open, or read events by pages.",
    ),
    "internal-error": ProblemKind(
        500,
        "Something failed on our side",
        "Nothing was stored. Send it once more; if it fails again, tell whoever runs this installation the "
        "`request_id`.",
    ),
    "busy": ProblemKind(
        503,
        "The service is busy",
        "Wait `Retry-After` seconds and send the same call again, with the same Idempotency-Key.",
    ),
    "store-unavailable": ProblemKind(
        503,
        "The store of artifacts does not answer",
        "The files are out of reach for the moment; everything else works. Wait `Retry-After` seconds and try again.",
    ),
    "audit-unavailable": ProblemKind(
        503,
        "The call could not be written to the audit trail",
        "No call is answered that is not in the audit trail. Wait `Retry-After` seconds and send it again, "
        "with the same Idempotency-Key.",
    ),
}
