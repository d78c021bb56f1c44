"""The body of an upload: multipart/form-data, in chunks of any size."""

import logging
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from ringdove.api.errors import Refusal
from ringdove.api.upload import Upload, _Reader

from ..choices import Choices

logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # has a word to say about each bad body
_FOLDER = TemporaryDirectory(prefix="ringdove-fuzz-")
LIMIT = 1000
PLAIN = b"multipart/form-data; boundary=b"
BODY = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF'
    b"\r\n--b\r\nContent-Disposition: form-data; name=id\r\n\r\n1\r\n--b--\r\n"
)
SEEDS: Sequence[bytes] = (
    bytes((32, len(PLAIN))) + PLAIN + BODY,
    bytes((2, len(PLAIN))) + PLAIN + BODY.replace(b'filename="a.wav"', b"filename*=UTF-8''%c3%a9; filename*0=a"),
)
WORDS: Sequence[bytes] = (
    *(b"--b\r\n", b"--b--", b"\r\n--b", b"\r\n\r\n", b"Content-Disposition: form-data", b"; name=", b"; filename="),
    *(b"; filename*=", b"; filename*0*=", b"; name*1=", b"UTF-8''", b"%c3", b'"', b"\\", b";", b"=?utf-8?q?a?=", b"''"),
)


def check(data: bytes) -> None:
    """An upload or Refusal; nothing is left on the disk."""
    choices = Choices(data)
    step = 1 + choices.number()
    kind = choices.octets(choices.number()).decode("latin-1")
    body = choices.rest()
    folder = Path(_FOLDER.name)
    with suppress(Refusal):
        _check(_read(kind, [body[at : at + step] for at in range(0, len(body), step)], folder), body)
    assert not any(folder.iterdir())


def _read(kind: str, chunks: Sequence[bytes], folder: Path) -> Upload:
    reader = _Reader(kind, folder, LIMIT)
    try:
        for chunk in chunks:
            reader.feed(chunk)
        upload = reader.upload()
        assert (upload.size or 0) == upload.content.stat().st_size <= LIMIT
        return upload
    finally:
        reader.close()


def _check(upload: Upload, body: bytes) -> None:
    assert sum(map(len, upload.fields.values())) <= 2 * len(body)
    assert (upload.size is None) or "file" in upload.fields
