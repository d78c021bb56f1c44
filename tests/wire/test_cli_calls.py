"""`ringdove calls`, `simulate` and `voicemail` against a server: what a person reads."""

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from ringdove.cli import ask
from ringdove.model.voicemail import Mailbox, MailboxKind, NewMessage
from support.house import House
from support.phones import Phone
from support.scene import Scene


def screen() -> Console:
    return Console(width=160, record=True, file=io.StringIO())


async def calls(house: House, call_id: str | None = None) -> str:
    """What the command draws; it must succeed."""
    out = screen()
    assert await ask.calls(house.node.settings, call_id, 20, out) == 0
    return out.export_text()


async def refusal(house: House, capsys: pytest.CaptureFixture[str], call_id: str) -> str:
    """What the command says on standard error; it must fail and draw nothing."""
    out = screen()
    assert await ask.calls(house.node.settings, call_id, 20, out) == 1
    assert out.export_text() == ""
    return capsys.readouterr().err


async def group_of(scene: Scene) -> tuple[Phone, Phone, str]:
    """A caller, and somebody who is alone in the group that is named last."""
    caller, member = await scene.phones(2)
    return caller, member, await scene.group(member, ring_timeout=30)


async def id_of_the_call(scene: Scene) -> str:
    (row,) = await scene.rows()
    return str(row["id"])


async def test_a_call_that_is_over_is_listed_and_drawn(house: House, scene: Scene) -> None:
    caller, member, group = await group_of(scene)
    ours, theirs = await scene.talk(caller, member, group)
    await scene.end(ours, theirs)
    story = await scene.story(caller)

    listed = await calls(house)
    (line,) = (line for line in listed.splitlines() if story.id in line)
    assert re.search(rf"{caller.number} +{group} +ring_group {group} +ANSWERED by {member.number}", line)
    assert re.search(r"after \d+\.\d s, talked \d+\.\d s", line)
    assert "1 of 1 calls" in listed

    drawn = await calls(house, story.id)
    assert re.search(rf"{caller.number}.* dialled {group}  ANSWERED by {member.number}", drawn)
    assert f"→ ring_group {group}" in drawn


