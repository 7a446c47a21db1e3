"""Media workers on other machines, as real processes here: who is where, and who comes back."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import cluster_members, messages
from spaces_bridge.media.messages import PROTOCOL
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.channels import LinkMessage, packed, unpacked
from spaces_bridge.media.nodes.messages import (
    NODE_PROTOCOL,
    NodeGreeting,
    NodeRefusal,
    NodeWelcome,
    WorkerAttached,
)
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge_demo.patience import PATIENCE_S
from tests.media.test_plain_calls import CallsNoted
from tests.support.nodes import SECRET, Bridge, bridge, node
from tests.support.plain_client import PlainClient
from tests.support.sound import decibels, tone
from tests.support.stage import EAR, GUEST, HOST, SPACE, hears, listening, speaking, until

pytestmark = pytest.mark.peers

OTHER_EAR = UserId("@other:x")
LISTEN, SPEAK = StreamDirection.LISTEN, StreamDirection.SPEAK
TOO_LONG = messages.Answer(1, "x" * (limits.LONGEST_SDP + 1))
"""Ends the connection of the node that says it."""


@pytest.fixture
def soon_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that is away is given up sooner."""
    monkeypatch.setattr(cluster_members, "LOST_S", 1.0)


# --- who is where --------------------------------------------------------------------------------


async def test_who_listens_goes_where_the_fewest_are_and_who_speaks_home(tmp_path: Path) -> None:
    async with bridge(tmp_path / "here") as there, node(there.url, tmp_path / "n", "far"):
        await there.connected()
        there.stage.open_space(SPACE, 0)
        there.stage.set_gates(SPACE, [HOST])
        async with speaking(there.stage, HOST) as host, listening(there.stage) as first:
            await until(lambda: there.listeners_of("far") == 1)  # home has the speaker
            async with listening(there.stage, OTHER_EAR) as second:
                host.say(tone(440, 60))
                await first.wait_packets(20)
                await hears(second)
                assert there.listeners_of("far") == 1
                assert there.stage.listeners(SPACE) == 2
        await until(lambda: there.stage.listeners(SPACE) == 0)


@pytest.mark.usefixtures("soon_lost")
async def test_without_a_worker_here_the_first_node_is_home_and_then_the_next(
    tmp_path: Path,
) -> None:
    async with bridge(None) as there:
        with pytest.raises(Exception, match="No media node"):
            await there.stage.check()
        there.stage.open_space(SPACE, 0)
        there.stage.set_gates(SPACE, [HOST])
        async with node(there.url, tmp_path / "one", "one") as first:
            await there.connected()
            await there.stage.check()
            async with node(there.url, tmp_path / "two", "two"):
                await there.connected(2)
                async with speaking(there.stage, HOST) as host:
                    host.say(tone(440, 60))
                    await until(lambda: there.noted.audio_of[HOST] and there.noted.told)
                    first.kill()
                    await until(lambda: there.noted.lost == [HOST])
                    assert not there.stage.has_microphone(SPACE, HOST)
                heard = len(there.noted.audio_of[HOST])
                async with speaking(there.stage, HOST) as host, listening(there.stage) as ear:
                    host.say(tone(440, 60))
                    await hears(ear)
                    await until(lambda: len(there.noted.audio_of[HOST]) > heard)
                    assert there.listeners_of("two") == 1


# --- what ends, and what goes on -----------------------------------------------------------------


async def test_a_lost_link_costs_nobody_their_sound(tmp_path: Path) -> None:
    async with bridge(tmp_path / "here") as there, node(there.url, tmp_path / "n", "far"):
        await there.connected()
        there.stage.open_space(SPACE, 0)
        async with listening(there.stage, GUEST), listening(there.stage) as ear:
            await until(lambda: there.listeners_of("far") == 1)
            there.nodes.close()
            await there.connected(0)
            await there.connected(1)
            await ear.wait_packets(50)
            await until(lambda: there.stage.listeners(SPACE) == 2)
            assert there.listeners_of("far") == 1
            assert ear.state == "connected"


