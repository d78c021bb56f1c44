"""What the bench writes into a database is what the server reads there."""

from pathlib import Path

import pytest
from bench.house import AT_ONCE, House

from ringdove.store import Store
from ringdove.store.calls import CallFilter

STAFF = ["2000", "2001", "2002", "2003"]


async def test_a_server_finds_what_was_written(tmp_path: Path) -> None:
    async with House.at(tmp_path) as house:
        logins = await house.extensions(STAFF)
        await house.ring_groups({"6000": STAFF[:3], "6001": STAFF[1:]})
        await house.phones(STAFF, [("127.0.0.2", 5060), ("127.0.0.3", 5070)])
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    try:
        for login in logins:
            extension = await store.extensions.by_reg_name(login.name)
            assert extension
            assert (extension.number, extension.reg_password) == (login.number, login.password)
        found = await store.numbers.find("6001")
        assert found
        group = await store.ring_groups.get(found.id)
        assert group
        roster = await store.ring_groups.roster(group)
        assert [[one.number for one in entry.members] for entry in roster] == [["2001"], ["2002"], ["2003"]]
        contacts = [(one.extension_id, one.remote_host, one.contact) for one in await store.bindings.all()]
        assert contacts[1] == (2001, "127.0.0.3", "sip:2001@127.0.0.3:5070")
        assert len(contacts) == len(STAFF)
    finally:
        await store.close()


async def test_records_are_calls_that_can_be_looked_for(tmp_path: Path) -> None:
    count = AT_ONCE + 3
    async with House.at(tmp_path) as house:
        await house.records(count, ["1000", "1001"], STAFF)
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    try:
        total, (latest,) = await store.calls.page(CallFilter(caller="1000"), limit=1)
        assert total == pytest.approx(count / 2, abs=1)
        assert latest.answered_by
        assert [attempt.member.number for attempt in latest.hops[0].attempts][1] == latest.answered_by.number
        total, _ = await store.calls.page(CallFilter(extension_id=2000), limit=1)
        assert total == pytest.approx(count * 3 / 4, abs=2)
    finally:
        await store.close()
