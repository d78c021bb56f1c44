"""The people whom a new server knows with `--sample-data`."""

from pathlib import Path

from ringdove.demo.data import PEOPLE, WITH_VOICEMAIL, add_sample_data
from ringdove.media.library import Library
from ringdove.store import Store


async def test_two_of_the_sample_people_have_voicemail_that_can_be_tried(tmp_path: Path) -> None:
    store = await Store.open(f"sqlite:///{tmp_path / 'ringdove.db'}")
    try:
        library = Library(tmp_path / "audio")
        assert await add_sample_data(store, library)
        people = [await store.extensions.get(extension_id) for extension_id in PEOPLE]
        assert {one.id for one in people if one and one.enb_vm} == set(WITH_VOICEMAIL)
        assert all(one and bool(one.vm_pin) is one.enb_vm and not one.enb_vm_pin for one in people)
        assert not await add_sample_data(store, library), "only an empty store is filled"
    finally:
        await store.close()
