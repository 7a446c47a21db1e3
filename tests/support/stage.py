"""A stage with a real worker process on loopback, and real WebRTC clients for it."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from pathlib import Path

import numpy as np

from spaces_bridge.app.ports import Direction, Stage
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge_demo.peer import ListenerPeer, Signal, SpeakerPeer
from tests.support.sound import LOUD, QUIET, RATE, Pcm, decibels, loudness

SPEECH_S = 3.0
"""Speech has pauses, which are shorter."""
SPEECH_WITHIN_S = 120.0
"""People come from elsewhere, too, over clients that have to start."""
SPACE = SpaceId("space0000000000a")
HOST, GUEST, EAR = UserId("@host:x"), UserId("@guest:x"), UserId("@ear:x")


class Noted:
    """A `StageListener` that writes everything down."""

    def __init__(self) -> None:
        self.told: list[Mapping[UserId, int]] = []
        self.audio_of: dict[UserId, list[tuple[int, bytes]]] = defaultdict(list)
        self.gaps_of: list[Mapping[UserId, int]] = []
        self.lost: list[UserId] = []
        self.cut: list[UserId] = []
        self.restarted: list[SpaceId] = []
        self.listener_changes = 0

    def levels(self, space: SpaceId, levels: Mapping[UserId, int]) -> None:
        self.told.append(levels)

    def gaps(self, space: SpaceId, missing: Mapping[UserId, int]) -> None:
        self.gaps_of.append(missing)

    def audio(self, space: SpaceId, user: UserId, at_ms: int, pcm: bytes) -> None:
        self.audio_of[user].append((at_ms, pcm))

    def microphone_lost(self, space: SpaceId, user: UserId) -> None:
        self.lost.append(user)

    def microphone_cut(self, space: SpaceId, user: UserId) -> None:
        self.cut.append(user)

    def listeners_changed(self, space: SpaceId) -> None:
        self.listener_changes += 1

    def worker_restarted(self, spaces: Collection[SpaceId]) -> None:
        self.restarted.extend(spaces)


def options(runtime_dir: Path, port: int = 0, orphan_grace_s: float = 20.0) -> MediaOptions:
    """Loopback only; a worker that a failed test leaves behind ends soon."""
    return MediaOptions(
        addresses=("127.0.0.1",),
        port=port,
        hostnames=("127.0.0.1",),
        runtime_dir=runtime_dir,
        orphan_grace_s=orphan_grace_s,
    )


@contextlib.asynccontextmanager
async def running(stage: WorkerStage) -> AsyncIterator[Noted]:
    """The stage, started, and what it tells; its worker is gone afterwards."""
    noted = Noted()
    stage.listen(noted)
    try:
        await stage.start()
        yield noted
    finally:
        await stage.stop()


def signal_of(stage: Stage, user: UserId, direction: Direction) -> Signal:
    """Straight to the stage, without HTTP between."""

    async def signal(offer: str) -> str:
        return (await stage.offer(SPACE, user, direction, offer)).answer

    return signal


@contextlib.asynccontextmanager
async def listening(stage: Stage, user: UserId = EAR) -> AsyncIterator[ListenerPeer]:
    """A connected listener."""
    peer = ListenerPeer(signal_of(stage, user, Direction.LISTEN))
    try:
        await peer.connect()
        yield peer
    finally:
        await peer.close()


@contextlib.asynccontextmanager
async def speaking(stage: Stage, user: UserId) -> AsyncIterator[SpeakerPeer]:
    """A connected speaker, silent so far."""
    peer = SpeakerPeer(signal_of(stage, user, Direction.SPEAK))
    try:
        await peer.connect()
        yield peer
    finally:
        await peer.close()


async def comes(
    ear: ListenerPeer, holds: Callable[[Pcm], bool], seconds: float = 1.0, within_s: float = 60.0
) -> None:
    """Until so much sound in a row, heard from now on, is as it should be. Raises TimeoutError.

    Not a look at one moment: what stood still for a while has sound of before to hand out first.
    """
    before, wanted = len(ear.pcm()), round(seconds * RATE)
    async with asyncio.timeout(within_s):
        while True:
            await ear.wait_packets(5)
            fresh = ear.pcm()[before:]
            if len(fresh) >= wanted and holds(fresh[-wanted:]):
                return


async def hears(ear: ListenerPeer, hertz: float = 440) -> None:
    """Until a whole second of this tone has come."""
    await comes(ear, lambda pcm: decibels(pcm, hertz) > -20)


async def hears_speech(ear: ListenerPeer) -> None:
    """Until somebody has spoken for a while."""
    await comes(ear, lambda pcm: loudness(pcm) > LOUD, SPEECH_S, SPEECH_WITHIN_S)


async def hears_no_speech(ear: ListenerPeer) -> None:
    """Until nobody has spoken for a while."""
    await comes(ear, lambda pcm: loudness(pcm) < QUIET, SPEECH_S, SPEECH_WITHIN_S)


async def falls_silent(ear: ListenerPeer) -> None:
    """Until nothing is heard any more; and it stays so."""
    await comes(ear, is_silent, 0.2)  # what is sent of a silence at once
    before = len(ear.pcm())
    await ear.wait_packets(3)  # comfort packets, 400 ms apart
    assert is_silent(ear.pcm()[before:])


def is_silent(pcm: Pcm) -> bool:
    """But for what the codec leaves of nothing."""
    return bool(np.abs(pcm).max() <= 2)


async def until(condition: Callable[[], object], timeout: float = 60.0) -> None:
    """Wait until it holds. Raises TimeoutError."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come to hold")
        await asyncio.sleep(0.01)
