"""Mixes between the workers of this machine: each live space's home sends, the others send on.

A worker with listeners of a live space whose home is another one tells that one so, again and
again, with the people on air among them. Whoever is not told for a while sends nothing more: so
every worker may be replaced at any time, and the control process may be away.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.mix_frames import (
    MAX_DATAGRAM,
    TICKS,
    WANTS,
    Want,
    datagrams,
    pack_tick,
    pack_want,
    sender_of,
    unpack_ticks,
    unpack_wants,
)
from spaces_bridge.media.unix_datagrams import UnixDatagrams
from spaces_bridge.media.worker.mix.prompts import MixPayloads
from spaces_bridge.media.worker.mix.relayed import RelayedMix, RelayedTick
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets
from spaces_bridge.media.worker.mix.space_mix import SpaceMix

log = logging.getLogger(__name__)

TELL_EVERY: Final = 25
"""Ticks (0.5 s) after which a worker says again what it wants."""
FORGET_AFTER: Final = 100
"""Ticks (2 s) after which what a worker said it wants counts no more."""


@dataclass(slots=True)
class _Relayed:
    """A mix that comes of the worker at place `home`, and what that one was told is wanted."""

    home: int
    mix: RelayedMix
    told: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class _Wanted:
    users: frozenset[str]
    until: int  # a tick


class MixRelay:
    """The mix relay of a worker; `spaces` are those it mixes itself, kept up to date."""

    def __init__(
        self,
        directory: Path,
        place: int,
        spaces: Mapping[SpaceId, SpaceMix],
        crowd: CrowdPackets,
    ) -> None:
        """`place`: the worker's own among those of this machine, from 0 on."""
        self._crowd = crowd
        self._directory, self._place, self._spaces = directory, place, spaces
        self._datagrams = UnixDatagrams(relay_path(directory, place), self._hear, MAX_DATAGRAM)
        self._relayed: dict[SpaceId, _Relayed] = {}
        self._wanted: dict[tuple[SpaceId, int], _Wanted] = {}
        self._packed: dict[int, list[bytes]] = {}
        self._ticks = self._late = self._missed = 0

    def open(self) -> None:
        """Begin to hear the other workers."""
        try:
            self._datagrams.open()
        except OSError as problem:
            log.error("no sound to or from this machine's other workers: %s", problem.strerror)

    def close(self) -> None:
        """Hear and send nothing more."""
        self._datagrams.close()

    # --- mixes of others ---

    @property
    def spaces(self) -> tuple[SpaceId, ...]:
        """The live spaces that another worker mixes."""
        return tuple(self._relayed)

    def mix_of(self, space: SpaceId) -> RelayedMix | None:
        """Return the mix that comes of another worker, if this one is."""
        relayed = self._relayed.get(space)
        return None if relayed is None else relayed.mix

    @property
    def mixes(self) -> list[RelayedMix]:
        """The mixes that come of other workers."""
        return [each.mix for each in self._relayed.values()]

    def take(self, space: SpaceId, home: int) -> RelayedMix:
        """Take and return a live space's mix, of the worker at this place.

        A known one goes on as it is.
        """
        known = self._relayed.get(space)
        mix = known.mix if known is not None else RelayedMix(self._crowd)
        self._relayed[space] = _Relayed(home, mix)
        return mix

    def drop(self, space: SpaceId) -> None:
        """Take a live space's mix no longer; an unknown one is fine."""
        relayed = self._relayed.pop(space, None)
        if relayed is None:
            return
        self._late += relayed.mix.dropped
        self._missed += relayed.mix.missed
        if relayed.told is not None:
            self._tell(relayed.home, [Want(space, is_wanted=False)])

    def tick(self, steps: int) -> MixPayloads:
        """Return what is to be sent of others' mixes now, and say what is wanted of them."""
        self._ticks += 1
        payloads = [each for one in self._relayed.values() for each in one.mix.tick(steps)]
        self._tell_all(again=self._ticks % TELL_EVERY == 0)
        return payloads

    def _tell_all(self, *, again: bool) -> None:
        wants: dict[int, list[Want]] = {}
        for space, relayed in self._relayed.items():
            wanted, before = relayed.mix.wanted, relayed.told
            relayed.told = wanted
            if wanted != before or (again and wanted is not None):
                want = Want(space, wanted is not None, wanted or frozenset())
                wants.setdefault(relayed.home, []).append(want)
        for home, each in wants.items():
            self._tell(home, each)

    def _tell(self, home: int, wants: list[Want]) -> None:
        self._send(home, WANTS, map(pack_want, wants))

    # --- mixes of our own ---

    def collect(self, space: SpaceId, tick: RelayedTick | None) -> None:
        """Take a tick of a mix for the workers that want it."""
        if tick is None:
            return
        for (wanted, place), want in self._wanted.items():
            if wanted == space:
                self._packed.setdefault(place, []).append(pack_tick(space, tick, want.users))

    def flush(self) -> None:
        """Send what was collected: all live spaces of a tick together."""
        for place, entries in self._packed.items():
            self._send(place, TICKS, entries)
        self._packed = {}
        if self._ticks % TELL_EVERY == 0 and self._wanted:
            now = self._ticks
            self._wanted = {key: each for key, each in self._wanted.items() if each.until > now}
            self._ask_mixes()

    def numbers(self) -> Mapping[str, float]:
        """Return the numbers for the metrics, since the start."""
        mixes = self.mixes
        return {
            "relay_dropped": self._datagrams.dropped + self._datagrams.refused,
            "relay_late": self._late + sum(each.dropped for each in mixes),
            "relay_missed": self._missed + sum(each.missed for each in mixes),
        }

    def _ask_mixes(self) -> None:
        """Have the mixes give what is wanted of them."""
        for space, mix in self._spaces.items():
            wants = [want.users for (wanted, _), want in self._wanted.items() if wanted == space]
            mix.relay(frozenset[str]().union(*wants) if wants else None)

    # --- datagrams ---

    def _hear(self, datagram: bytes) -> None:
        sender = sender_of(datagram)
        if datagram.startswith(TICKS):
            for space, tick in unpack_ticks(datagram):
                relayed = self._relayed.get(space)
                if relayed is not None and relayed.home == sender:
                    relayed.mix.hear(tick)
            return
        for want in unpack_wants(datagram):
            if want.is_wanted and want.space in self._spaces:
                until = self._ticks + FORGET_AFTER
                self._wanted[want.space, sender] = _Wanted(want.users, until)
            else:
                self._wanted.pop((want.space, sender), None)
        self._ask_mixes()

    def _send(self, place: int, kind: bytes, entries: Iterable[bytes]) -> None:
        to = str(relay_path(self._directory, place))
        for datagram in datagrams(kind, self._place, entries):
            self._datagrams.send(datagram, to)


def relay_path(runtime_dir: Path, place: int) -> Path:
    """Return where the worker at this place hears the others."""
    return runtime_dir / f"mix-{place}.sock"
