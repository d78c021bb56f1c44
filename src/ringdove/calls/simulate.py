"""What would happen if somebody dialled the group now: who would ring from when to when, who would not and why, and
where the call would go that nobody answers.
"""

from ringdove.model.destination import Destination
from ringdove.model.extension import Extension
from ringdove.model.reference import DestinationKind
from ringdove.model.ring_group import RingGroup
from ringdove.model.simulation import Onward, SimulatedWindow, Simulation, SkippedMember
from ringdove.model.voicemail import VmGroup
from ringdove.ring import engine as rules
from ringdove.store import Store

from .board import Board
from .book import party_of
from .ringing import entries_of
from .standing import standing_of


async def simulate(board: Board, group: RingGroup) -> Simulation:
    """Ask the engine that live calls use, with the present standing of every member and no caller among them."""
    roster = await board.store.ring_groups.roster(group)
    members = {m.id: m for entry in roster for m in entry.members}
    standings = {
        member: standing_of(board, extension, board.bindings(member), None) for member, extension in members.items()
    }
    engine = rules.Engine(group.ring_strategy, float(group.ring_timeout or 0), entries_of(roster), standings)
    actions = engine.handle(rules.Begin(), 0.0)
    nobody_online = any(isinstance(a, rules.Finish) and a.outcome is rules.Outcome.NOBODY_ONLINE for a in actions)
    return Simulation(
        windows=[
            SimulatedWindow(member=party_of(members[w.member]), start=w.start, stop=w.stop) for w in engine.windows
        ],
        skipped=[
            SkippedMember(member=party_of(members[a.member]), reason=a.reason)
            for a in actions
            if isinstance(a, rules.Skipped)
        ],
        onward=await _named(board.store, group.onward(nobody_online=nobody_online)),
    )


async def _named(store: Store, destination: Destination) -> Onward:
    """The destination as people know it."""
    found: Extension | RingGroup | VmGroup | None = None
    match destination.kind:
        case DestinationKind.EXTENSION | DestinationKind.EXT_VM:
            found = await store.extensions.get(int(destination.value))
        case DestinationKind.RING_GROUP:
            found = await store.ring_groups.get(int(destination.value))
        case DestinationKind.GROUP_VM:
            found = await store.vm_groups.get(int(destination.value))
        case _:
            return Onward(kind=destination.kind, name=destination.value)
    if found is None:
        return Onward(kind=destination.kind)
    return Onward(kind=destination.kind, number=found.number, name=found.name)