async def test_who_is_sent_away_or_leaves_while_a_node_is_away_is_hung_up_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with bridge(None) as there, node(there.url, tmp_path / "n", "far"):
        await there.connected()
        there.stage.open_space(SPACE, 0)
        async with (
            listening(there.stage) as ear,
            listening(there.stage, OTHER_EAR) as other,
            listening(there.stage, GUEST) as guest,
        ):
            await until(lambda: there.listeners_of("far") == 3)
            there.nodes.close()
            await there.connected(0)
            there.stage.end_listening(SPACE, EAR)
            assert there.stage.hang_up(there.session_of(OTHER_EAR))
            await there.connected(1)
            await until(lambda: ear.state != "connected" and other.state != "connected")
            await guest.wait_packets(50)
            assert there.listeners_of("far") == 1


async def test_a_new_bridge_finds_a_nodes_listeners_and_no_microphones(tmp_path: Path) -> None:
    async with bridge(None) as first:
        port = first.port
        async with node(first.url, tmp_path / "n", "far") as far:
            await first.connected()
            first.stage.open_space(SPACE, 0)
            async with (
                listening(first.stage) as ear,
                listening(first.stage, GUEST) as guest,
                speaking(first.stage, HOST),
            ):
                await until(lambda: first.stage.has_microphone(SPACE, HOST))
                await first.end()
                async with bridge(None, port) as second:
                    second.stage.end_listening(SPACE, GUEST)  # as the start does, and first
                    second.stage.open_space(SPACE, 0)
                    await second.connected()
                    await until(lambda: second.listeners_of("far") == 1)
                    await until(lambda: guest.state != "connected")
                    await ear.wait_packets(50)
                    assert not second.stage.has_microphone(SPACE, HOST)
                    far.end()
                    await far.ended()
                    await until(lambda: second.listeners_of("far") is None)


async def test_a_nodes_worker_that_dies_is_replaced_and_nobody_does_anything(
    tmp_path: Path,
) -> None:
    async with bridge(None) as there, node(there.url, tmp_path / "n", "far") as far:
        await there.connected()
        there.stage.open_space(SPACE, 0)
        there.stage.set_gates(SPACE, [HOST])
        async with speaking(there.stage, HOST) as host, listening(there.stage) as ear:
            host.say(tone(440, 120))
            await hears(ear)
            far.worker.kill()
            await until(lambda: there.stage.node_metrics()["restarts"] != {"far": 0})
            await hears(ear)
            assert there.listeners_of("far") == 1


@pytest.mark.usefixtures("soon_lost")
async def test_a_killed_nodes_listeners_count_no_more_and_others_take_them(
    tmp_path: Path,
) -> None:
    async with bridge(tmp_path / "here") as there, node(there.url, tmp_path / "n", "far") as far:
        await there.connected()
        there.stage.open_space(SPACE, 0)
        async with listening(there.stage, GUEST), listening(there.stage):
            await until(lambda: there.listeners_of("far") == 1)
            far.kill()
            await until(lambda: there.stage.listeners(SPACE) == 1)
            async with listening(there.stage) as again:
                await again.wait_packets(20)
                assert there.stage.listeners(SPACE) == 2


async def test_a_node_that_ends_takes_its_sessions_with_it_at_once(tmp_path: Path) -> None:
    async with bridge(None) as there, node(there.url, tmp_path / "n", "far") as far:
        await there.connected()
        there.stage.open_space(SPACE, 0)
        async with listening(there.stage) as ear:
            await until(lambda: there.listeners_of("far") == 1)
            far.end()
            await until(lambda: there.listeners_of("far") is None)
            await until(lambda: ear.state != "connected")
            assert await far.ended() == 0


# --- who is let in, and what is taken of them ----------------------------------------------------


async def test_wrong_secrets_are_refused_slowed_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bridge(None) as there, aiohttp.ClientSession() as session:
        address = f"{there.url}/media/node"
        told = []
        for number in range(limits.WRONG_BURST + 1):
            headers = {"Authorization": f"Bearer {SECRET}{number}"} if number else {}
            async with session.get(address, headers=headers) as answer:
                told.append(answer.status)
        assert told == [401] * limits.WRONG_BURST + [429]
        assert sum("wrong secret" in line for line in caplog.messages) == 1
        async with node(there.url, tmp_path / "n", "far"):  # from the same network
            await there.connected()


