"""Who sent a request: the same answer for all who may not be told apart."""

import asyncio
import re

import pytest

from ringdove.guard.bans import BanRules
from ringdove.guard.guard import Guard, GuardRules
from ringdove.model.extension import Extension
from ringdove.registrar.authentication import REFUSED_AFTER, Authenticator
from ringdove.sip.digest import Algorithm, Realm, authorize
from ringdove.sip.headers import Headers
from ringdove.sip.hop import Hop
from ringdove.sip.message import Request, Response
from ringdove.store import Store

PASSWORD = "Gr4ss-hoppers-sing"
HERE = Hop("udp", "192.0.2.7", 5060, "192.0.2.1", 5060)
THERE = Hop("udp", "203.0.113.1", 5060, "192.0.2.1", 5060)
RULES = GuardRules(sources=BanRules(failures=100), users=BanRules(failures=3, first=300.0, longest=300.0))


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(store: Store, clock: Clock) -> Authenticator:
    return Authenticator(store, Realm("ringdove"), Guard(RULES), clock)


def _request(authorization: str | None = None) -> Request:
    request = Request(
        "REGISTER",
        "sip:pbx",
        Headers(
            [
                ("Via", "SIP/2.0/UDP a"),
                ("From", "<sip:a@pbx>"),
                ("To", "<sip:a@pbx>"),
                ("Call-ID", "1"),
                ("CSeq", "1 REGISTER"),
            ]
        ),
    )
    if authorization is not None:
        request.headers.add("Authorization", authorization)
    return request


async def _challenge(authenticator: Authenticator, request: Request | None = None) -> Response:
    answer = await authenticator.check(request or _request(), HERE)
    assert isinstance(answer, Response)
    assert answer.status == 401
    return answer


async def _try(
    authenticator: Authenticator,
    name: str,
    password: str = PASSWORD,
    algorithm: Algorithm = Algorithm.SHA256,
    at: Hop = HERE,
) -> Extension | Response:
    challenge = authenticator.challenge(_request(), at)
    assert challenge is not None
    challenges = challenge.headers.get_all("WWW-Authenticate")
    value = authorize(challenges, name, password, "REGISTER", "sip:pbx", algorithms=[algorithm])
    return await authenticator.check(_request(value), at)


async def _extension(store: Store, number: str = "1000", *, enabled: bool = True) -> Extension:
    return await store.extensions.create(Extension(number=number, reg_password=PASSWORD, enabled=enabled))


@pytest.mark.parametrize("algorithm", list(Algorithm))
async def test_the_password_opens(authenticator: Authenticator, store: Store, algorithm: Algorithm) -> None:
    extension = await _extension(store)
    assert await _try(authenticator, "1000", algorithm=algorithm) == extension


async def test_unknown_disabled_and_wrong_look_the_same(authenticator: Authenticator, store: Store) -> None:
    await _extension(store, "1000")
    await _extension(store, "1001", enabled=False)
    answers = [await _challenge(authenticator)]
    for name, password in (("1000", "wrong"), ("1001", PASSWORD), ("9999", PASSWORD), ("", PASSWORD), ("ü'--", "x")):
        answer = await _try(authenticator, name, password)
        assert isinstance(answer, Response)
        answers.append(answer)
    assert len({re.sub(r'nonce="[^"]*"', "", answer.to_bytes().decode()) for answer in answers}) == 1


