"""SIPp phones in groups of every make: extension groups, several phones, failover, late comers, TCP."""

import asyncio
from typing import Any

import pytest

from ringdove.model.story import Disposition
from ringdove.ring.eligibility import Skip
from ringdove.ring.plan import Strategy
from support.exchange import (
    BUSY,
    DECLINES,
    ELSEWHERE,
    RINGS,
    TOLERANCE,
    Call,
    Exchange,
    Phone,
    answers,
    assert_rang,
    together,
)
from support.house import Person
from support.ports import free_port
from support.sipp import needs_sipp

pytestmark = [*needs_sipp, pytest.mark.asyncio(loop_scope="module")]


def extension(person: Person) -> dict[str, str]:
    return {"value": str(person.id), "type": "extension"}


def extension_group(group: int) -> dict[str, str]:
    return {"value": str(group), "type": "ext_group"}


def entry(delay: int, timeout: int, *members: dict[str, str]) -> dict[str, Any]:
    return {"sub_option": list(members), "delay_time": delay, "timeout": timeout}


def ends(call: Call, phone: Phone) -> list[tuple[str, str]]:
    """How a phone stopped ringing each time, and the reason it was given."""
    return [(rang.ended, rang.reason) for rang in call.legs[phone]]


async def test_custom_merges_what_overlaps_rings_again_what_does_not_and_never_rings_for_nothing(
    exchange: Exchange,
) -> None:
    ann, bob, cho, dan = await exchange.phones(*[RINGS] * 4)
    both = extension_group(await exchange.house.extension_group("Ann and Bob", [ann.person, bob.person]))
    entries = [
        entry(0, 1, both),
        entry(0, 2, extension(bob.person)),
        entry(1, 2, extension(bob.person), extension(cho.person)),
        entry(2, 1, extension(ann.person)),
        entry(0, 0, extension(dan.person)),
    ]
    call = await exchange.call(await exchange.ring_group([], ring_strategy=Strategy.CUSTOM, member_list=entries))
    assert_rang(call, {ann: [(0, 1), (2, 3)], bob: [(0, 3)], cho: [(1, 3)], dan: []})
    assert ends(call, ann) == [("cancelled", ""), ("cancelled", "")]
    assert call.status == 480


async def test_R3_an_extension_group_is_rung_in_its_order_and_nobody_in_it_twice(exchange: Exchange) -> None:
    ann, bob, cho = await exchange.phones(RINGS, RINGS, answers(after=0.3))
    group = await exchange.house.extension_group("Bob, Ann and Cho", [bob.person, ann.person, cho.person])
    call = await exchange.call(
        await exchange.ring_group(
            [],
            ring_strategy=Strategy.SEQUENTIALLY,
            ring_timeout=1,
            member_list=[extension(ann.person), extension_group(group), extension(bob.person)],
        )
    )
    assert_rang(call, {ann: [(0, 1)], bob: [(1, 2)], cho: [(2, 2.3)]})
    assert call.status == 200


async def test_R1_who_is_offline_or_wants_no_disturbance_is_passed_over_without_a_pause(exchange: Exchange) -> None:
    quiet = await exchange.person(presence_status="do_not_disturb")
    away = await exchange.person()
    quiet_phone = await exchange.phone(quiet, RINGS)
    (here,) = await exchange.phones(answers(after=0.2))
    call = await exchange.call(
        await exchange.ring_group(
            [],
            ring_strategy=Strategy.SEQUENTIALLY,
            ring_timeout=1,
            member_list=[extension(person) for person in (away, quiet, here.person)],
        )
    )
    assert_rang(call, {quiet_phone: [], here: [(0, 0.2)]})
    assert call.rang_first - call.dialled_at < TOLERANCE
    skipped = {attempt.member.number: attempt.skipped for attempt in call.story.hops[0].attempts}
    assert skipped == {away.number: Skip.OFFLINE, quiet.number: Skip.DND, here.person.number: None}


async def test_R6_phones_of_one_member_stand_for_each_other_until_one_declines(exchange: Exchange) -> None:
    async def two_phones(*behaviours: Any) -> tuple[Phone, Phone, Phone, str]:
        person = await exchange.person(concurrent_registrations=2)
        one, two = [await exchange.phone(person, behaviour) for behaviour in behaviours]
        (other,) = await exchange.phones(RINGS)
        return one, two, other, await exchange.ring_group([one, other], ring_timeout=1)

    busy, declined, answered = await together(
        [two_phones(BUSY, RINGS), two_phones(DECLINES, RINGS), two_phones(answers(after=0.4), RINGS)]
    )
    calls = await together(exchange.call(number) for *_, number in (busy, declined, answered))

    one, two, other, _ = busy
    assert_rang(calls[0], {one: [(0, 0)], two: [(0, 1)], other: [(0, 1)]})

    one, two, other, _ = declined
    assert_rang(calls[1], {one: [(0, 0)], two: [(0, 0)], other: [(0, 1)]})
    assert ends(calls[1], two) == [("cancelled", "")]

    one, two, other, _ = answered
    assert_rang(calls[2], {one: [(0, 0.4)], two: [(0, 0.4)], other: [(0, 0.4)]})
    assert ends(calls[2], one) == [("answered", "")]
    assert ends(calls[2], two) == ends(calls[2], other) == [("cancelled", ELSEWHERE)]


