"""The certificate that TLS peers are shown: read from PEM files, looked at again when they change."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

log = structlog.get_logger(__name__)

WARN: Final = timedelta(days=14)
"""How long before its end a certificate is warned about."""


class CertificateError(ValueError):
    """Files that cannot be used; the text names the file and says why, for the operator."""


class Certificate:
    """A certificate (its issuers after it, if any) and its key. Call it for the context of the next handshake.

    Files that have changed are read then; where they cannot be used, the certificate they held before stays.
    Making one raises CertificateError.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        self._files = certificate, key
        self._seen = self._look()
        self._context = load(*self._files)

    def __call__(self) -> ssl.SSLContext:
        """The context with the certificate as it is now."""
        if (seen := self._look()) != self._seen:
            self._seen = seen
            try:
                self._context = load(*self._files)
            except CertificateError as error:
                log.error("certificate_unusable", error=str(error), used="the one before")
            else:
                log.info("certificate_renewed", file=str(self._files[0]))
        return self._context

    def _look(self) -> list[tuple[int, int, int] | None]:
        """What tells whether the files are others than before; links are followed."""
        return [_identity(file) for file in self._files]


def load(certificate: Path, key: Path) -> ssl.SSLContext:
    """A context for a server with this certificate: TLS 1.2 and 1.3, and the ciphers that Python recommends.

    A certificate that is over, or soon will be, is used and warned about. Raises CertificateError.
    """
    found = read_certificate(certificate)
    if _spki(found.public_key()) != _spki(_read_key(key)):
        raise CertificateError(f"{key}: is not the key of {certificate}")
    now = datetime.now(UTC)
    if now >= found.not_valid_after_utc - WARN:
        over = now >= found.not_valid_after_utc
        event = "certificate_expired" if over else "certificate_expires_soon"
        log.warning(event, file=str(certificate), at=found.not_valid_after_utc.isoformat())
    elif now < found.not_valid_before_utc:
        log.warning("certificate_not_valid_yet", file=str(certificate), at=found.not_valid_before_utc.isoformat())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION  # a client could have us compute without end
    try:
        context.load_cert_chain(certificate, key)
    except (ssl.SSLError, OSError) as error:  # a key that OpenSSL finds too weak
        raise CertificateError(f"{certificate}: {getattr(error, 'reason', None) or error}") from None
    return context


def read_certificate(file: Path) -> x509.Certificate:
    """The first certificate in a PEM file; raises CertificateError."""
    content = _read(file)
    try:
        return x509.load_pem_x509_certificates(content)[0]
    except (ValueError, IndexError):
        raise CertificateError(f"{file}: holds no certificate in PEM form") from None


def _read_key(file: Path) -> CertificatePublicKeyTypes:
    """The public half of the private key in a PEM file."""
    content = _read(file)
    try:
        key = load_pem_private_key(content, password=None).public_key()
    except TypeError:
        raise CertificateError(f"{file}: is protected by a passphrase; give the key without one") from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(f"{file}: holds no private key in PEM form") from None
    return key  # type: ignore[return-value]  # whatever a certificate cannot be for does not match any


def _spki(key: CertificatePublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise CertificateError(f"{file}: {error.strerror}") from None


def _identity(file: Path) -> tuple[int, int, int] | None:
    try:
        about = file.stat()
    except OSError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns
