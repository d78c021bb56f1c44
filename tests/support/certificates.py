"""Certificates for tests, and clients that believe them."""

import ssl
from functools import cache
from pathlib import Path

from ringdove.net.certificate import Certificate
from ringdove.net.self_signed import self_signed


@cache
def credulous() -> ssl.SSLContext:
    """A client that believes any certificate, as many phones are set up to."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def trusting(certificate: Path) -> ssl.SSLContext:
    """A client that believes this certificate alone, and wants the name of the host in it."""
    return ssl.create_default_context(cafile=certificate)


def certificate_for(folder: Path, *names: str) -> Certificate:
    """A self-signed certificate in a folder."""
    return Certificate(*self_signed(folder, names or ["127.0.0.1"]))
