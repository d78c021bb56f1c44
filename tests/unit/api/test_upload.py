"""How uploads are read: every form of a good body, and no harm from a bad one."""

from collections.abc import Iterable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.requests import ClientDisconnect

from ringdove.api.errors import Refusal
from ringdove.api.upload import Upload, receive

LIMIT = 100_000
BOUNDARY = "a-boundary"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def part(disposition: str, content: bytes, *headers: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: form-data; {disposition}", *headers])
    return f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def file_part(content: bytes = b"sound", name: str = "a.wav") -> bytes:
    return part(f'name="file"; filename="{name}"', content, "Content-Type: audio/wav")


def left_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


END = f"--{BOUNDARY}--\r\n".encode()


def request(chunks: Iterable[bytes], content_type: str = CONTENT_TYPE, *, gone: bool = False) -> Request:
    """A request whose body comes in these chunks; with `gone` the client then leaves."""
    messages: list[dict[str, Any]] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.disconnect"} if gone else {"type": "http.request"})

    async def take() -> dict[str, Any]:
        return messages.pop(0)

    return Request({"type": "http", "headers": [(b"content-type", content_type.encode())]}, take)


async def read(folder: Path, *chunks: bytes, content_type: str = CONTENT_TYPE) -> tuple[Upload, bytes]:
    async with receive(request(chunks, content_type), folder, LIMIT) as came:
        return came, came.content.read_bytes()


async def refused(folder: Path, *chunks: bytes, content_type: str = CONTENT_TYPE) -> dict[str, str]:
    with pytest.raises(Refusal) as refusal:
        await read(folder, *chunks, content_type=content_type)
    assert left_in(folder) == []
    bad = refusal.value.failure.invalid_param_list
    assert bad
    return {problem.field: str(problem.validation_type) for problem in bad}


async def test_the_file_and_the_texts_come_in_any_order(tmp_path: Path) -> None:
    parts = [
        part('name="is_check"', b"force"),
        file_part(b"\x00\r\n--a-bound\r\n"),
        part('name="owner"', "Grün".encode()),
    ]
    for order in (parts, parts[::-1]):
        came, content = await read(tmp_path, *order, END)
        assert came.fields == {"is_check": "force", "owner": "Grün", "file": "a.wav"}
        assert content == b"\x00\r\n--a-bound\r\n"
        assert came.size == len(content)
        assert came.problems() == []


async def test_a_file_lies_in_the_folder_for_its_owner_only_and_not_longer_than_the_block(tmp_path: Path) -> None:
    async with receive(request([file_part(), END]), tmp_path, LIMIT) as came:
        assert came.content.parent == tmp_path
        assert came.content.stat().st_mode & 0o777 == 0o600
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('name="file"; filename="a b.wav"', "a b.wav"),
        ("name=file; filename=a.wav", "a.wav"),
        ('NAME="file"; FileName="a.wav"', "a.wav"),
        ('filename="a;b=c.wav"; name="file"', "a;b=c.wav"),
        ('name="file"; filename="say \\"hi\\".wav"', 'say "hi".wav'),
        ('name="file"; filename="größe.wav"', "größe.wav"),
        ("name=\"file\"; filename*=UTF-8''gr%C3%B6%C3%9Fe.wav", "größe.wav"),
        ("name=\"file\"; filename*=iso-8859-1'de'gr%F6%DFe.wav", "größe.wav"),
        ('name="file"; filename="plain.wav"; filename*=utf-8\'\'r%e2%82%acal.wav', "r€al.wav"),
        ("name=\"file\"; filename*=idna''%ff.wav", "ÿ.wav"),
        ('name="file"; filename="C:\\\\music\\\\a.wav"', "C:\\music\\a.wav"),
        ('name="file"; filename="../../a.wav"', "../../a.wav"),
        ('name="file"; filename=""', ""),
    ],
)
async def test_the_name_of_the_file_is_read_as_it_is_meant_and_never_cut(
    tmp_path: Path, disposition: str, name: str
) -> None:
    came, _ = await read(tmp_path, part(disposition, b"sound"), END)
    assert came.fields == {"file": name}


async def test_a_name_in_latin_1_is_understood(tmp_path: Path) -> None:
    came, _ = await read(tmp_path, file_part().replace(b"a.wav", b"gr\xfcn.wav"), END)
    assert came.fields["file"] == "grün.wav"


async def test_without_content_it_is_still_known_which_name_is_meant(tmp_path: Path) -> None:
    came, _ = await read(tmp_path, part('name="file"', b"a.wav"), END)
    assert (came.fields["file"], came.size) == ("a.wav", None)
    assert [p.rule for p in came.problems()] == ["required"]
    came, _ = await read(tmp_path, file_part(b""), END)
    assert (came.fields["file"], came.size) == ("a.wav", 0)
    assert [p.rule for p in came.problems()] == ["length"]
    came, _ = await read(tmp_path, END)
    assert (came.fields, came.size) == ({}, None)


