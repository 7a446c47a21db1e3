"""Generated signalling of a call's client, in any order: it stays that client's own affair."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from google.protobuf.message import Message
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.protocol import rtc

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge_demo.patience import PATIENCE_S
from tests.livekit.call_world import (
    ALICE,
    ALICE_ID,
    BOB,
    BOB_ID,
    HOST,
    LISTENS,
    SPACE,
    SPEAKER,
    SPEAKS,
    CallWorld,
    RawClient,
    call_world,
    microphone,
    offer,
)
from tests.support.any_message import any_message

pytestmark = pytest.mark.peers

OWN, ANOTHERS = "TR_ownOwnOwnOwn", "TR_alicesAlices"
"""Stand in for the ids of Bob's own track and of Alice's, which are as long."""

TEXTS = st.sampled_from(["", "cid", OWN, ANOTHERS, "0", LISTENS, SPEAKS]) | st.text(max_size=20)


def says(**message: object) -> Message:
    """A client's message, of the kind that its name says."""
    return rtc.SignalRequest(**message)  # type: ignore[arg-type]


REQUEST: Any = rtc.SignalRequest.DESCRIPTOR  # one of two types, by how protobuf is built

ORDERLY = st.sampled_from(
    [
        says(ping=1),
        says(ping_req=rtc.Ping(timestamp=7)),
        says(offer=offer(LISTENS)),
        says(offer=offer(SPEAKS)),
        says(answer=rtc.SessionDescription(type="answer", sdp=LISTENS)),
        says(add_track=microphone()),
        says(add_track=microphone("other")),
        says(add_track=microphone(muted=True)),
        says(mute=rtc.MuteTrackRequest(sid=OWN, muted=True)),
        says(mute=rtc.MuteTrackRequest(sid=OWN, muted=False)),
        says(mute=rtc.MuteTrackRequest(sid=ANOTHERS, muted=True)),
        says(subscription=rtc.UpdateSubscription(track_sids=[ANOTHERS], subscribe=False)),
        says(leave=rtc.LeaveRequest()),
    ]
)
"""What clients send, but in any order."""

MESSAGES = (
    ORDERLY.map(lambda message: message.SerializeToString())
    | any_message(REQUEST, TEXTS).map(lambda m: m.SerializeToString())
    | st.binary(max_size=60)
)
SPACE_EVENTS = ("granted", "taken", "muted")
OTHER_EVENTS = ("connected", "lost", "late", "refuses", "text")
EVENTS = st.sampled_from([*SPACE_EVENTS, *OTHER_EVENTS])
"""What happens besides, in the live space, to the sound, and to the connection."""


