"""Plain calls on a real worker: who calls hears the mix, and is heard behind the gate."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from spaces_bridge.app.errors import AdapterError, OfferRefused
from spaces_bridge.app.plain_call_ports import PlainCallStage
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.worker.edge.keypad import KEYS
from spaces_bridge.media.worker.mix.opus import FRAME
from spaces_bridge.media.worker.values import PeerPhase
from tests.support.plain_client import (
    EVENTS,
    WIDE_EVENTS,
    AiortcCaller,
    PlainClient,
    PlainWire,
    event,
)
from tests.support.sound import Pcm, decibels, tone
from tests.support.stage import (
    EAR,
    GUEST,
    HOST,
    SPACE,
    Noted,
    falls_silent,
    hears,
    listening,
    options,
    running,
    speaking,
    until,
)

pytestmark = pytest.mark.peers

QUIET = -60


class CallsNoted:
    """A `PlainCallListener` that writes everything down."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.ended: dict[str, str] = {}
        self.silenced: list[str] = []
        self.keys: dict[str, str] = {}
        self.prompts: list[tuple[str, str]] = []

    def plain_call_connected(self, session: str) -> None:
        self.connected.append(session)

    def plain_call_ended(self, session: str, reason: str) -> None:
        self.ended[session] = reason

    def plain_call_silenced(self, session: str) -> None:
        self.silenced.append(session)

    def key_pressed(self, session: str, key: str) -> None:
        self.keys[session] = self.keys.get(session, "") + key

    def prompt_ended(self, session: str, prompt: str) -> None:
        self.prompts.append((session, prompt))


@contextlib.asynccontextmanager
async def calling(tmp_path: Path) -> AsyncIterator[tuple[WorkerStage, Noted, CallsNoted]]:
    """A stage with one live space in which the host may be heard."""
    stage, calls = WorkerStage(options(tmp_path)), CallsNoted()
    stage.plain_calls.attend_plain_calls(calls)
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        yield stage, noted, calls


@contextlib.asynccontextmanager
async def caller(
    stage: PlainCallStage, user: UserId = GUEST, wire: PlainWire | None = None
) -> AsyncIterator[PlainClient]:
    """A client that is connected, and is closed in the end."""
    made = PlainClient(stage, user, wire)
    try:
        await made.call()
        yield made
    finally:
        made.close()


@contextlib.asynccontextmanager
async def aiortc_caller(
    stage: PlainCallStage, user: UserId = GUEST
) -> AsyncIterator[AiortcCaller]:
    """A client made of aiortc, connected."""
    made = AiortcCaller(stage, user)
    try:
        await made.connect()
        yield made
    finally:
        await made.close()


@contextlib.contextmanager
def going_on(task: "asyncio.Task[None]") -> Iterator[None]:
    """Have something go on meanwhile."""
    try:
        yield
    finally:
        task.cancel()


class Heard:
    """Whether sound holds this tone, and perhaps another one not."""

    def __init__(self, hertz: float, without: float | None = None) -> None:
        self._hertz, self._without = hertz, without

    def __call__(self, pcm: Pcm) -> bool:
        is_there = decibels(pcm, self._hertz) > -20
        return is_there and (self._without is None or decibels(pcm, self._without) < QUIET)


def says_for_ever(client: PlainClient, hertz: float) -> "asyncio.Task[None]":
    return asyncio.create_task(client.says(tone(hertz, 120)))


async def speak(stage: WorkerStage, session: str, user: UserId = GUEST) -> None:
    """As the app does when the floor is theirs and they want to be heard."""
    await until(lambda: stage._sessions[session].phase is PeerPhase.CONNECTED)
    stage.plain_calls.use_microphone(session)
    stage.open_microphone(SPACE, user)


# --- sound ---------------------------------------------------------------------------------------


