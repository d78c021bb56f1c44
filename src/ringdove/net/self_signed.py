"""A certificate for servers that have none: made once, kept, renewed before it ends."""

import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from .certificate import CertificateError, read_certificate

LIFETIME: Final = timedelta(days=3650)
RENEW: Final = timedelta(days=365)
"""How long before its end it is renewed, at a start of the server."""


def self_signed(folder: Path, names: Iterable[str], *, now: datetime | None = None) -> tuple[Path, Path]:
    """The files of a certificate for these hosts (addresses or names), and of its key; each is made where needed.

    A certificate that lacks one of them is made anew, for those it had, too. The key stays, so that phones that were
    told to trust it go on doing so. Raises OSError, and CertificateError where the key is unreadable.
    """
    now = now or datetime.now(UTC)
    certificate, key_file = folder / "sip-tls.crt", folder / "sip-tls.key"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    key = _key(key_file)
    wanted = dict.fromkeys(names)
    with suppress(CertificateError):
        kept = read_certificate(certificate)
        had = _names(kept)
        if kept.public_key() == key.public_key() and kept.not_valid_after_utc - now > RENEW and wanted.keys() <= had:
            return certificate, key_file
        wanted |= dict.fromkeys(sorted(had))
    _write(certificate, _issue(key, list(wanted), now).public_bytes(Encoding.PEM))
    return certificate, key_file


def _issue(key: RSAPrivateKey, names: list[str], now: datetime) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0][:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # phones' clocks are not always right
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)  # or phones take it for no root
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _key(file: Path) -> RSAPrivateKey:
    """RSA, which every phone knows."""
    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except FileNotFoundError:
        key = generate_private_key(65537, 2048)
        _write(file, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    except (ValueError, TypeError):
        raise CertificateError(f"{file}: holds no private key; remove it to have one made") from None
    if not isinstance(key, RSAPrivateKey):
        raise CertificateError(f"{file}: is not the key that was made; remove it to have one made")
    return key


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return set()
    return {str(name.value) for name in names}


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _write(file: Path, content: bytes) -> None:
    """Write a file that only we may read, all of it or nothing."""
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