class Hostile:
    """A program that knows the secret, and says what it likes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def say(self, message: LinkMessage) -> None:
        await self._socket.send_bytes(packed(message))

    async def hear(self) -> LinkMessage | None:
        """The next message; None at the end."""
        said = await self._socket.receive()
        return unpacked(said.data) if said.type is aiohttp.WSMsgType.BINARY else None

    async def until(self, kind: type[LinkMessage]) -> LinkMessage:
        while True:
            message = await self.hear()
            assert message is not None
            if isinstance(message, kind):
                return message

    async def ended(self) -> None:
        """Until the bridge has ended the connection. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S):
            while await self.hear() is not None:
                pass

    async def greet(
        self, name: str, *, media: int = PROTOCOL, identity: str = "h" * 40
    ) -> LinkMessage | None:
        await self.say(NodeGreeting(NODE_PROTOCOL, media, identity, name))
        return await self.hear()


async def dialled(session: aiohttp.ClientSession, there: Bridge) -> Hostile:
    headers = {"Authorization": f"Bearer {SECRET}"}
    return Hostile(await session.ws_connect(f"{there.url}/media/node", headers=headers))


def seat(peer: str, user: UserId, direction: StreamDirection = LISTEN) -> messages.PeerSeat:
    return messages.PeerSeat(peer, SPACE, user, direction, PeerPhase.CONNECTED)


async def test_a_hostile_node_reaches_nobody_elses_session(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        bridge(tmp_path / "here") as there,
        node(there.url, tmp_path / "n", "far"),
        aiohttp.ClientSession() as session,
    ):
        await there.connected()
        there.stage.open_space(SPACE, 0)
        there.stage.set_gates(SPACE, [HOST])
        async with speaking(there.stage, HOST) as host, listening(there.stage) as ear:
            await until(lambda: there.listeners_of("far") == 1)
            host.say(tone(440, 60))
            await until(lambda: there.noted.audio_of[HOST])
            peers = [there.session_of(HOST), there.session_of(EAR)]
            hostile = await dialled(session, there)
            assert await hostile.greet("far") == NodeWelcome("far-2")
            stolen = tuple(
                seat(p, u, d) for p in peers for u in (HOST, EAR) for d in (SPEAK, LISTEN)
            )
            invented = (seat("x" * 44, GUEST), seat("y" * 44, GUEST, SPEAK))
            await hostile.say(WorkerAttached(messages.Hello(1, {}, stolen), invented, 0))
            closed = await hostile.until(messages.ClosePeer)
            assert isinstance(closed, messages.ClosePeer)
            for peer in peers:
                for user, direction in ((HOST, SPEAK), (EAR, LISTEN)):
                    gone = (SPACE, user, direction, PeerPhase.CLOSED, "")
                    await hostile.say(messages.PeerChanged(peer, *gone))
            before = len(there.noted.told)
            await hostile.say(messages.SpeakerAudio(SPACE, GUEST, 0, bytes(3200)))
            await hostile.say(messages.AudioLevels(SPACE, {GUEST: 100}))
            await hostile.say(messages.Stats({"listeners": 7.0}))
            assert there.stage.node_metrics()["connected"] == 2
            await hostile.say(TOO_LONG)
            await hostile.ended()  # so all before it has been read
            await ear.wait_packets(50)
            assert there.stage.has_microphone(SPACE, HOST)
            assert not there.noted.lost
            assert GUEST not in there.noted.audio_of
            assert not any(GUEST in levels for levels in there.noted.told[before:])
            assert there.stage.listeners(SPACE) == 1
            assert "not its own" in caplog.text


@pytest.mark.parametrize(
    "too_much",
    [
        TOO_LONG,
        messages.Stats({str(n): 0.0 for n in range(limits.MOST_NUMBERS + 1)}),
        WorkerAttached(
            messages.Hello(1, {SpaceId(str(n)): () for n in range(limits.MOST_SPACES + 1)}, ()),
            (),
            0,
        ),
    ],
    ids=["answer", "numbers", "spaces"],
)
async def test_who_says_more_than_a_node_does_is_disconnected(too_much: LinkMessage) -> None:
    async with bridge(None) as there, aiohttp.ClientSession() as session:
        hostile = await dialled(session, there)
        assert isinstance(await hostile.greet("far"), NodeWelcome)
        await hostile.say(WorkerAttached(messages.Hello(1, {}, ()), (), 0))
        await there.connected()
        await hostile.say(too_much)
        await hostile.ended()
        await there.connected(0)


