"""Tables, migrations and what a commit means."""

import asyncio
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind, Dialable
from ringdove.store import Duplicate, Store, migrate
from ringdove.store.database import Database
from ringdove.store.tables import metadata

CREATE_THEN_WAIT = """
import asyncio, sys
from ringdove.model.extension import Extension
from ringdove.store import Store

async def main():
    store = await Store.open(sys.argv[1])
    await store.extensions.create(Extension(number="1000"))
    print("acknowledged", flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""

OPEN_LEAN = """
import asyncio, sys
from ringdove.store import Store

async def main():
    store = await Store.open(sys.argv[1], lean=True)
    group = await store.extension_groups.get(1)
    print(group.name, "alembic" in sys.modules)
    await store.close()

asyncio.run(main())
"""


async def test_the_migrations_make_exactly_the_tables(store: Store, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ringdove.db'}")
    with engine.connect() as conn, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    engine.dispose()


def test_the_newest_migration_is_the_one_that_start_up_looks_for() -> None:
    folder = Path(migrate.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == migrate.HEAD


async def test_groups_of_the_first_release_keep_the_names_of_audio_that_never_was(url: str, tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'ringdove.db'}")
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.begin() as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "0001")
        conn.execute(
            text(
                "INSERT INTO ring_group VALUES (1, '6300', 'Old', 'ring_all', 20, 'demo.wav', 1, 'Breeze', 'Breeze',"
                " '', 'Ring1.mp3', 'play_greeting', '1', 'bye.wav', NULL, NULL, '', 0)"
            )
        )
    engine.dispose()
    store = await Store.open(url)
    group = await store.ring_groups.get(1)
    assert group
    names = (group.join_prompt, group.welcome_prompt, group.moh, group.client_unique_ringtone, group.fail_dest.value)
    assert names == ("demo.wav", "Breeze", "Breeze", "Ring1.mp3", "bye.wav")
    assert [await store.sounds.find(name) for name in names] == [None] * 5
    changed = await store.ring_groups.update(1, lambda g: g.model_copy(update={"name": "New"}))
    assert changed == group.model_copy(update={"name": "New"})
    await store.close()


def test_a_lean_store_is_the_same_without_what_migrations_need(url: str) -> None:
    found = subprocess.run([sys.executable, "-c", OPEN_LEAN, url], capture_output=True, text=True, check=True)
    assert found.stdout == "Default_All_Extensions False\n"


async def test_opening_again_keeps_everything(url: str) -> None:
    first = await Store.open(url)
    saved = await first.extensions.create(Extension(number="1000"))
    await first.close()
    second = await Store.open(url)
    assert await second.extensions.get(saved.id) == saved
    await second.close()


async def test_commits_reach_the_disk_and_references_hold(url: str) -> None:
    def pragmas(conn: Connection) -> list[object]:
        return [
            conn.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    database = Database(url)
    assert await database.read(pragmas) == ["wal", 2, 1]
    await database.close()


def test_an_acknowledged_extension_survives_kill_9(url: str) -> None:
    process = subprocess.Popen([sys.executable, "-c", CREATE_THEN_WAIT, url], stdout=subprocess.PIPE, text=True)
    assert process.stdout
    with process.stdout:
        assert process.stdout.readline() == "acknowledged\n"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    async def look() -> Dialable | None:
        store = await Store.open(url)
        try:
            assert await store.extensions.by_reg_name("1000")
            return await store.numbers.find("1000")
        finally:
            await store.close()

    found = asyncio.run(look())
    assert found
    assert found.kind is DestinationKind.EXTENSION


async def test_a_number_is_given_once_however_many_want_it(store: Store) -> None:
    async def create(name: str) -> bool:
        try:
            await store.extensions.create(Extension(number="1000", reg_name=name))
        except Duplicate:
            return False
        return True

    assert sum(await asyncio.gather(*(create(f"phone{i}") for i in range(10)))) == 1


async def test_two_processes_can_write_to_one_database(url: str, store: Store) -> None:
    other = await Store.open(url)
    numbers = [str(1000 + i) for i in range(20)]
    stores = [store, other] * 10
    await asyncio.gather(*(s.extensions.create(Extension(number=n)) for s, n in zip(stores, numbers, strict=True)))
    assert await other.extensions.count() == 20
    await other.close()


async def test_a_failed_change_saves_nothing(store: Store) -> None:
    saved = await store.extensions.create(Extension(number="1000"))

    def fail(_: Extension) -> Extension:
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError):
        await store.extensions.update(saved.id, fail)
    assert await store.extensions.get(saved.id) == saved