async def test_a_call_that_rings_is_drawn_up_to_now(
    house: House, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller, member, group = await group_of(scene)
    invite = await caller.dial(group)
    await member.rings()
    call_id = await id_of_the_call(scene)
    assert "running" in await calls(house)

    began = house.node.switchboard.stories()[0].started_at
    monkeypatch.setattr(ask, "now", lambda: began + 20.0)
    drawn = await calls(house, call_id)
    assert "running" in drawn
    assert "18s" in drawn, "the scale goes up to now"
    (bar,) = (line for line in drawn.splitlines() if line.startswith(member.number))
    assert bar.rstrip().endswith("ringing")
    assert bar.count("█") > 90, "it has rung from the start, of about 100 columns"

    caller.cancel(invite)
    await scene.story(caller)


async def test_a_running_call_that_was_answered_says_by_whom(house: House, scene: Scene) -> None:
    caller, member, group = await group_of(scene)
    ours, theirs = await scene.talk(caller, member, group)
    says = rf"running, answered by {member.number}.* after \d+\.\d s"
    drawn = await calls(house, await id_of_the_call(scene))
    assert re.search(says, drawn.splitlines()[0])
    assert re.search(rf"running, answered by {member.number}", await calls(house))
    await scene.end(ours, theirs)


async def test_a_call_that_is_not_there_is_named(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert await refusal(house, capsys, "nosuchid") == "ringdove: there is no call nosuchid\n"


async def test_what_was_typed_is_not_markup(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert await refusal(house, capsys, "[/x]") == "ringdove: there is no call [/x]\n"
    assert await ask.simulate(house.node.settings, "[/x]", screen()) == 1
    assert capsys.readouterr().err == "ringdove: there is no ring group [/x]\n"


async def test_a_simulation_says_where_the_call_goes_on(house: House, scene: Scene) -> None:
    caller, member = await scene.phones(2)
    away, bob = await scene.person(), await scene.person(enb_vm=1)
    onward = {"fail_dest": "extension", "fail_dest_value": str(caller.person.id)}
    nobody = {"no_agent_online_dest": "ext_vm", "no_agent_online_value": str(bob.id)}

    async def simulated(number: str) -> list[str]:
        out = screen()
        assert await ask.simulate(house.node.settings, number, out) == 0
        return [" ".join(line.split()) for line in out.export_text().splitlines()]

    *_, bar, then = await simulated(await scene.group(member, **onward, **nobody))
    assert bar.startswith(member.number)
    assert then.startswith(f"If nobody answers: → extension {caller.number}")
    *_, skipped, none, then = await simulated(await scene.group(away, **onward, **nobody))
    assert skipped.endswith("skipped: offline")
    assert none == "Nobody would ring."
    assert then.startswith(f"The call goes on: → ext_vm {bob.number}")
    *_, then = await simulated(await scene.group(away, **onward))
    assert then.startswith(f"The call goes on: → extension {caller.number}")
    *_, then = await simulated(await scene.group(away, fail_dest="end_call"))
    assert then == "The call goes on: → end_call"


async def test_what_was_dialled_is_not_markup(house: House, scene: Scene) -> None:
    (caller,) = await scene.phones(1)
    await caller.refused(await caller.dial("%5B%2Fx%5D"))
    story = await scene.story(caller)
    assert "[/x]" in await calls(house)
    assert "[/x]" in await calls(house, story.id)


async def test_the_log_of_an_extension_is_listed(
    house: House, scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    caller, member, group = await group_of(scene)
    out = screen()
    assert await ask.call_log(house.node.settings, member.number, 20, out) == 0
    assert out.export_text() == "No calls yet.\n"
    ours, theirs = await scene.talk(caller, member, group)
    await scene.end(ours, theirs)
    story = await scene.story(caller)
    assert await ask.call_log(house.node.settings, member.number, 20, out) == 0
    listed = out.export_text()
    (line,) = (line for line in listed.splitlines() if story.id in line)
    assert re.search(rf"in +{caller.number} +{group} Group {group} +answered +\d+\.\d s", line)
    assert "1 of 1 calls" in listed
    assert await ask.call_log(house.node.settings, "[/x]", 20, out) == 1
    assert capsys.readouterr().err == "ringdove: there is no extension [/x]\n"


async def test_who_is_blocked_is_listed_and_let_in_again(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    guard, settings = house.node.guard, house.node.settings
    out = screen()
    assert await ask.blocked(settings, out) == 0
    assert "Nobody" in out.export_text()
    for i in range(guard.rules.sources.failures):
        guard.failed(("udp", "192.0.2.7", 5060), f"user {i}", "REGISTER", time.time(), exists=False)
    assert await ask.blocked(settings, out) == 0
    told = out.export_text()
    assert re.search(r"192\.0\.2\.7 +sip REGISTER +(9 min|10 min)", told)
    assert "user 29, user 28" in told
    assert await ask.unblock(settings, "192.0.2.7", out) == 0
    assert guard.admits(("udp", "192.0.2.7", 5060), time.time())
    assert await ask.unblock(settings, "192.0.2.7", out) == 1
    assert "192.0.2.7 is not blocked" in capsys.readouterr().err


async def test_mailboxes_with_something_in_them_are_listed(house: House) -> None:
    async def listed() -> str:
        out = screen()
        assert await ask.voicemail(house.node.settings, out) == 0
        return out.export_text()

    assert await listed() == "No messages.\n"
    ann, bob = await house.extension("2001", first_name="Ann"), await house.extension("2002")
    members = [{"value": str(bob.id), "type": "extension"}]
    shared = (await house.post("vm_group/create", number="6400", name="Sales", member_list=members))["id"]
    boxes = [Mailbox(MailboxKind.EXTENSION, ann.id), Mailbox(MailboxKind.GROUP, shared)]
    new = NewMessage(caller_number="1", time=1, seconds=1, digest="a" * 64, size=1)
    for recording in ("first", "second", "third"):
        message, _ = await house.node.store.messages.deliver(recording, boxes, new)
    await house.post("vm/update", id=message.id, read=1)
    rows = [line.split() for line in (await listed()).splitlines()]
    assert rows == [["number", "name", "new", "old"], ["2001", "Ann", "2", "1"], ["6400", "Sales", "3", "0"]]


async def test_messages_that_cannot_be_delivered_are_told_of(tmp_path: Path) -> None:
    spool = tmp_path / "voicemail"
    spool.mkdir()
    (spool / "torn.json").write_text('{"id": "torn"')
    async with House.open(tmp_path) as house:
        assert (await house.get("vm/undelivered"))["data"] == {"waiting": 0, "set_aside": 1}
        numbers = (await house.http.get(f"http://{house.node.http}/metrics")).text
        assert 'ringdove_letters{state="set_aside"} 1.0' in numbers
        assert 'ringdove_letters{state="waiting"} 0.0' in numbers
        out = screen()
        assert await ask.voicemail(house.node.settings, out) == 0
        told = " ".join(out.export_text().split())
        assert told == f"No messages. 1 could not be delivered and is set aside in {spool / 'aside'}: the log says why."