async def test_a_node_of_another_version_or_without_an_identity_is_told_why() -> None:
    async with bridge(None) as there, aiohttp.ClientSession() as session:
        older = await (await dialled(session, there)).greet("far", media=PROTOCOL - 1)
        nobody = await (await dialled(session, there)).greet("far", identity="me")
        assert isinstance(older, NodeRefusal)
        assert "version" in older.text
        assert isinstance(nobody, NodeRefusal)
        assert "identity" in nobody.text
        assert there.stage.node_metrics()["connected"] == 0


# --- plain calls ---------------------------------------------------------------------------------


async def test_who_calls_is_at_the_home_node_and_hears_is_heard_and_presses_keys(
    tmp_path: Path,
) -> None:
    async with bridge(None) as there, node(there.url, tmp_path / "n", "far"):
        calls = CallsNoted()
        there.stage.plain_calls.attend_plain_calls(calls)
        with pytest.raises(AdapterError, match="No media node"):
            await there.stage.plain_calls.dial(SPACE, GUEST)
        await there.connected()
        there.stage.open_space(SPACE, 0)
        there.stage.set_gates(SPACE, [HOST])
        caller = PlainClient(there.stage.plain_calls, GUEST)
        with contextlib.closing(caller):
            await caller.call()
            await until(lambda: calls.connected == [caller.session])
            async with (
                speaking(there.stage, HOST) as host,
                listening(there.stage) as ear,
            ):
                host.say(tone(440, 60))
                await caller.hears(lambda pcm: decibels(pcm, 440) > -20)
                caller.press("*")
                await until(lambda: calls.keys == {caller.session: "*"})
                host.stop_saying()
                there.stage.plain_calls.use_microphone(caller.session)
                there.stage.open_microphone(SPACE, GUEST)
                talking = asyncio.create_task(caller.says(tone(700, 60)))
                await hears(ear, 700)
                assert there.stage.has_microphone(SPACE, GUEST)
                there.nodes.close()  # for a moment: what was wanted of the node is wanted again
                await there.connected(0)
                await there.connected(1)
                await hears(ear, 700)
                assert there.stage.has_microphone(SPACE, GUEST)
                talking.cancel()
            caller.wire.way = "sendonly"
            await caller.negotiate()
            assert caller.held == [True]
            there.stage.plain_calls.play(caller.session, "none such", "en")
            await until(lambda: calls.prompts == [(caller.session, "none such")])
            assert there.stage.plain_calls.take_up(caller.session)
            there.stage.end_listening(SPACE, GUEST)
            await until(lambda: caller.session in calls.ended)
            assert not there.stage.plain_calls.take_up(caller.session)
            with pytest.raises(AdapterError, match="over"):
                await there.stage.plain_calls.renegotiate(caller.session, caller.wire.offer())


@pytest.mark.usefixtures("soon_lost")
async def test_a_call_at_a_node_that_is_lost_is_told_to_have_ended(tmp_path: Path) -> None:
    async with bridge(tmp_path / "here") as there:
        there.stage.plain_calls.attend_plain_calls(calls := CallsNoted())
        there.stage.open_space(SPACE, 0)
        async with node(there.url, tmp_path / "n", "far") as far:
            await there.connected()
            [_, member] = list(there.stage._members)
            there.stage._members.home = member
            caller = PlainClient(there.stage.plain_calls, GUEST)
            with contextlib.closing(caller):
                await caller.call()
                await until(lambda: calls.connected == [caller.session])
                far.kill()
                await until(lambda: caller.session in calls.ended)
                again = PlainClient(there.stage.plain_calls, GUEST)
                with contextlib.closing(again):
                    await again.call()  # where home is now
                    await until(lambda: again.session in calls.connected)
