"""Why there was no whole answer: a stable word for programs and a plain sentence for an admin."""

from __future__ import annotations

import errno
import socket
import ssl
from collections.abc import Callable, Iterator

from domain.webhooks.addresses import ForbiddenAddress

from .connection import BadAnswer, Disconnected
from .progress import Phase, Progress

_TIMEOUTS: dict[Phase | None, str] = {
    None: "No answer within {seconds:g} s.",
    Phase.DNS: "The receiver's name was still being looked up after {seconds:g} s.",
    Phase.CONNECT: "Nothing accepted the connection within {seconds:g} s: the address or its port is filtered.",
    Phase.TLS: "The TLS handshake was not complete after {seconds:g} s.",
    Phase.FIRST_BYTE: "The receiver accepted the connection, but had not answered after {seconds:g} s.",
    Phase.BODY: "The receiver began to answer, but its answer was not complete after {seconds:g} s.",
}
# OpenSSL's codes of `X509_V_ERR_…`.
_CERTIFICATES = {
    9: "The receiver's TLS certificate is not valid yet.",
    10: "The receiver's TLS certificate has expired.",
    18: "The receiver's TLS certificate is self-signed: no authority that is trusted here vouches for it.",
    19: "The receiver's TLS certificate ends in a self-signed one that is not trusted here.",
    23: "The receiver's TLS certificate was revoked.",
    62: "The receiver's TLS certificate is for another name.",
    64: "The receiver's TLS certificate is for another address.",
    **dict.fromkeys(
        (2, 20, 21),
        "The receiver's TLS certificate is not trusted here: its issuer is unknown, or it sends no intermediate ones.",
    ),
}
_UNREACHABLE = {
    errno.ENETUNREACH: "There is no route from here to the receiver's network.",
    errno.EHOSTUNREACH: "The receiver's network says that there is no such host.",
    errno.ETIMEDOUT: "The receiver's address did not react.",
    errno.EADDRNOTAVAIL: "This host has no address from which the receiver's can be reached.",
}


def explain(error: Exception, progress: Progress, deadline: float) -> tuple[str, str]:
    """A stable word and a plain sentence for what went wrong.

    Args:
        progress: of the exchange that failed.
        deadline: the seconds it had.
    """
    forbidden = next((cause for cause in _causes(error) if isinstance(cause, ForbiddenAddress)), None)
    if forbidden is not None:
        return "forbidden_address", f"Not sent: {forbidden}"
    if isinstance(error, TimeoutError):
        return "timeout", _TIMEOUTS[progress.phase].format(seconds=deadline)
    for types, word, sentence in _EXPLANATIONS:
        if isinstance(error, types):
            return word, sentence(error, progress)
    return "failed", f"The request failed ({type(error).__name__})."


def _certificate(error: Exception, _: Progress) -> str:
    refusal = next((cause for cause in _causes(error) if isinstance(cause, ssl.SSLCertVerificationError)), None)
    unknown = "The receiver's TLS certificate is not valid for its name, has expired or is not trusted."
    return _CERTIFICATES.get(getattr(refusal, "verify_code", 0), unknown)


def _tls(error: Exception, _: Progress) -> str:
    reasons = {getattr(cause, "reason", None) for cause in _causes(error)}
    if "WRONG_VERSION_NUMBER" in reasons or "HTTP_REQUEST" in reasons:
        return "The receiver does not speak TLS at this port: the URL may have to begin with http://."
    return "A TLS connection could not be made: the receiver supports no version or cipher that is safe enough."


def _name(error: Exception, _: Progress) -> str:
    codes = {cause.errno for cause in _causes(error) if isinstance(cause, socket.gaierror)}
    if codes & {socket.EAI_AGAIN, socket.EAI_FAIL}:
        return "The receiver's name could not be looked up: no name server answered."
    return "The receiver's name has no address."


def _closed(_: Exception, progress: Progress) -> str:
    if progress.phase is Phase.TLS:
        return "The receiver closed the connection during the TLS handshake."
    if progress.phase is Phase.BODY:
        return "The receiver closed the connection before its answer was complete."
    return "The receiver closed the connection without an answer."


def _unreachable(error: Exception, _: Progress) -> str:
    return _UNREACHABLE.get(getattr(error, "errno", None) or 0, "The receiver's address could not be reached.")


def _bad_answer(error: Exception, _: Progress) -> str:
    return str(error)


def _always(sentence: str) -> Callable[[Exception, Progress], str]:
    return lambda _error, _progress: sentence


# The first row whose type fits tells. Order matters: the system's errors inherit widely.
_EXPLANATIONS: tuple[tuple[tuple[type[BaseException], ...], str, Callable[[Exception, Progress], str]], ...] = (
    ((ssl.SSLCertVerificationError,), "certificate", _certificate),
    ((ssl.SSLError,), "tls", _tls),
    ((socket.gaierror,), "name_not_found", _name),
    (
        (ConnectionRefusedError,),
        "refused",
        _always("The receiver refused the connection: nothing listens at that address and port."),
    ),
    ((Disconnected, ConnectionResetError, BrokenPipeError), "disconnected", _closed),
    ((OSError,), "unreachable", _unreachable),
    ((BadAnswer,), "bad_answer", _bad_answer),
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
