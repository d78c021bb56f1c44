"""Secrets of applications and users, tokens, and how each is hashed."""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import secrets
import string
from dataclasses import dataclass
from pathlib import Path

from ringdove.settings import Settings
from ringdove.store import Store

_LETTERS = string.ascii_letters + string.digits
_COST = {"n": 2**14, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an application logs in with."""

    client_id: str
    client_secret: str


def new_secret() -> str:
    """Return 32 letters and digits (190 bits)."""
    return "".join(secrets.choice(_LETTERS) for _ in range(32))


def token_hash(token: str) -> str:
    """Hash a token for keeping. Tokens are long and random, so a plain hash cannot be turned back."""
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


async def hash_secret(secret: str) -> str:
    """Hash what a person may have chosen: salted and slow, in a thread, so that calls are not delayed."""
    salt = secrets.token_bytes(16)
    digest = await asyncio.to_thread(_scrypt, secret, salt)
    return f"scrypt${_b64(salt)}${_b64(digest)}"


async def verify_secret(secret: str, hashed: str | None) -> bool:
    """Say whether a secret is the hashed one; with None the answer is no, and takes as long."""
    _, salt, digest = (hashed or _NOBODY).split("$")
    found = await asyncio.to_thread(_scrypt, secret, base64.b64decode(salt))
    return hmac.compare_digest(found, base64.b64decode(digest)) and hashed is not None


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(secret.encode(errors="replace"), salt=salt, **_COST, dklen=32)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


_NOBODY = f"scrypt${_b64(bytes(16))}${_b64(bytes(32))}"


async def ensure_application(store: Store, settings: Settings) -> Credentials | None:
    """Make the API application at first start, with the credentials from the settings or with new ones.

    Returns the credentials when a part of them was generated: this is the only time that they can be shown. Credentials
    in the settings that have changed since replace the old ones.
    """
    existing = await store.applications.by_name("api")
    configured = settings.client_secret.get_secret_value() if settings.client_secret else None
    if existing:
        same_id = settings.client_id in (None, existing.client_id)
        if same_id and (configured is None or await verify_secret(configured, existing.secret_hash)):
            return None
    client_id = settings.client_id or (existing.client_id if existing else new_secret())
    secret = configured or new_secret()
    await store.applications.put("api", client_id, await hash_secret(secret))
    return None if configured and (settings.client_id or existing) else Credentials(client_id, secret)


async def ensure_cli_application(store: Store, data_dir: Path) -> Path:
    """Make the application that the command line uses, and return the file with its credentials.

    The file is `keys/cli.json` in the data folder, `{"client_id", "client_secret"}`, readable by its owner only. It
    stays the same over restarts as long as it fits the store.
    """
    file = data_dir / "keys" / "cli.json"
    kept = _read_credentials(file)
    existing = await store.applications.by_name("cli")
    if (
        kept
        and existing
        and kept.client_id == existing.client_id
        and await verify_secret(kept.client_secret, existing.secret_hash)
    ):
        return file
    fresh = Credentials(new_secret(), new_secret())
    await store.applications.put("cli", fresh.client_id, await hash_secret(fresh.client_secret))
    _write_credentials(file, fresh)
    return file


def _read_credentials(file: Path) -> Credentials | None:
    try:
        data = json.loads(file.read_text())
        return Credentials(str(data["client_id"]), str(data["client_secret"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write_credentials(file: Path, credentials: Credentials) -> None:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = file.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump({"client_id": credentials.client_id, "client_secret": credentials.client_secret}, out)
    fresh.replace(file)
