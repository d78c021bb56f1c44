"""Audio in ring groups: named only where it is there, but what is gone since does not stand in the way."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace

import pytest

from ringdove.model.audio import Prompt
from ringdove.model.reference import DestinationKind, Mention
from support.silence import silence
from unit.api.api_client import Api, bad_fields
from unit.api.ringgroup_requests import SIMPLE, create, detail

AUDIO = {
    "join_prompt": "demo.wav",
    "welcome_prompt": "demo.wav",
    "moh": "SoftBreeze",
    "client_unique_ringtone": "Chime.mp3",
}


async def test_audio_comes_back_by_the_names_that_were_given(sounds: Api) -> None:
    found = await detail(sounds, await create(sounds, SIMPLE | AUDIO))
    assert {field: found[field] for field in AUDIO} == AUDIO
    system = await detail(sounds, await create(sounds, SIMPLE | {"number": "6301", "moh": "follow_system"}))
    assert system["moh"] == "follow_system"


async def test_audio_is_found_however_the_accents_of_its_name_are_written(sounds: Api) -> None:
    data = sounds.services.settings.data
    await sounds.store.prompts.save(Prompt(**silence(data, "\u00e9.wav").model_dump()))
    greeting = {"fail_dest": "play_greeting", "fail_dest_prefix": "1", "fail_dest_value": "e\u0301.wav"}
    sounds.app.state.services = replace(sounds.services, destination_kinds=frozenset(DestinationKind))
    found = await detail(sounds, await create(sounds, SIMPLE | greeting | {"join_prompt": "e\u0301.wav"}))
    assert (found["join_prompt"], found["fail_dest_value"]) == ("\u00e9.wav", "\u00e9.wav")


async def test_audio_that_is_gone_since_may_stay_but_not_be_named_anew(sounds: Api) -> None:
    group_id = await create(sounds, SIMPLE)
    gone = {field: f"gone-{name}" for field, name in AUDIO.items()}
    with closing(sqlite3.connect(sounds.services.settings.data / "ringdove.db")) as conn, conn:
        conn.execute(f"UPDATE ring_group SET {', '.join(f'{field} = :{field}' for field in gone)}", gone)
    assert (await sounds.post("ringgroup/update", {"id": group_id, "name": "New"}))["errcode"] == 0
    assert (await sounds.post("ringgroup/update", {"id": group_id} | gone))["errcode"] == 0
    changes = {"id": group_id, "join_prompt": "gone-else.wav", "moh": "gone-Else"}
    assert bad_fields(await sounds.post("ringgroup/update", changes)) == {"join_prompt": "exist", "moh": "exist"}
    anew = {"id": group_id, "join_prompt": "", "welcome_prompt": "demo.wav"}
    assert (await sounds.post("ringgroup/update", anew))["errcode"] == 0
    back = {"id": group_id, "join_prompt": "gone-demo.wav"}
    assert bad_fields(await sounds.post("ringgroup/update", back)) == {"join_prompt": "exist"}
    found = await detail(sounds, group_id)
    assert {field: found[field] for field in AUDIO} == gone | {"join_prompt": "", "welcome_prompt": "demo.wav"}


async def test_audio_that_goes_while_a_group_is_saved_is_named_too(
    sounds: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    group_id = await create(sounds, SIMPLE)
    found = sounds.store.references.missing

    async def look_and_delete(refs: Iterable[Mention]) -> frozenset[Mention]:
        seen = await found(refs)
        prompt = await sounds.store.prompts.by_file("demo.wav")
        assert prompt
        await sounds.store.prompts.delete(prompt.id)
        return seen

    monkeypatch.setattr(sounds.store.references, "missing", look_and_delete)
    changes = {"id": group_id, "join_prompt": "demo.wav"}
    assert bad_fields(await sounds.post("ringgroup/update", changes)) == {"join_prompt": "exist"}
    assert (await detail(sounds, group_id))["join_prompt"] == ""