@pytest.mark.parametrize(
    "content_type",
    [
        "", "application/json", "multipart/form-data", "multipart/form-data; boundary=", "multipart/mixed; boundary=a",
        f"application/json; boundary={BOUNDARY}", "multipart/form-data; boundary=" + "x" * 300, "; boundary=a",
        f"multipart/form-data; boundary*{'9' * 5_000}=a", "multipart/form-data; boundary*=a; boundary*0=b",
    ],
)  # fmt: skip
async def test_another_content_type_is_named(tmp_path: Path, content_type: str) -> None:
    assert await refused(tmp_path, file_part(), END, content_type=content_type) == {"body": "multipart"}


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [b"not a form at all"],
        [file_part()],
        [file_part()[:-9]],
        [file_part(), b"--another--\r\n"],
        [b"--a-boundary\r\nContent-Disposition: form-data\r\n\r\nx\r\n", END],
        [b"--a-boundary\r\n\r\nno headers\r\n", END],
        [b"--a-boundary\r\nno colon\r\n\r\nx\r\n", END],
        [part('name="file"; filename="a.wav"', b"x", "X: " + "x" * 5_000), END],
        [part('name="file"; filename="a.wav"', b"x", *(f"X-{i}: x" for i in range(10))), END],
        [part('name="file"; filename="' + "x" * 5_000, b"x"), END],
    ],
)
async def test_a_broken_body_is_named(tmp_path: Path, chunks: list[bytes]) -> None:
    assert await refused(tmp_path, *chunks) == {"body": "multipart"}


async def test_a_file_that_is_too_large_is_refused_where_the_limit_is_and_not_read_on(tmp_path: Path) -> None:
    read = 0

    def endless() -> Iterable[bytes]:
        nonlocal read
        yield part('name="file"; filename="a.wav"', b"x")[:-2]
        while read < 10 * LIMIT:
            read += 10_000
            yield bytes(10_000)

    chunks = iter(endless())

    async def take() -> dict[str, Any]:
        return {"type": "http.request", "body": next(chunks), "more_body": True}

    endless_request = Request({"type": "http", "headers": [(b"content-type", CONTENT_TYPE.encode())]}, take)
    with pytest.raises(Refusal) as refusal:
        async with receive(endless_request, tmp_path, LIMIT):
            pass
    assert refusal.value.failure.invalid_param_list
    assert refusal.value.failure.invalid_param_list[0].model_dump(exclude_none=True) == {
        "field": "file", "validation_type": "length",
    }  # fmt: skip
    assert read == LIMIT
    assert left_in(tmp_path) == []


async def test_the_limit_itself_is_allowed(tmp_path: Path) -> None:
    came, content = await read(tmp_path, file_part(bytes(LIMIT)), END)
    assert came.size == len(content) == LIMIT
    assert await refused(tmp_path, file_part(bytes(LIMIT + 1)), END) == {"file": "length"}


@pytest.mark.parametrize(
    ("chunks", "bad"),
    [
        ([file_part(), file_part(), END], {"file": "length"}),
        ([part('name="text"', b"x" * 20_000), END], {"body": "length"}),
        ([part(f'name="t{i}"', b"x" * 1_000) for i in range(20)], {"body": "length"}),
        ([part(f'name="t{i}"', b"") for i in range(40)], {"body": "length"}),
        ([file_part(), END, *[bytes(10_000)] * 100], {"file": "length"}),
    ],
)
async def test_more_than_one_file_with_a_few_texts_is_refused(
    tmp_path: Path, chunks: list[bytes], bad: dict[str, str]
) -> None:
    assert await refused(tmp_path, *chunks) == bad


async def test_a_client_that_leaves_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ClientDisconnect):
        async with receive(request([file_part()[:-5]], gone=True), tmp_path, LIMIT):
            pass
    assert left_in(tmp_path) == []


PIECES = [
    b"\r\n", b"--", b"--a-boundary", b"--a-boundary\r\n", b"\r\n\r\n", b"Content-Disposition: form-data", b"''",
    b"\x00", b'; name="file"', b'; filename="', b"; filename*0*=", b"; filename*=", b"; filename*=utf-7''+2AA-",
    END, file_part(),
]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=12)


@given(pieces=HOSTILE, cuts=st.lists(st.integers(0, 300), max_size=5))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_body_is_read_or_refused_the_same_however_it_is_cut(
    tmp_path: Path, pieces: list[bytes], cuts: list[int]
) -> None:
    body = b"--a-boundary\r\n" + b"".join(pieces)
    marks = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]
    outcomes: list[object] = []
    for chunks in ([body], [body[a:b] for a, b in pairwise(marks)]):
        try:
            came, content = await read(tmp_path, *chunks)
            outcomes.append((came.fields, came.size, content))
        except Refusal as refusal:
            outcomes.append(refusal.failure)
    assert outcomes[0] == outcomes[1]
    assert left_in(tmp_path) == []


@given(header=st.text(max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_disposition_is_read_or_refused(tmp_path: Path, header: str) -> None:
    body = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; {header}\r\n\r\nx\r\n".encode(errors="ignore")
    with suppress(Refusal):
        await read(tmp_path, body, END)
