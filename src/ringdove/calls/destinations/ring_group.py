"""`ring_group`: let the caller hear its prompts and ring its members by its strategy; else `no_agent_online_dest` or
`fail_dest` (R2).
"""

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.reference import DestinationKind
from ringdove.model.ring_group import RingGroup, counts_missed_calls
from ringdove.model.story import Hop, HopOutcome
from ringdove.ring.engine import Finish, Outcome

from ..call import Call
from ..hearing import hear_out
from ..invitation import Look
from ..ringing import Ringable, ring
from ..sounds import SILENT


async def enter(call: Call, destination: Destination) -> Destination | None:
    """Run the call through the group; returns where it goes when nobody answered."""
    group = await call.board.store.ring_groups.get(int(destination.value))
    if group is None:
        return END_CALL
    with call.book.hop("ring_group", group.id, group.number, group.name, strategy=group.ring_strategy) as hop:
        call.group_id = group.id
        options = await call.board.store.options.get()
        program = await call.board.sounds.program(group.join_prompt, group.welcome_prompt)
        if group.play_full_join_prompt and program.join is not None:
            if not await hear_out(call, await call.player.begin(program), program.join):
                hop.outcome = HopOutcome.ABANDONED
                return None
            program = SILENT  # what follows the prompt is heard already
        roster = await call.board.store.ring_groups.roster(group)
        people = Ringable(
            strategy=group.ring_strategy,
            ring_timeout=float(group.ring_timeout or 0),
            roster=roster,
            look=Look(group.alert_info, group.name),
            may_divert=options.enb_transfer_to_voicemail,
            program=program,
        )
        result = await ring(call, hop, people)
        if not isinstance(result, Finish):
            await call.connect(result)
            return None
        call.verdict = result.status
        if result.by is not None:
            return Destination(kind=DestinationKind.EXT_VM, value=str(result.by))
        return _onward(group, result.outcome, hop)


def _onward(group: RingGroup, outcome: Outcome, hop: Hop) -> Destination | None:
    if outcome is Outcome.ABANDONED:
        return None
    onward = group.onward(nobody_online=outcome is Outcome.NOBODY_ONLINE)
    if onward is group.fail_dest:  # the page speaks of this one alone
        applies = counts_missed_calls(group.ring_strategy, group.fail_dest.kind)
        hop.enb_miss_call = applies and group.enb_miss_call
    return onward
