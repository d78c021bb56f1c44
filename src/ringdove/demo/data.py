"""Sample data: a few people, under the ids that the page's request examples name."""

from ringdove.model.extension import Extension
from ringdove.store import Store

PEOPLE = {
    3071: ("2001", "Alice", "Archer"),
    3074: ("2002", "Bob", "Baker"),
    3075: ("2003", "Carol", "Cooper"),
    3080: ("2010", "Dora", "Drummond"),
    3081: ("2011", "Emil", "Eriksen"),
    3082: ("2012", "Frida", "Fischer"),
}
"""Extension id to number and name; the page's examples ring 3071, 3074 and 3075."""


async def add_sample_data(store: Store) -> bool:
    """Fill a store that has no extensions yet; says whether it did. Passwords are made anew each time."""
    if await store.extensions.count():
        return False
    for extension_id, (number, first_name, last_name) in PEOPLE.items():
        person = Extension.model_validate({"number": number, "first_name": first_name, "last_name": last_name})
        await store.extensions.create(person, id=extension_id)
    return True
