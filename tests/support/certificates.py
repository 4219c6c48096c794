"""Certificates as receivers show them, from an authority that lasts for one test session."""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
_LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))


class Authority:
    """Issues certificates; `file` is its own, for those who are to trust it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("Callsheet Test Authority")
        built = _builder(self._name, self._name, self._key, 365 * DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.file = folder / "authority.pem"
        self.file.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def server(
        self, name: x509.GeneralName = _LOOPBACK, valid_for: timedelta = 30 * DAY, *, self_signed: bool = False
    ) -> ssl.SSLContext:
        """What a server of this name presents itself with.

        Args:
            valid_for: from now; it began a year ago.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _named("receiver")
        issuer, signer = (subject, key) if self_signed else (self._name, self._key)
        built = _builder(subject, issuer, key, valid_for).add_extension(
            x509.SubjectAlternativeName([name]), critical=False
        )
        file = self._folder / "server.pem"
        file.write_bytes(
            built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _named(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, words)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, valid_for: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 365 * DAY)
        .not_valid_after(now + valid_for)
    )