async def test_a_caller_hears_the_mix_and_is_heard_while_the_floor_is_theirs(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, calls),
        speaking(stage, HOST) as host,
        listening(stage) as ear,
        aiortc_caller(stage.plain_calls) as guest,
    ):
        host.say(tone(440, 300))
        guest.microphone.say(tone(700, 300))
        await hears(guest, 440)
        await until(lambda: calls.connected == [guest.session])
        assert stage.listeners(SPACE) == 2
        stage.open_microphone(SPACE, GUEST)  # the floor alone: they have not asked to be heard
        await hears(ear, 440)
        assert decibels(ear.pcm()[-48_000:], 700) < QUIET
        assert not stage.has_microphone(SPACE, GUEST)
        await speak(stage, guest.session)
        await hears(ear, 700)
        assert stage.has_microphone(SPACE, GUEST)
        await hears(guest, 440)
        assert decibels(guest.pcm()[-48_000:], 700) < QUIET
        await until(lambda: noted.audio_of[GUEST])
        host.stop_saying()
        stage.end_microphone_session(SPACE, GUEST)
        await falls_silent(ear)
        assert not stage.has_microphone(SPACE, GUEST)
        assert noted.lost == []
        host.say(tone(440, 300))
        await hears(guest, 440)
        assert calls.ended == {}
        stage.open_microphone(SPACE, GUEST)  # the floor again: still not unasked
        await hears(ear, 440)
        assert decibels(ear.pcm()[-48_000:], 700) < QUIET


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
async def test_behind_a_shut_gate_a_caller_is_not_heard(tmp_path: Path, tcp: bool) -> None:
    async with calling(tmp_path) as (stage, _, _), listening(stage) as ear:
        guest = PlainClient(stage.plain_calls, GUEST)
        await guest.call(tcp=tcp)
        with contextlib.closing(guest), going_on(says_for_ever(guest, 700)):
            await speak(stage, guest.session)
            await hears(ear, 700)
            stage.close_microphone(SPACE, GUEST)
            await falls_silent(ear)
            assert stage.has_microphone(SPACE, GUEST)  # it is shut, and not gone
            stage.open_microphone(SPACE, GUEST)
            await hears(ear, 700)
            assert guest.wire.rejected == 0


async def test_the_microphone_opened_last_is_heard_on_the_page_or_in_the_call(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, calls),
        caller(stage.plain_calls) as guest,
        listening(stage) as ear,
    ):
        with going_on(says_for_ever(guest, 700)):
            await speak(stage, guest.session)
            await hears(ear, 700)
            async with speaking(stage, GUEST) as page:
                page.say(tone(440, 300))
                await hears(ear, 440)
                assert decibels(ear.pcm()[-48_000:], 700) < QUIET
                stage.plain_calls.use_microphone(guest.session)
                await hears(ear, 700)
                await until(lambda: page.state == "closed")
            assert noted.lost == []
            assert calls.ended == {}
            await guest.connection.more(10)


async def test_twenty_callers_at_once(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        speaking(stage, HOST) as host,
        contextlib.AsyncExitStack() as clients,
    ):
        host.say(tone(440, 300))
        users = [UserId(f"@caller{at}:x") for at in range(20)]
        made = await asyncio.gather(
            *(clients.enter_async_context(caller(stage.plain_calls, user)) for user in users)
        )
        await asyncio.gather(*(each.hears(Heard(440)) for each in made))
        assert stage.listeners(SPACE) == 20
        await until(lambda: len(calls.connected) == 20)
        for at, each in enumerate(made):
            each.press(KEYS[at % 12] * 2)
        await until(lambda: len("".join(calls.keys.values())) == 40)
        assert calls.keys == {each.session: KEYS[at % 12] * 2 for at, each in enumerate(made)}
        await speak(stage, made[0].session, users[0])
        with going_on(says_for_ever(made[0], 700)):
            await asyncio.gather(*(each.hears(Heard(700)) for each in made[1:]))
            await made[0].hears(Heard(440, without=700))


# --- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [EVENTS, WIDE_EVENTS])
async def test_keys_are_told_once_each_with_and_without_the_floor_and_are_no_sound(
    tmp_path: Path, kind: int
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, calls),
        caller(stage.plain_calls) as guest,
        listening(stage) as ear,
    ):
        guest.press("*1", kind=kind)
        await until(lambda: calls.keys.get(guest.session) == "*1")
        await speak(stage, guest.session)
        guest.press("0123", kind=kind)
        await until(lambda: calls.keys[guest.session] == "*10123")
        await ear.wait_packets(50)
        assert decibels(ear.pcm(), 697) < QUIET
        assert noted.cut == []
        await until(lambda: any(told.get(GUEST) == 0 for told in noted.told))


