"""A live space's mix that another worker of this machine makes; this one only sends it on.

The worker that mixes (the home) sends each tick's packets, and who is on air in it. So nobody who
is on air hears themselves here either, whatever this worker has heard of gates: their own mix is
encoded at home, or nothing is sent to them.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from spaces_bridge.media.worker.mix.prompts import MixPayloads
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets, SharedPackets
from spaces_bridge.media.worker.values import ListenerPayload

MOST_WAITING: Final = 5
"""Ticks (100 ms); what is older when more come is too late for everybody."""
SETTLED_AFTER: Final = 250
"""Ticks (5 s) in all of which one was to spare: then the delay is one longer than it has to be."""


@dataclass(frozen=True, slots=True)
class RelayedTick:
    """20 ms of a mix: what all hear, and what people on air hear, each without themselves.

    `number` counts 20 ms since the live space started. Of the people `on_air` only those have
    an `own` packet that were asked for.
    """

    number: int
    shared: bytes
    is_silent: bool
    on_air: frozenset[str]
    own: Mapping[str, bytes] = field(default_factory=dict)


class RelayedMix:
    """A relayed mix gives the listeners of one worker what comes of the home, tick by tick.

    Both clocks are the same, so a tick's wait evens out what comes late; more wait only after
    one was missed.
    """

    def __init__(self, crowd: CrowdPackets) -> None:
        self.packets = SharedPackets(crowd)
        """The packets of those who hear the shared mix, as in `SpaceMix`."""
        self._listening: dict[str, str] = {}  # peer -> user
        self._waiting: deque[RelayedTick] = deque()
        self._on_air: frozenset[str] = frozenset()  # in the newest that came
        self._layout: _Layout | None = None
        self._apart: frozenset[str] = frozenset()  # peers of people on air, in the layout
        self._spare, self._ticks = MOST_WAITING, 0
        self.dropped = 0
        """Ticks that were not sent, as more came than may wait."""
        self._newest: int | None = None
        self.missed = 0
        """Ticks that never came: the home left them out, was away, or could not send them."""

    def listen(self, peer: str, user: str) -> None:
        """Send the mix to a peer."""
        self._listening[peer] = user
        self._layout = None

    def leave(self, peer: str) -> None:
        """Send nothing to a peer that is gone; an unknown one is fine."""
        if self._listening.pop(peer, None) is not None:
            self._layout = None
        if not self._listening:
            self._newest = None  # nothing more is asked for

    @property
    def wanted(self) -> frozenset[str] | None:
        """The people on air who listen here, whose own mixes are wanted; None: nobody listens."""
        if not self._listening:
            return None
        return self._on_air & frozenset(self._listening.values())

    def hear(self, tick: RelayedTick) -> None:
        """Take a tick that comes of the home."""
        if self._newest is not None:
            self.missed += max(0, tick.number - self._newest - 1)
        self._newest = tick.number if self._listening else None
        self._on_air = tick.on_air
        self._waiting.append(tick)
        if len(self._waiting) > MOST_WAITING:
            self._drop_one()

    def tick(self, steps: int = 1) -> MixPayloads:
        """Return what is to be sent now, in a tick that stands for `steps` ticks of time."""
        for _ in range(min(steps, len(self._waiting)) - 1):
            self._drop_one()
        if not self._waiting:
            self._spare = 0
            return self.packets.push(None, steps=steps, is_silent=False)
        self._shorten()
        tick = self._waiting.popleft()
        layout = self._layout
        if layout is None or layout.on_air != tick.on_air:
            layout = self._layout = self._lay_out(tick.on_air)
        payloads = self.packets.push(tick.shared, steps=steps, is_silent=tick.is_silent)
        payloads += [
            ListenerPayload(peers, tick.own[user])
            for user, peers in layout.own.items()
            if user in tick.own
        ]
        return payloads

    def _shorten(self) -> None:
        """Leave one out if one was to spare for long."""
        self._spare = min(self._spare, len(self._waiting) - 1)
        self._ticks += 1
        if self._ticks % SETTLED_AFTER == 0:
            if self._spare > 0:
                self._drop_one()
            self._spare = MOST_WAITING

    def _drop_one(self) -> None:
        self._waiting.popleft()
        self.dropped += 1

    def _lay_out(self, on_air: frozenset[str]) -> "_Layout":
        shared: list[str] = []
        own: dict[str, list[str]] = {}
        for peer, user in self._listening.items():
            if user in on_air:
                own.setdefault(user, []).append(peer)
            else:
                shared.append(peer)
        self.packets.lay_out(shared, self._apart)
        self._apart = frozenset[str]().union(*own.values())
        return _Layout(on_air, {user: tuple(each) for user, each in own.items()})


@dataclass(frozen=True, slots=True)
class _Layout:
    """Who gets what while these people are on air: laid out when people come and go."""

    on_air: frozenset[str]
    own: Mapping[str, tuple[str, ...]]
