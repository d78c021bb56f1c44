"""`ring_group`: let the caller hear its prompts and ring its members by its strategy; else `no_agent_online_dest` or
`fail_dest` (R2).
"""

import asyncio

import structlog

from ringdove.model.destination import END_CALL, Destination
from ringdove.model.ring_group import RingGroup
from ringdove.model.story import HopOutcome
from ringdove.ring.engine import Finish, Outcome

from ..call import Call
from ..inbox import CallerGone, HeardOut
from ..invitation import Look
from ..ringing import Ringable, ring
from ..sounds import SILENT, Program

log = structlog.get_logger(__name__)

_GRACE = 2.0
"""Seconds after which a prompt that should have ended is not waited for any more: no call hangs on its audio."""


async def enter(call: Call, destination: Destination) -> Destination | None:
    """Run the call through the group; returns where it goes when nobody answered."""
    group = await call.board.store.ring_groups.get(int(destination.value))
    if group is None:
        return END_CALL
    with call.book.hop("ring_group", group.id, group.number, group.name, strategy=group.ring_strategy) as hop:
        call.group_id = group.id
        program = await call.board.sounds.program(group.join_prompt, group.welcome_prompt)
        if group.play_full_join_prompt and program.join is not None:
            if not await _hear_out(call, program):
                hop.outcome = HopOutcome.ABANDONED
                return None
            program = SILENT  # what follows the prompt is heard already
        roster = await call.board.store.ring_groups.roster(group)
        people = Ringable(
            strategy=group.ring_strategy,
            ring_timeout=float(group.ring_timeout or 0),
            roster=roster,
            look=Look(group.alert_info, group.name),
            program=program,
        )
        result = await ring(call, hop, people)
        if not isinstance(result, Finish):
            await call.connect(result)
            return None
        call.verdict = result.status
        return _onward(group, result.outcome)


async def _hear_out(call: Call, program: Program) -> bool:
    """Play the join prompt to its end before anybody rings; False when the caller left meanwhile.

    A caller that cannot be played to does not wait for what it does not hear.
    """
    playing = await call.player.begin(program)
    assert program.join is not None  # noqa: S101 - the caller of this saw to it
    deadline = asyncio.get_running_loop().time() + program.join.seconds + _GRACE
    while playing is not None:
        event = await call.inbox.next(until=deadline)
        match event:
            case CallerGone():
                return False
            case None:
                log.warning("prompt_without_end", prompt=program.join.name)
                return True
            case HeardOut(item=item) if item == playing:
                playing = None
        await call.attend(event)
    return True


def _onward(group: RingGroup, outcome: Outcome) -> Destination | None:
    if outcome is Outcome.ABANDONED:
        return None
    if outcome is Outcome.NOBODY_ONLINE and group.no_agent_online_dest is not None:
        return group.no_agent_online_dest
    return group.fail_dest
