"""Both sides of what workers of one machine send each other, over real sockets, tick by tick."""

import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.mix_frames import TICKS, WANTS, Want, datagrams, pack_tick, pack_want
from spaces_bridge.media.worker.mix.relayed import RelayedTick
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets
from spaces_bridge.media.worker.mix.space_mix import SpaceMix
from spaces_bridge.media.worker.mix_relay import FORGET_AFTER, TELL_EVERY, MixRelay, relay_path
from spaces_bridge.media.worker.values import StreamDirection
from tests.support.stage import SPACE, until

pytestmark = pytest.mark.unit


class Side:
    """One worker: its relay, the live spaces that it mixes, and what it would send."""

    def __init__(self, directory: Path, place: int) -> None:
        self.spaces: dict[SpaceId, SpaceMix] = {}
        self.relay = MixRelay(directory, place, self.spaces, CrowdPackets(frames=1))
        self.sent: dict[str, list[bytes]] = {}
        self.relayed: RelayedTick | None = None

    def tick(self) -> RelayedTick | None:
        """One tick; return what was given to other workers."""
        for space, mix in self.spaces.items():
            self.relayed = mix.tick(0.0).relayed
            self.relay.collect(space, self.relayed)
        self.relay.flush()
        for payload in self.relay.tick(1):
            for peer in payload.peers:
                self.sent.setdefault(peer, []).append(payload.packet)
        return self.relayed


@contextlib.asynccontextmanager
async def two(directory: Path) -> AsyncIterator[tuple[Side, Side]]:
    """The home of a live space, with an open gate, and another worker."""
    home, away = Side(directory, 0), Side(directory, 1)
    home.spaces[SPACE] = SpaceMix(0)
    home.spaces[SPACE].set_gates(["guest"])
    home.spaces[SPACE].join("mic", "guest", StreamDirection.SPEAK)
    away.relay.take(SPACE, 0)
    with contextlib.closing(home.relay), contextlib.closing(away.relay):
        home.relay.open()
        away.relay.open()
        yield home, away


def both(home: Side, away: Side) -> bool:
    home.tick()
    away.tick()
    return True


def throw(directory: Path, place: int, datagram: bytes) -> None:
    """Send a datagram that is of no worker."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.sendto(datagram, str(relay_path(directory, place)))


async def test_the_home_sends_only_while_somebody_listens_elsewhere(tmp_path: Path) -> None:
    async with two(tmp_path) as (home, away):
        away.tick()
        assert home.tick() is None
        mix = away.relay.mix_of(SPACE)
        assert mix is not None
        mix.listen("p", "ear")
        mix.listen("q", "guest")
        away.tick()
        await until(lambda: home.tick())
        await until(lambda: both(home, away) and "q" in away.sent)
        assert "p" in away.sent
        assert len(away.sent["q"]) < len(away.sent["p"])  # nothing before their own came
        assert home.relayed is not None
        assert home.relayed.own.keys() == {"guest"}
        mix.leave("p")
        mix.leave("q")
        away.tick()
        await until(lambda: home.tick() is None)


async def test_a_home_forgets_who_says_nothing_more_and_a_new_one_is_told(tmp_path: Path) -> None:
    async with two(tmp_path) as (home, away):
        mix = away.relay.mix_of(SPACE)
        assert mix is not None
        mix.listen("p", "ear")
        away.tick()
        await until(lambda: home.tick())
        for _ in range(FORGET_AFTER + TELL_EVERY):
            home.tick()
        assert home.relayed is None
        home.relay.close()
        again = Side(tmp_path, 0)
        again.spaces[SPACE] = SpaceMix(0)
        with contextlib.closing(again.relay):
            again.relay.open()
            for _ in range(TELL_EVERY):
                away.tick()
            await until(lambda: again.tick())


async def test_what_comes_of_another_than_the_home_is_not_heard(tmp_path: Path) -> None:
    async with two(tmp_path) as (home, away):
        mix = away.relay.mix_of(SPACE)
        assert mix is not None
        mix.listen("p", "ear")
        forged = pack_tick(SPACE, RelayedTick(1, b"\x78forged", False, frozenset()), ())
        for datagram in (*datagrams(TICKS, 7, [forged]), b"", b"SBM1\0garbage", b"SBX1\0"):
            throw(tmp_path, 1, datagram)
        for number in range(3):
            unknown = Want(SpaceId(f"unknown{number}"), is_wanted=True)
            throw(tmp_path, 0, next(datagrams(WANTS, 7, [pack_want(unknown)])))
        await until(lambda: away.relay.numbers()["relay_dropped"] == 3)
        away.tick()
        await until(lambda: home.tick())
        await until(lambda: both(home, away) and away.sent)
        assert b"\x78forged" not in away.sent["p"]


async def test_a_path_that_cannot_be_used_is_said_and_the_worker_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    alone = Side(tmp_path / "gone", 0)
    alone.relay.open()
    assert "other workers" in caplog.text
    alone.relay.take(SPACE, 1)
    alone.tick()
    alone.relay.drop(SPACE)
    alone.relay.close()
