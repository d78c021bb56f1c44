"""Who would ring from when to when if somebody dialled the group now, and who would not and why."""

from ringdove.model.ring_group import RingGroup
from ringdove.model.simulation import SimulatedWindow, Simulation, SkippedMember
from ringdove.ring import engine as rules

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
    return Simulation(
        windows=[
            SimulatedWindow(member=party_of(members[w.member]), start=w.start, stop=w.stop) for w in engine.windows
        ],
        skipped=[
            SkippedMember(member=party_of(members[a.member]), reason=a.reason)
            for a in actions
            if isinstance(a, rules.Skipped)
        ],
    )