class Stopwatch:
    """Counts what is done for a request, and how long it takes: the store is slow for those whom it knows."""

    def __init__(self, store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        by_name, hashed = store.extensions.by_reg_name, Algorithm.hash

        async def look_up(name: str) -> Extension | None:
            self.done.append("look-up")
            found = await by_name(name)
            clock.now += 0.03 if found else 0.001
            return found

        def counted(algorithm: Algorithm, *parts: str) -> str:
            self.done.append("hash")
            return hashed(algorithm, *parts)

        async def sleep(seconds: float) -> None:
            clock.now += seconds

        monkeypatch.setattr(store.extensions, "by_reg_name", look_up)
        monkeypatch.setattr(Algorithm, "hash", counted)
        self.authenticator = Authenticator(store, Realm("ringdove"), Guard(RULES), clock, sleep=sleep)


async def test_a_refusal_takes_the_same_work_and_time_whoever_is_asked_for(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _extension(store, "1000")
    await _extension(store, "1001", enabled=False)
    watch = Stopwatch(store, clock, monkeypatch)
    seen = []
    for name, password in (("1000", "wrong"), ("1001", PASSWORD), ("1001", "wrong"), ("9999", PASSWORD), ("ü'--", "x")):
        challenge = watch.authenticator.challenge(_request(), HERE)
        assert challenge is not None
        value = authorize(challenge.headers.get_all("WWW-Authenticate"), name, password, "REGISTER", "sip:pbx")
        watch.done.clear()
        began = clock.now
        assert isinstance(await watch.authenticator.check(_request(value), HERE), Response)
        seen.append((watch.done.copy(), round(clock.now - began, 6)))
    assert seen == [(["look-up", "hash", "hash", "hash"], REFUSED_AFTER)] * 5


async def test_of_many_guesses_at_once_no_more_are_looked_at_than_lead_to_a_ban(
    store: Store, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _extension(store)
    watch = Stopwatch(store, clock, monkeypatch)
    challenge = watch.authenticator.challenge(_request(), HERE)
    assert challenge is not None
    challenges = challenge.headers.get_all("WWW-Authenticate")
    guesses = [authorize(challenges, "1000", f"guess {i}", "REGISTER", "sip:pbx") for i in range(200)]
    guesses.append(authorize(challenges, "1000", PASSWORD, "REGISTER", "sip:pbx"))
    watch.done.clear()
    answers = await asyncio.gather(*(watch.authenticator.check(_request(guess), HERE) for guess in guesses))
    assert all(isinstance(answer, Response) and answer.status == 401 for answer in answers)
    assert watch.done.count("hash") == 3 * RULES.sources.failures


async def test_a_strange_scheme_counts_as_none(authenticator: Authenticator) -> None:
    """RFC 4475 §3.3.7."""
    await _challenge(authenticator, _request("NoOneKnowsThisScheme opaque-data=here"))


async def test_an_old_nonce_is_stale_for_known_and_unknown_alike(
    authenticator: Authenticator, store: Store, clock: Clock
) -> None:
    await _extension(store)
    challenges = (await _challenge(authenticator)).headers.get_all("WWW-Authenticate")
    clock.now += 301
    for name in ("1000", "9999"):
        value = authorize(challenges, name, PASSWORD, "REGISTER", "sip:pbx")
        answer = await _challenge(authenticator, _request(value))
        assert all("stale=true" in challenge for challenge in answer.headers.get_all("WWW-Authenticate"))


async def test_credentials_cannot_be_sent_again(authenticator: Authenticator, store: Store) -> None:
    extension = await _extension(store)
    challenges = (await _challenge(authenticator)).headers.get_all("WWW-Authenticate")
    value = authorize(challenges, "1000", PASSWORD, "REGISTER", "sip:pbx")
    assert await authenticator.check(_request(value), HERE) == extension
    assert authenticator.challenge(_request(value), HERE) is not None, "the store is asked again"
    answer = await _challenge(authenticator, _request(value))
    assert "stale=true" in (answer.headers.get("WWW-Authenticate") or "")


@pytest.mark.parametrize(
    ("user_agent", "offered"),
    [(None, 2), ("Phone 1", 2), ("baresip v1.0.0 (x86_64/linux)", 1), ("baresip v3.11.0", 1), ("baresip v3.12.0", 2)],
)
async def test_a_phone_that_fails_over_sha_256_is_not_shown_it(
    authenticator: Authenticator, user_agent: str | None, offered: int
) -> None:
    request = _request()
    if user_agent is not None:
        request.headers.add("User-Agent", user_agent)
    challenges = (await _challenge(authenticator, request)).headers.get_all("WWW-Authenticate")
    assert len(challenges) == offered
    assert "algorithm=MD5" in challenges[0]


async def test_who_is_challenged_needs_neither_the_store_nor_a_second_thought(
    authenticator: Authenticator, store: Store
) -> None:
    await store.close()  # whoever asks it now fails
    first, again = [authenticator.challenge(_request(), HERE) for _ in range(2)]
    assert first is not None
    assert again is not None
    assert first.to.tag == again.to.tag
    made_up = (
        'Digest username="1000", realm="ringdove", nonce="AAAA", uri="sip:pbx", response="0", qop=auth, nc=00000001'
    )
    assert authenticator.challenge(_request(f'{made_up}, cnonce="x"'), HERE) is not None


async def test_credentials_are_good_only_where_they_were_asked_for(authenticator: Authenticator, store: Store) -> None:
    extension = await _extension(store)
    challenges = (await _challenge(authenticator)).headers.get_all("WWW-Authenticate")
    value = authorize(challenges, "1000", PASSWORD, "REGISTER", "sip:pbx")
    answer = await authenticator.check(_request(value), THERE)
    assert isinstance(answer, Response)
    assert "stale=true" in (answer.headers.get("WWW-Authenticate") or "")
    assert await authenticator.check(_request(value), HERE) == extension


async def test_a_guessed_user_is_refused_the_right_password_as_if_it_were_wrong_except_at_home(
    authenticator: Authenticator, store: Store, clock: Clock
) -> None:
    extension = await _extension(store)
    assert await _try(authenticator, "1000") == extension
    wrong = [
        await _try(authenticator, "1000", "wrong", at=Hop("udp", f"198.51.100.{i}", 5060, "", 0)) for i in range(3)
    ]
    right = await _try(authenticator, "1000", at=THERE)
    assert isinstance(right, Response)
    assert len({re.sub(r'nonce="[^"]*"', "", str(a.headers.get_all("WWW-Authenticate"))) for a in [*wrong, right]}) == 1  # type: ignore[union-attr]
    assert await _try(authenticator, "1000") == extension
    clock.now += 301
    assert await _try(authenticator, "1000", at=THERE) == extension