async def test_malformed_and_endless_keys_cost_their_sender_alone(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        caller(stage.plain_calls) as guest,
        caller(stage.plain_calls, EAR) as other,
    ):
        for size in (0, 1, 3, 5, 200, 1000):
            guest.send(bytes(size), kind=EVENTS)
        await until(lambda: stage.metrics().get("refused", 0) >= 6)
        for at in range(300):
            guest.send(event(at % 12, 100), kind=EVENTS, timestamp=at * 800)
        await until(lambda: len(calls.keys.get(guest.session, "")) >= 20)
        other.press("5")
        await until(lambda: calls.keys.get(other.session) == "5")
        await guest.connection.more(20)
        assert len(calls.keys[guest.session]) < 60
        assert calls.ended == {}


# --- negotiations --------------------------------------------------------------------------------


async def test_a_held_call_gets_no_packets_and_goes_on_where_the_mix_is(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        speaking(stage, HOST) as host,
        caller(stage.plain_calls) as guest,
        caller(stage.plain_calls, EAR) as other,
    ):
        host.say(tone(440, 300))
        await guest.hears(Heard(440))
        keys = guest.wire.keys
        guest.wire.way = "sendonly"
        assert "a=recvonly\r\n" in await guest.negotiate()
        assert guest.held == [True]
        await other.connection.more(10)
        held = guest.wire.received
        last = guest.wire.packets[-1]
        await other.connection.more(50)
        assert guest.wire.received == held
        guest.wire.way = "sendrecv"
        await guest.negotiate()
        assert guest.held == [True, False]
        await guest.until(lambda: guest.wire.received >= held + 50)
        first = guest.wire.packets[guest.wire.packets.index(last) + 1]
        assert (first.sequence - last.sequence) & 0xFFFF == 1
        assert (first.timestamp - last.timestamp) & 0xFFFFFFFF >= 50 * FRAME
        assert guest.wire.keys is keys
        assert guest.wire.rejected == 0
        assert calls.ended == {}


async def test_an_ice_restart_is_answered_with_new_credentials_on_the_same_dtls(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        speaking(stage, HOST) as host,
        caller(stage.plain_calls) as guest,
    ):
        host.say(tone(440, 300))
        keys, before = guest.wire.keys, credentials(guest.sdp)
        assert credentials(await guest.negotiate()) == before  # nothing new was offered
        guest.wire.restart()
        assert not credentials(await guest.negotiate()) & before
        await guest.connection.dial()  # from another address
        await guest.hears(Heard(440))
        assert guest.wire.keys is keys
        await speak(stage, guest.session)
        with going_on(says_for_ever(guest, 700)):
            async with listening(stage) as ear:
                await hears(ear, 700)
        assert calls.connected == [guest.session]


