"""The floor, from approval to sound and from demotion to silence.

* approve to floor: the host's approval leaves the page until the page of the speaker is offered
  the floor; in between the level is written by the homeserver and the room's state re-read.
* open to audible: the microphone's offer (WHIP) is posted until a listener's packet holds sound;
  in between ICE, DTLS, jitter buffer, mixer and encoder.
* demote to silence: the host lowers the level or kicks *in a plain Matrix client*; from the
  moment the event is handed to the bridge until the end of the last packet with sound.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.result import Result, percentile, spread
from benchmarks.rig import Mouth, Rig, rig

ROUNDS = 100
KICK_EVERY = 5
PACKET_S = 0.02
SETTLED_S = 0.4
"""Seconds of silence after the last loud packet, after which no more sound comes."""


@dataclass(slots=True)
class _Times:
    """The measured times of all rounds."""

    floor_ms: list[float] = field(default_factory=list)
    audible_ms: list[float] = field(default_factory=list)
    silence_ms: list[float] = field(default_factory=list)


def results(rounds: int = ROUNDS) -> Sequence[Result]:
    """Run all rounds once and return the figures."""
    times = asyncio.run(_measure(rounds))
    return [
        _result("stage.approve_to_floor_p95_ms", times.floor_ms, 95, "< 250"),
        _result("stage.open_to_audible_p95_ms", times.audible_ms, 95, "< 500"),
        _result("stage.demote_to_silence_p99_ms", times.silence_ms, 99, "< 150"),
    ]


def _result(name: str, samples: Sequence[float], percent: float, target: str) -> Result:
    value = round(percentile(samples, percent), 1)
    return Result(name, value, "ms", len(samples), spread(samples), target)


async def _measure(rounds: int) -> _Times:
    times = _Times()
    async with rig() as stage:
        for number in range(rounds):
            await _round(stage, times, kick=number % KICK_EVERY == KICK_EVERY - 1)
    return times


async def _round(stage: Rig, times: _Times, *, kick: bool) -> None:
    times.floor_ms.append(await ask_and_approve(stage))
    mouth = Mouth()
    began = time.monotonic()
    await mouth.open(stage.http, stage.space.page, stage.mia_tab.session)
    await until(lambda: stage.ear.loud_at > began)
    times.audible_ms.append((stage.ear.loud_at - began) * 1000)
    await asyncio.sleep(0.2)
    listener = (
        stage.mia_tab.next_frame("role", lambda frame: frame["role"] == "listener")
        if not kick  # then the page is closed, too
        else None
    )
    event = await (_kick(stage) if kick else demote(stage))
    await until(lambda: event in stage.proxy.arrivals)
    await until(lambda: time.monotonic() - stage.ear.loud_at > SETTLED_S)
    silent_after = stage.ear.loud_at + PACKET_S - stage.proxy.arrivals[event]
    times.silence_ms.append(max(0.0, silent_after * 1000))
    if listener is not None:
        await listener
    await mouth.close()
    if kick:
        await stage.mia.come_back(stage.space, stage.mia_tab, stage.host)


async def ask_and_approve(stage: Rig) -> float:
    """Let Mia ask and the host approve on their pages; return the milliseconds to her floor."""
    hand = stage.host_tab.next_frame(
        "roster", lambda frame: any(h["id"] == stage.mia.id for h in frame["queue"])
    )
    while True:  # right after a rejoin, the bridge may not have seen it yet
        asked = stage.mia_tab.next_frame("error", timeout=0.7)
        await stage.mia_tab.send({"type": "hand", "raised": True})
        try:
            await asked
        except TimeoutError:
            break
        await asyncio.sleep(0.2)
    await hand
    offered = stage.mia_tab.next_frame("role", lambda frame: frame["role"] == "speaker")
    began = time.monotonic()
    await stage.host_tab.send({"type": "approve", "user": stage.mia.id})
    await offered
    return (time.monotonic() - began) * 1000


async def demote(stage: Rig) -> str:
    """Demote Mia as any client does: read the levels, change one, write them."""
    room, type_ = stage.space.room, "m.room.power_levels"
    content = dict(await stage.host.state(room, type_))
    content["users"] = {**content["users"], stage.mia.id: 0}
    answer = await stage.host.put_state(room, type_, content)
    return str(answer)


async def _kick(stage: Rig) -> str:
    kicked = stage.host.next_in(
        stage.space.room,
        "m.room.member",
        lambda event: (
            event["state_key"] == stage.mia.id and event["content"]["membership"] == "leave"
        ),
    )
    await stage.host.kick(stage.space.room, stage.mia.id)
    return str((await kicked)["event_id"])


async def until(holds: Callable[[], bool], timeout_s: float = 15.0) -> None:
    """Wait until a condition holds, by asking again and again. Raises TimeoutError."""
    async with asyncio.timeout(timeout_s):
        while not holds():  # noqa: ASYNC110 - a clock is watched, nobody signals
            await asyncio.sleep(0.002)