@dataclass
class Evening:
    """One run: a call with Alice, who speaks, and Bob, who sends what was generated."""

    world: CallWorld
    alice: RawClient
    stack: AsyncExitStack
    bob: RawClient | None = None
    sid: str = ""
    path: str = "/rtc/v1"
    faults: list[dict[str, Any]] = field(default_factory=list)
    """What the event loop was told of."""
    refusals: set[int] = field(default_factory=set)
    """The statuses with which Bob was not let in."""
    asked: int = 1 << 40
    """The number of the last ping."""

    async def play(self, steps: Sequence[bytes | str]) -> None:
        for step in steps:
            if isinstance(step, bytes):
                await self._send(step)
            else:
                await self._happen(step)
            await self.world.settled()
            self._look()

    async def _send(self, message: bytes) -> None:
        bob = await self._bob()
        if bob is None:
            return
        message = message.replace(OWN.encode(), self._track(BOB_ID).encode())
        message = message.replace(ANOTHERS.encode(), self._track(ALICE_ID).encode())
        self.asked += 1
        try:
            await bob.socket.send_bytes(message)
            await bob.send(ping_req=rtc.Ping(timestamp=self.asked))
            if await self._is_answered(bob):
                return
        except ConnectionError:
            pass
        self.bob = None  # the bridge has sent him away

    async def _is_answered(self, bob: RawClient) -> bool:
        """Read until what was asked last is answered; False: the session has ended."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                message = await bob.socket.receive()
                if message.type is not aiohttp.WSMsgType.BINARY:
                    return False
                response = rtc.SignalResponse.FromString(message.data)
                if response.HasField("leave"):
                    await bob.socket.close()
                    return False
                if response.pong_resp.last_ping_timestamp == self.asked:
                    return True

    async def _happen(self, event: str) -> None:
        if event in SPACE_EVENTS:
            await self._happen_in_the_space(event)
        else:
            await self._happen_outside(event)

    async def _happen_in_the_space(self, event: str) -> None:
        match event:
            case "granted":
                await self.world.levels({BOB: SPEAKER})
            case "taken":
                await self.world.levels({BOB: None})
            case "muted":
                with suppress(Rejected):  # who does not speak cannot be muted
                    await self.world.spaces.ask(SPACE, cmd.MuteSpeaker(HOST, BOB))
            case _:
                raise ValueError(event)

    async def _happen_outside(self, event: str) -> None:
        world, stage = self.world, self.world.stage
        match event:
            case "connected":
                if BOB in stage.users.values():
                    stage.connect(BOB)
            case "lost":
                self.bob = None
                if BOB_ID in world.lines:
                    world.cut_off(BOB_ID)
            case "late":
                world.timers.run_out()
            case "refuses":
                stage.refusal = AdapterError("no") if stage.refusal is None else None
            case "text":
                bob = await self._bob()
                if bob is not None:
                    await bob.socket.send_str("text")
            case _:
                raise ValueError(event)

    async def _bob(self) -> RawClient | None:
        """Bob's connection: a new one if the last one is gone, which resumes if it may.

        None: he has joined too often for now.
        """
        if self.bob is not None:
            return self.bob
        self.path = "/rtc" if self.path == "/rtc/v1" else "/rtc/v1"
        query = {"reconnect": "1", "sid": self.sid} if self.sid and self.path == "/rtc" else {}
        coming = self.world.raw(BOB, path=self.path, **query)
        try:
            self.bob = await self.stack.enter_async_context(coming)
        except aiohttp.WSServerHandshakeError as refused:
            self.refusals.add(refused.status)
            return None
        room = self.world.rooms.room(SPACE)
        client = room.client(BOB_ID) if room is not None else None
        self.sid = client.participant.sid if client is not None else ""
        return self.bob

    def _track(self, identity: str) -> str:
        room = self.world.rooms.room(SPACE)
        client = room.client(identity) if room is not None else None
        track = client.participant.microphone if client is not None else None
        return track.sid if track is not None else OWN

    def _look(self) -> None:
        """What has to hold at each moment."""
        view, room = self.world.view, self.world.rooms.room(SPACE)
        assert not self.faults
        assert self.refusals <= {HTTPStatus.TOO_MANY_REQUESTS}
        assert room is not None
        assert {ALICE} <= view.on_air <= {ALICE, *({BOB} if view.role(BOB).may_speak else ())}
        alice, bob = room.client(ALICE_ID), room.client(BOB_ID)
        assert alice is not None
        assert alice.participant.microphone is not None
        assert alice.participant.microphone.is_open
        if bob is not None:
            assert bob.participant.may_publish is view.role(BOB).may_speak
            assert bob.participant.microphone is None or bob.participant.may_publish
            heard = {stream.speaker for stream in bob.streams()}
            assert BOB not in heard


async def evening(steps: Sequence[bytes | str]) -> Evening:
    """Play it."""
    async with call_world() as world, AsyncExitStack() as stack:
        await world.seat(ALICE, "Alice", SPEAKER)
        await world.seat(BOB, "Bob")
        alice = await stack.enter_async_context(world.raw(ALICE))
        await alice.send(add_track=microphone())
        await alice.send(offer=offer(SPEAKS))
        await alice.next("answer")
        world.stage.connect(ALICE)
        await world.until(lambda: ALICE in world.view.on_air)
        played = Evening(world, alice, stack)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, told: played.faults.append(told))
        await played.play(steps)
        await alice.send(ping=1)
        await alice.next("pong")
        kinds = {seen.WhichOneof("message") for seen in alice.seen}
        assert "leave" not in kinds
        assert "mute" not in kinds
    return played


class Lines(logging.Handler):
    """All lines of the log from a level on."""

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "aiohttp.access":  # the bridge has none
            self.lines.append(record.getMessage())


@pytest.fixture(scope="module")
def loud() -> Iterator[Lines]:
    """What admins read with the usual level of the log, of the bridge and of its libraries."""
    lines = Lines(logging.INFO)
    root, before = logging.getLogger(), logging.getLogger().level
    root.addHandler(lines)
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(lines)
        root.setLevel(before)


@settings(max_examples=60)
@given(steps=st.lists(MESSAGES | EVENTS, max_size=30))
def test_whatever_a_client_sends_in_whatever_order_is_its_own_affair(
    loud: Lines, steps: list[bytes | str]
) -> None:
    loud.lines.clear()
    assert asyncio.run(evening(steps)).faults == []
    # one for joining too often, and one for what the sound has refused
    assert len(loud.lines) == len({line.split(":")[0] for line in loud.lines}) <= 2, loud.lines


def test_steps_of_these_kinds_get_as_far_as_an_open_microphone() -> None:
    """Else the test above would show little."""
    steps: list[str | Message] = [
        "granted",
        says(add_track=microphone()),
        says(offer=offer(SPEAKS)),
        "connected",
        says(mute=rtc.MuteTrackRequest(sid=OWN, muted=True)),
        says(mute=rtc.MuteTrackRequest(sid=OWN, muted=False)),
        "taken",
    ]
    played = asyncio.run(
        evening([s if isinstance(s, str) else s.SerializeToString() for s in steps])
    )
    assert (SPACE, BOB) in played.world.recorder.called("open_microphone")
