"""Call peers on a real worker: what one says is forwarded to the others, behind the gates."""

import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.media.stage import WorkerStage
from tests.support.call_client import CallClient, sections_of, stream_of
from tests.support.stage import EAR, GUEST, HOST, SPACE, Noted, options, running, until

pytestmark = pytest.mark.peers

WORD = b"\xf8" + bytes(range(80))
"""An Opus packet of 20 ms; what is in it is no sound, so nobody but the receiver reads it."""


class Attended:
    """A `CallListener` that writes everything down."""

    def __init__(self) -> None:
        self.connected: list[str] = []
        self.ended: dict[str, str] = {}

    def call_connected(self, session: str) -> None:
        self.connected.append(session)

    def call_ended(self, session: str, reason: str) -> None:
        self.ended[session] = reason


@contextlib.asynccontextmanager
async def calling(tmp_path: Path) -> AsyncIterator[tuple[WorkerStage, Noted, Attended]]:
    """A stage with one live space in which the host may be heard."""
    stage, attended = WorkerStage(options(tmp_path)), Attended()
    stage.calls.attend_calls(attended)
    async with running(stage) as noted:
        stage.open_space(SPACE, 0)
        stage.set_gates(SPACE, [HOST])
        yield stage, noted, attended


@contextlib.asynccontextmanager
async def client(stage: WorkerStage, *args: object, **more: object) -> AsyncIterator[CallClient]:
    """A client that is closed in the end."""
    made = CallClient(stage, *args, **more)  # type: ignore[arg-type]
    try:
        yield made
    finally:
        made.close()


def refused(stage: WorkerStage) -> float:
    """How many packets came to shut gates."""
    return stage.metrics().get("gate_refused", 0)


async def test_what_one_client_says_another_gets_byte_for_byte(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, attended),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        answer = await host.join()
        assert answer.microphone == "5"
        assert (await ear.join([stream_of(HOST)])).sections == {"0": "TR_host"}
        await until(lambda: len(attended.connected) == 2)
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 20)
        got = ear.hears("TR_host")
        assert {packet.payload for packet in got} == {WORD}
        steps = {b.timestamp - a.timestamp for a, b in itertools.pairwise(got)}
        assert {step % (1 << 32) for step in steps} == {960}
        assert not host.wire.packets


async def test_behind_a_shut_gate_not_one_packet_is_forwarded(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, _),
        client(stage, HOST) as host,
        client(stage, EAR) as ear,
    ):
        host.wire.publish()
        await host.join()
        await ear.join([stream_of(HOST)])
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 10)
        stage.close_microphone(SPACE, HOST)
        await host.says(WORD, lambda: refused(stage) > 50)
        shut = ear.hears("TR_host")
        await host.says(WORD, lambda: refused(stage) > 100)
        assert ear.hears("TR_host") == shut
        stage.open_microphone(SPACE, HOST)
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= len(shut) + 10)
        last, first = shut[-1], ear.hears("TR_host")[len(shut)]
        assert (first.sequence - last.sequence) & 0xFFFF == 1  # no hole to be concealed
        assert (first.timestamp - last.timestamp) & 0xFFFFFFFF > 48_000


async def test_streams_come_and_go_on_one_connection(tmp_path: Path) -> None:
    async with (
        calling(tmp_path) as (stage, _, attended),
        client(stage, HOST) as host,
        client(stage, GUEST) as guest,
        client(stage, EAR) as ear,
    ):
        stage.set_gates(SPACE, [HOST, GUEST])
        for speaker in (host, guest):
            speaker.wire.publish()
            await speaker.join()
        first = await ear.join()
        assert first.sections == {}
        keys = ear.wire.keys
        both = await ear.negotiate([stream_of(HOST), stream_of(GUEST)])
        assert both.sections == {"0": "TR_host", "1": "TR_guest"}
        await host.says(WORD, lambda: len(ear.hears("TR_host")) >= 5)
        await guest.says(WORD, lambda: len(ear.hears("TR_guest")) >= 5)
        one = await ear.negotiate([stream_of(GUEST)])
        assert one.sections == {"1": "TR_guest"}
        assert sections_of(one.sdp)[0].direction == "inactive"
        before = len(ear.wire.packets)
        await guest.says(WORD, lambda: len(ear.wire.packets) >= before + 5)
        assert len(ear.hears("TR_guest")) - 5 >= len(ear.wire.packets) - before - 5
        assert one.session == first.session
        assert ear.wire.keys is keys
        assert len(attended.connected) == 3
