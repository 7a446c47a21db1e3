"""The most listeners that one Janus Streaming mountpoint holds, and what they cost."""

import asyncio
from dataclasses import dataclass
from typing import Final

import psutil

from benchmarks.peers.audience import Audience, Heard
from benchmarks.peers.comparison import FAILURES
from benchmarks.peers.janus_rooms import Streaming, janus_streaming

STEPS: Final = (250, 500, 750, 1000)
_REAL: Final = 20
_AT_ONCE: Final = 32
_WINDOW_S: Final = 4.0
_SETTLE_S: Final = 1.0
_RATE: Final = (49.0, 51.0)
"""Packets a second to each listener; with more, Janus is catching up with what it was late for."""


@dataclass(frozen=True, slots=True)
class Held:
    """The largest crowd that Janus held; `stopped` says what became of the next step."""

    listeners: int
    us_per_listener_second: float
    stopped: str


async def most_held() -> Held:
    """Step up until something is lost.

    Raises ValueError if Janus holds none, and one of `FAILURES`.
    """
    held: Held | None = None
    async with janus_streaming() as room:
        audience = Audience()
        try:
            await _grow(room, audience, _REAL, decrypts=True)
            await room.begin()
            for size in STEPS:
                try:
                    await _grow(room, audience, size)
                except FAILURES as error:
                    return _stopped(held, f"at {size} a join failed: {type(error).__name__}")
                cost, heard = await _measured(room, audience)
                rate = heard.packets / size / _WINDOW_S
                lost = heard.sink.missing + heard.real_missing
                if lost or not _RATE[0] <= rate <= _RATE[1]:
                    why = f"at {size} it sent {rate:.1f} packets a second, {lost} were missing"
                    return _stopped(held, why)
                held = Held(size, cost / size / _WINDOW_S, "")
        finally:
            await audience.close()
    return _stopped(held, "no more were tried")


def _stopped(held: Held | None, why: str) -> Held:
    if held is None:
        raise ValueError(f"Janus held no crowd: {why}")
    return Held(held.listeners, held.us_per_listener_second, why)


async def _grow(room: Streaming, audience: Audience, to: int, *, decrypts: bool = False) -> None:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def join() -> None:
        async with gate:
            client, peer = audience.client(decrypts=decrypts)
            await room.join(client)
            audience.seat(client, peer)

    await asyncio.gather(*(join() for _ in range(to - len(audience))))


async def _measured(room: Streaming, audience: Audience) -> tuple[float, Heard]:
    """Return the CPU microseconds of a window, and what was heard in it."""
    await asyncio.sleep(_SETTLE_S)
    process = psutil.Process(room.pid)
    before = process.cpu_times()
    audience.forget()
    await asyncio.sleep(_WINDOW_S)
    heard, after = audience.heard(), process.cpu_times()
    return 1e6 * (after.user + after.system - before.user - before.system), heard
