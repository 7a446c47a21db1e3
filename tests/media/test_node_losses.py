"""What is lost on the way between a bridge and a media node is made up for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from spaces_bridge.app.relay_ports import RelayedRoom
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.nodes.agent import NodeAgent
from spaces_bridge.media.nodes.channels import LinkMessage
from spaces_bridge.media.nodes.dialer import Dialer
from spaces_bridge.media.nodes.messages import NodeWelcome, SfuClientLost, WorkerAttached
from spaces_bridge.media.nodes.options import NodeOptions
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.stage import WorkerStage
from tests.media.test_cluster_losses import Losses
from tests.media.test_node_agent import Worker
from tests.media.test_nodes import Hostile, dialled
from tests.support.nodes import SECRET, bridge
from tests.support.stage import GUEST, HOST, SPACE, options, until

pytestmark = pytest.mark.peers

ROOM = RelayedRoom("home", "ws://sfu", publishes=True)
NOTHING = messages.Hello(1, {}, ())


class LossyAgent(NodeAgent):
    """A agent whose link ends with the first message of a kind, which nobody gets."""

    def __init__(self, lost: type[LinkMessage]) -> None:
        super().__init__(self._send)
        self.told: list[sfu.ToSfuClient] = []
        self.has_lost = False
        self._lost = lost

    def obey(self, message: LinkMessage) -> None:
        if not self._loses(message):
            super().obey(message)

    def sfu_heard(self, message: sfu.FromSfuClient) -> None:
        if not self._loses(message):
            super().sfu_heard(message)

    def _loses(self, message: LinkMessage) -> bool:
        if self.has_lost or not isinstance(message, self._lost):
            return False
        assert self._link is not None
        self._link.end()
        self.has_lost = True
        return True

    def _send(self, message: sfu.ToSfuClient) -> None:
        """The SFU client, which joins whatever it is told to."""
        self.told.append(message)
        if isinstance(message, sfu.JoinSfuRoom):
            joined = sfu.SfuRoomJoined(message.space, message.name, message.attempt)
            asyncio.get_running_loop().call_soon(self.sfu_heard, joined)


class PaperWorker(Worker):
    """A worker's supervision that says what the worker has when it is asked."""

    def __init__(self, agent: NodeAgent) -> None:
        super().__init__()
        self._agent = agent

    def attach_again(self) -> None:
        super().attach_again()
        self._agent.attached(NOTHING, {})


@contextlib.asynccontextmanager
async def dialling(url: str, folder: Path, agent: NodeAgent) -> AsyncIterator[None]:
    """A node whose worker and SFU client are on paper; its link is real."""
    agent.attend(PaperWorker(agent))
    agent.sfu_heard(sfu.SfuClientReady(1))
    address = f"{url.replace('http', 'ws')}/media/node"
    dialer = Dialer(NodeOptions(address, SECRET, "far", options(folder)), "i" * 40, agent)
    task = asyncio.create_task(dialer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "lost",
    [sfu.JoinSfuRoom, sfu.SfuRoomJoined, sfu.TakeSfuTracks],
    ids=["the way in", "that it is in", "whom it takes"],
)
async def test_a_message_that_is_lost_with_the_link_leaves_no_node_silent(
    tmp_path: Path, lost: type[LinkMessage]
) -> None:
    agent, told = LossyAgent(lost), Losses()
    async with bridge(None) as there, dialling(there.url, tmp_path, agent):
        there.relays.attend_relays(told, told)
        there.relays.join_room(SPACE, ROOM)
        there.relays.take_tracks(SPACE, "home", {"TR_1": HOST})
        await until(lambda: agent.has_lost)
        await until(lambda: takes(agent.told) and there.relays.is_in_room("far", SPACE))
        assert takes(agent.told)[-1] == {"TR_1": HOST}


def takes(told: Sequence[sfu.ToSfuClient]) -> list[object]:
    """The tracks that a client was told to take since it has joined last."""
    joins = [at for at, each in enumerate(told) if isinstance(each, sfu.JoinSfuRoom)]
    since = told[joins[-1] :] if joins else ()
    return [each.tracks for each in since if isinstance(each, sfu.TakeSfuTracks)]


async def test_what_was_wanted_while_a_node_was_away_is_done_when_it_is_back(
    tmp_path: Path,
) -> None:
    told = Losses()
    async with bridge(None) as there, aiohttp.ClientSession() as session:
        there.relays.attend_relays(told, told)
        there.relays.join_room(SPACE, ROOM)
        first = await attached(await dialled(session, there))
        await joined(first)
        await until(lambda: there.relays.is_in_room("far", SPACE))
        there.nodes.close()  # while its end is not noticed yet
        there.relays.take_tracks(SPACE, "home", {"TR_2": GUEST})
        await there.connected(0)
        assert told.lost == ["home"]
        assert not there.relays.is_in_room("far", SPACE)
        again = await attached(await dialled(session, there))
        await joined(again)
        taken = await again.until(sfu.TakeSfuTracks)
        assert cast("sfu.TakeSfuTracks", taken).tracks == {"TR_2": GUEST}


async def test_a_node_whose_sfu_client_has_ended_is_in_no_room(tmp_path: Path) -> None:
    told = Losses()
    async with bridge(None) as there, aiohttp.ClientSession() as session:
        there.relays.attend_relays(told, told)
        there.relays.join_room(SPACE, ROOM)
        node = await attached(await dialled(session, there))
        await joined(node)
        await until(lambda: there.relays.is_in_room("far", SPACE))
        await node.say(SfuClientLost())
        await until(lambda: told.lost == ["home"])
        assert not there.relays.is_in_room("far", SPACE)
        await node.say(sfu.SfuClientReady(2))
        await joined(node)
        await until(lambda: there.relays.is_in_room("far", SPACE))


async def attached(node: Hostile) -> Hostile:
    """A node that has greeted, with a worker and an SFU client."""
    assert isinstance(await node.greet("far"), NodeWelcome)
    await node.say(WorkerAttached(NOTHING, (), 0))
    await node.say(sfu.SfuClientReady(1))
    return node


async def joined(node: Hostile) -> None:
    """Join the room that it is told to join."""
    join = cast("sfu.JoinSfuRoom", await node.until(sfu.JoinSfuRoom))
    await node.say(sfu.SfuRoomJoined(join.space, join.name, join.attempt))


# --- what is noted of a node's word --------------------------------------------------------------


async def test_of_a_home_node_no_sound_is_noted_of_who_is_not_on_air() -> None:
    async with bridge(None) as there, aiohttp.ClientSession() as session:
        node = await attached(await dialled(session, there))
        await there.connected()
        there.stage.open_space(SPACE, 0)
        there.stage.set_gates(SPACE, [HOST])
        for number in range(100):
            await node.say(messages.SpeakerAudio(SPACE, UserId(f"@{number}:x"), 0, bytes(320)))
        await node.say(messages.SpeakerAudio(SpaceId("another"), HOST, 0, bytes(320)))
        await node.say(messages.SpeakerAudio(SPACE, HOST, 0, bytes(320)))
        await until(lambda: there.noted.audio_of)
        assert there.noted.audio_of.keys() == {HOST}
        home = next(iter(there.stage._members)).stage
        assert isinstance(home, WorkerStage)
        assert home._heard_ms.keys() == {(SPACE, HOST)}


async def test_a_secret_that_is_no_text_is_a_wrong_one() -> None:
    async with bridge(None) as there:
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
        writer.write(b"GET /media/node HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\r\n\r\n")
        assert b" 401 " in await reader.readline()
        writer.close()