async def test_what_is_refused_leaves_the_call_as_it_was(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        caller(stage.plain_calls) as guest,
    ):
        plain, offer = stage.plain_calls, guest.wire.offer()
        other = offer.replace(guest.wire.identity.fingerprint, ":".join(["AB"] * 32))
        for bad in (
            "",
            "v=0\r\n",
            other,
            offer.replace("opus", "vorbis"),
            offer[: len(offer) // 2],
        ):
            with pytest.raises(OfferRefused):
                await plain.renegotiate(guest.session, bad)
        with pytest.raises(OfferRefused, match="answered already"):
            await plain.accept(guest.session, guest.wire.answer())
        with pytest.raises(AdapterError, match="over"):
            await plain.renegotiate("another", offer)
        await guest.connection.more(20)
        assert calls.ended == {}
        with pytest.raises(OfferRefused) as refused:
            await plain.answer(SpaceId("space0000000000b"), GUEST, offer)
        assert refused.value.code == "no_sound"


async def test_of_two_devices_that_answer_our_offer_the_accepted_one_is_in_the_call(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        speaking(stage, HOST) as host,
        contextlib.AsyncExitStack() as clients,
    ):
        host.say(tone(440, 300))
        one = PlainClient(stage.plain_calls, GUEST)
        two = PlainClient(stage.plain_calls, GUEST)
        for each in (one, two):
            clients.callback(each.close)
        session = await one.ring()
        await two.check(one.sdp)  # the same offer
        for each in (one, two):
            for _ in range(3):
                each.wire.send_check()  # before anybody was accepted
        await until(lambda: stage.metrics().get("refused", 0) >= 6)
        assert one.wire.checks_answered == two.wire.checks_answered == 0
        await stage.plain_calls.accept(session, two.wire.answer())
        with pytest.raises(OfferRefused, match="answered already"):
            await stage.plain_calls.accept(session, one.wire.answer())
        await two.connected()
        await two.hears(Heard(440))
        assert calls.connected == [session]
        assert one.wire.checks_answered == 0
        two.press("*")
        await until(lambda: calls.keys == {session: "*"})
        assert not one.wire.packets


async def test_an_answer_to_another_offer_is_refused(tmp_path: Path) -> None:
    async with calling(tmp_path) as (stage, _, _):
        offer = await stage.plain_calls.dial(SPACE, GUEST)
        answer = PlainWire(video=True).answer()
        with pytest.raises(OfferRefused, match="not to this offer"):
            await stage.plain_calls.accept(offer.session, answer)
        assert stage.hang_up(offer.session)
        with pytest.raises(AdapterError, match="over"):
            await stage.plain_calls.accept(offer.session, PlainWire().answer())
        await until(lambda: stage.metrics().get("duplex_peers") == 0)


def credentials(sdp: str) -> set[str]:
    """The ICE credentials in a description."""
    return {line for line in sdp.split("\r\n") if line.startswith("a=ice-")} - {"a=ice-lite"}


def fingerprint(sdp: str) -> bytes:
    """The fingerprint in a description."""
    [line] = [line for line in sdp.split("\r\n") if line.startswith("a=fingerprint:sha-256 ")]
    return bytes.fromhex(line.partition(" ")[2].replace(":", ""))


# --- ends ----------------------------------------------------------------------------------------


async def test_a_goodbye_ends_the_call_at_once(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, noted, calls),
        caller(stage.plain_calls) as guest,
    ):
        await speak(stage, guest.session)
        guest.wire.say_goodbye()
        await until(lambda: calls.ended == {guest.session: "the client left"})
        assert noted.lost == [GUEST]
        assert stage.listeners(SPACE) == 0
        with pytest.raises(AdapterError, match="over"):
            await guest.negotiate()


async def test_who_is_sent_away_is_hung_up_and_told_and_who_hangs_up_is_not(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        caller(stage.plain_calls) as guest,
        caller(stage.plain_calls, EAR) as other,
    ):
        stage.end_listening(SPACE, GUEST)
        await guest.until(lambda: guest.wire.left_by_server)
        assert list(calls.ended) == [guest.session]
        assert stage.hang_up(other.session)
        await other.until(lambda: other.wire.left_by_server)
        assert list(calls.ended) == [guest.session]
        await until(lambda: stage.metrics().get("duplex_peers") == 0)


async def test_after_the_end_callers_hear_a_last_prompt_and_nobody_is_heard(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        listening(stage) as page,
        caller(stage.plain_calls) as guest,
    ):
        await speak(stage, guest.session)
        stage.close_space(SPACE)
        await until(lambda: page.state == "closed")
        stage.plain_calls.play(guest.session, "nothing that exists", "en")
        await until(lambda: calls.prompts == [(guest.session, "nothing that exists")])
        await guest.connection.more(20)
        assert stage.hang_up(guest.session)
        await guest.until(lambda: guest.wire.left_by_server)
        assert calls.ended == {}


async def test_callers_whom_nobody_hangs_up_after_the_end_are_hung_up(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        caller(stage.plain_calls) as guest,
    ):
        stage.close_space(SPACE)
        await until(lambda: guest.session in calls.ended)
        assert guest.wire.left_by_server
        assert stage.listeners(SPACE) == 0


# --- processes that die --------------------------------------------------------------------------