async def test_unanswered_calls_go_on_to_an_extension_or_another_group(exchange: Exchange) -> None:
    first, second, third, helper, rescuer = await exchange.phones(*[RINGS] * 3, *[answers(after=0.3)] * 2)
    to_extension = await exchange.ring_group(
        [first], ring_timeout=1, fail_dest="extension", fail_dest_value=str(helper.person.id)
    )
    rescue = await exchange.house.ring_group(
        "6201", [third.person, rescuer.person], ring_strategy=Strategy.MEMORY_HUNT, ring_timeout=1
    )
    to_group = await exchange.ring_group([second], ring_timeout=1, fail_dest="ring_group", fail_dest_value=str(rescue))
    helped, rescued = await together([exchange.call(to_extension), exchange.call(to_group)])

    assert_rang(helped, {first: [(0, 1)], helper: [(1, 1.3)]})
    assert ends(helped, first) == [("cancelled", "")]
    assert [hop.kind for hop in helped.story.hops] == ["ring_group", "extension"]
    assert helped.status == 200

    assert_rang(rescued, {second: [(0, 1)], third: [(1, 2.3)], rescuer: [(2, 2.3)]})
    assert ends(rescued, third) == [("cancelled", ELSEWHERE)]
    assert [hop.kind for hop in rescued.story.hops] == ["ring_group", "ring_group"]
    assert rescued.status == 200


async def test_R2_with_nobody_online_the_call_goes_elsewhere_at_once(exchange: Exchange) -> None:
    away = await exchange.person()
    stand_in, last_resort = await exchange.phones(answers(after=0.2), RINGS)
    number = await exchange.ring_group(
        [],
        member_list=[extension(away)],
        fail_dest="extension",
        fail_dest_value=str(last_resort.person.id),
        no_agent_online_dest="extension",
        no_agent_online_value=str(stand_in.person.id),
    )
    call = await exchange.call(number)
    assert_rang(call, {stand_in: [(0, 0.2)], last_resort: []})
    assert call.rang_first - call.dialled_at < TOLERANCE
    assert call.status == 200


async def test_R10_a_caller_that_gives_up_is_not_sent_on_to_the_failover(exchange: Exchange) -> None:
    member, failover = await exchange.phones(RINGS, RINGS)
    call = await exchange.call(
        await exchange.ring_group([member], fail_dest="extension", fail_dest_value=str(failover.person.id)), give_up=0.4
    )
    assert_rang(call, {member: [(0, 0.4)], failover: []})
    assert ends(call, member) == [("cancelled", "")]
    assert call.story.disposition is Disposition.ABANDONED
    assert [hop.kind for hop in call.story.hops] == ["ring_group"]


async def test_R9_a_phone_that_registers_while_its_window_is_open_joins_in(exchange: Exchange) -> None:
    late = await exchange.person()
    (early,) = await exchange.phones(RINGS)
    number = await exchange.ring_group([], ring_timeout=2, member_list=[extension(early.person), extension(late)])
    calling = asyncio.create_task(exchange.call(number))
    await early.sipp.logged("INVITE")
    newcomer = await exchange.phone(late, RINGS)
    call = await calling
    registered_at = (await newcomer.sipp.logged("200 REGISTER")).at - call.rang_first
    assert registered_at < 1.5
    assert_rang(call, {early: [(0, 2)], newcomer: [(registered_at, 2)]})


async def test_R13_members_are_told_the_ringtone_of_the_group(exchange: Exchange) -> None:
    (member,) = await exchange.phones(answers(after=0.1))
    call = await exchange.call(await exchange.ring_group([member], alert_info="ring-group-support"))
    host, _ = exchange.house.sip
    assert call.legs[member][0].invite.get("Alert-Info") == f"<http://{host}>;info=ring-group-support"


async def test_phones_and_caller_over_tcp(exchange: Exchange) -> None:
    ann, bob, cho = phones = await exchange.phones(RINGS, answers(after=0.4), RINGS, transport="tcp")
    number = await exchange.ring_group(phones, ring_strategy=Strategy.MEMORY_HUNT, ring_timeout=1)
    call = await exchange.call(number, transport="tcp")
    assert_rang(call, {ann: [(0, 1.4)], bob: [(1, 1.4)], cho: []})
    assert ends(call, ann) == [("cancelled", ELSEWHERE)]
    assert call.legs[ann][0].invite.get("Via").startswith("SIP/2.0/TCP ")
    assert call.status == 200


async def test_sipps_own_caller_is_asked_who_it_is_and_makes_no_call(exchange: Exchange) -> None:
    (member,) = await exchange.phones(RINGS)
    number = await exchange.ring_group([member])
    before = (await exchange.house.get("calls/list"))["total_number"]
    stranger = await exchange.sipp("stranger", "-sn", "uac", "-s", number, "-m", "1")
    assert await stranger.ended(5) == 1  # its scenario knows no challenge
    assert [message.what for message in stranger.messages][:2] == ["INVITE", "401 INVITE"], stranger.story()
    assert (await exchange.house.get("calls/list"))["total_number"] == before
    assert "INVITE" not in [message.what for message in member.sipp.messages]


async def test_sipps_own_answering_phone_is_a_members_phone(exchange: Exchange) -> None:
    person, port = await exchange.person(), free_port()
    await exchange.register(person, port=port)
    uas = await exchange.sipp("uas", "-sn", "uas", port=port)
    call = await exchange.call(await exchange.ring_group([], member_list=[extension(person)]))
    assert call.status == 200
    assert call.story.answered_by is not None
    assert call.story.answered_by.number == person.number
    await uas.logged("200 BYE")
