"""Certificates for tests of TLS, signed by an authority that only the test knows."""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates."""

    certificate: bytes
    """Its own one, PEM: what clients have to trust."""
    _name: x509.Name
    _key: ec.EllipticCurvePrivateKey

    @classmethod
    def new(cls, named: str = "authority of a test") -> Authority:
        """Return a new one."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name(named)
        made = (
            _builder(name, name, key.public_key(), serial=1)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256())
        )
        return cls(made.public_bytes(serialization.Encoding.PEM), name, key)

    def issue(
        self,
        host: str,
        certificate: pathlib.Path,
        key: pathlib.Path,
        *,
        serial: int,
        expired: bool = False,
        self_signed: bool = False,
    ) -> None:
        """Move the certificate and key of a host into place.

        Args:
            host: Its name; 127.0.0.1 is always in it too.
            certificate: Where the certificate goes, PEM.
            key: Where its key goes, PEM.
            serial: The certificate's number.
            expired: Whether it ended yesterday.
            self_signed: Whether it vouches for itself, and no authority does.
        """
        private = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName(host), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = (
            _builder(
                _name(host),
                _name(host) if self_signed else self._name,
                private.public_key(),
                serial=serial,
                expired=expired,
            )
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(private if self_signed else self._key, hashes.SHA256())
        )
        _move_into_place(
            key,
            private.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            ),
        )
        _move_into_place(certificate, made.public_bytes(serialization.Encoding.PEM))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, *, serial: int, expired: bool = False
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now - DAY if expired else now + DAY)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _move_into_place(path: pathlib.Path, content: bytes) -> None:
    # As those do who renew certificates: readers see the old one or the new one.
    beside = path.with_suffix(path.suffix + ".new")
    beside.write_bytes(content)
    beside.rename(path)