async def test_after_a_workers_death_callers_hear_are_heard_and_negotiate_again(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, noted, calls),
        speaking(stage, HOST) as host,
        caller(stage.plain_calls) as guest,
        listening(stage) as ear,
    ):
        host.say(tone(440, 300))
        with going_on(says_for_ever(guest, 700)):
            await speak(stage, guest.session)
            await hears(ear, 700)
            stage.plain_calls.play(guest.session, "welcome", "en")
            before, ours = guest.wire.received, fingerprint(guest.sdp)
            assert stage.worker_pid is not None
            os.kill(stage.worker_pid, signal.SIGKILL)
            await until(lambda: noted.restarted)
            await guest.until(lambda: guest.wire.received > before + 100)
            await hears(ear, 700)
            assert stage.has_microphone(SPACE, GUEST)
            assert [prompt for _, prompt in calls.prompts] == ["welcome"]
            guest.press("#")
            await until(lambda: calls.keys.get(guest.session) == "#")
            guest.wire.restart()
            assert fingerprint(await guest.negotiate()) == ours
            await guest.connection.dial()
            await guest.connection.more(50)
            assert guest.wire.rejected == 0
            assert (calls.connected, calls.ended) == ([guest.session], {})
            indexes = [each.sequence for each in guest.wire.packets]
            assert len(set(indexes)) == len(indexes)  # no packet index was used twice


async def test_another_bridge_takes_up_the_calls_and_hangs_up_those_that_nobody_wants(
    tmp_path: Path,
) -> None:
    first = WorkerStage(options(tmp_path))
    second, calls = WorkerStage(options(tmp_path), claim_s=1.0), CallsNoted()
    second.plain_calls.attend_plain_calls(calls)
    async with running(first):
        first.open_space(SPACE, 0)
        async with caller(first.plain_calls) as kept, caller(first.plain_calls, EAR) as left:
            await speak(first, kept.session)
            async with running(second):
                second.open_space(SPACE, 0)
                assert second.has_microphone(SPACE, GUEST)
                assert second.plain_calls.take_up(kept.session)
                assert not second.plain_calls.take_up("another")
                await left.until(lambda: left.wire.left_by_server)
                await kept.connection.more(50)
                kept.press("1")
                await until(lambda: calls.keys == {kept.session: "1"})
                assert "a=recvonly" not in await PlainAgain(second, kept).negotiate()
                assert not kept.wire.left_by_server


class PlainAgain(PlainClient):
    """A client whose session another stage goes on with."""

    def __init__(self, stage: WorkerStage, before: PlainClient) -> None:
        super().__init__(stage.plain_calls, before.user, before.wire)
        self.session = before.session


# --- prompts -------------------------------------------------------------------------------------


async def test_a_prompt_is_told_to_have_ended_once_whatever_became_of_it(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        caller(stage.plain_calls) as guest,
    ):
        stage.plain_calls.play("another", "welcome", "en")
        stage.plain_calls.play(guest.session, "nothing that exists", "en")
        await until(lambda: calls.prompts == [(guest.session, "nothing that exists")])
        ringing = await stage.plain_calls.dial(SPACE, EAR)
        stage.plain_calls.play(ringing.session, "welcome", "en")  # nobody is there to hear it
        await until(lambda: (ringing.session, "welcome") in calls.prompts)
        assert len(calls.prompts) == 2


async def test_a_packaged_prompt_is_heard_by_its_caller_alone_and_the_stream_goes_on(
    tmp_path: Path,
) -> None:
    async with (
        calling(tmp_path) as (stage, _, calls),
        speaking(stage, HOST) as host,
        caller(stage.plain_calls) as guest,
        caller(stage.plain_calls, EAR) as other,
    ):
        host.say(tone(440, 300))
        await guest.hears(Heard(440))
        await until(lambda: stage.listeners(SPACE) == 2)
        other.wire.packets.clear()
        stage.plain_calls.play(guest.session, "floor_granted", "de")
        await guest.hears(lambda pcm: -40 < decibels(pcm, 440) < -25, packets=40)
        await until(lambda: calls.prompts == [(guest.session, "floor_granted")])
        played = len(guest.wire.packets)
        await guest.until(lambda: len(guest.wire.packets) >= played + 60)
        assert Heard(440)(guest.heard(50))
        assert decibels(other.heard(len(other.wire.packets)), 440) > -20
        numbers = [each.sequence - guest.wire.packets[0].sequence for each in guest.wire.packets]
        assert sorted(number & 0xFFFF for number in numbers) == list(range(len(numbers)))
        assert guest.wire.rejected == 0
