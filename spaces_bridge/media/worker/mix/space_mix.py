"""The mix of one live space: its speakers, its listeners, and what each gets every tick.

The gate is checked three times: when a packet comes in, before a frame is decoded, and once more
before the frame goes into the mix. What is left of a voice when its gate shuts is a fade of sound
that was heard before. Space and user ids are opaque here.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from spaces_bridge.media.messages import MIX_KEPT
from spaces_bridge.media.worker.mix.gate import Gates, Turned
from spaces_bridge.media.worker.mix.mixer import SILENCE, Mixer, loudness
from spaces_bridge.media.worker.mix.opus import Decoder, Encoder, Pcm
from spaces_bridge.media.worker.mix.prompts import MixPayloads, PlayedPrompts, SpokenPrompt
from spaces_bridge.media.worker.mix.room_speaker import ROOM, RoomSpeaker
from spaces_bridge.media.worker.mix.shared_packets import CrowdPackets, SharedPackets
from spaces_bridge.media.worker.mix.speaker import Speaker
from spaces_bridge.media.worker.mix.track import CaptionAudio, SoundChunk
from spaces_bridge.media.worker.mix.voices import Voices
from spaces_bridge.media.worker.values import ListenerPayload, RtpPacket, StreamDirection

TICK_MS: Final = 20
LEVEL_TICKS: Final = 10
"""Levels are told at most every 200 ms."""
GAPS_TICKS: Final = 100
"""Who is heard with gaps is told every 2 s."""

MOST_TRACKS: Final = 32
"""People whose last sound (1 MB each) is kept for captions, unless more are on air."""


class Admission(Enum):
    """What became of a packet."""

    HEARD = "heard"
    GATE_SHUT = "gate shut"
    NO_MICROPHONE = "no microphone"
    """It is of a peer that is not its user's microphone."""


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick's results: packets for listeners, and the shared mix if it is subscribed to.

    `published`: the sound of each peer on air, if it is published; None is silence. `ended`: the
    prompts that were played to their end, by peer.
    """

    payloads: MixPayloads
    mix: bytes | None
    published: Mapping[str, Pcm | None] = field(default_factory=dict)
    ended: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listeners:
    """The listeners of each mix: laid out when people come and go, not every tick."""

    shared: tuple[str, ...]
    own: Mapping[str, tuple[str, ...]]
    """Peers of people on air, by user."""
    prompted: Mapping[str, str]
    """Users by the peers to which a prompt is played."""
    minus: frozenset[str]
    """The people on air who listen, with or without a prompt."""


class SpaceMix:
    """A space mix is the sound of one live space. Times passed in are monotonic seconds."""

    def __init__(
        self,
        elapsed_ms: int,
        *,
        crowd: CrowdPackets | None = None,
        make_encoder: Callable[[], Encoder] = Encoder,
        make_decoder: Callable[[], Decoder] = Decoder,
    ) -> None:
        self.packets = SharedPackets(crowd or CrowdPackets())
        """The packets of those who only listen."""
        self.position_ms = elapsed_ms
        """The beginning of the next tick, in milliseconds since the live space started."""
        self.gates = Gates()
        self.publishes = False
        """Whether peers on air are published in rooms at an SFU."""
        self._is_subscribed = False
        self._recent: deque[tuple[int, bytes]] = deque(maxlen=MIX_KEPT)
        self._make_encoder, self._make_decoder = make_encoder, make_decoder
        self._shared = make_encoder()
        self._own: dict[str, Encoder] = {}
        self._mixer = Mixer()
        self.voices = Voices()
        """How loud everybody is in the mix."""
        self._speakers: dict[str, Speaker | RoomSpeaker] = {}  # by user
        self._listening: dict[str, str] = {}  # peer -> user
        self._prompts = PlayedPrompts(make_encoder)
        self._tracks: dict[str, CaptionAudio] = {}
        self._layout: Listeners | None = None
        self._apart: frozenset[str] = (
            frozenset()
        )  # peers that hear another mix than the shared one
        self._loudest: dict[str, int] = {}
        self._told: Mapping[str, int] = {}
        self._gaps: Mapping[str, int] = {}
        self._ticks = 0

    # --- who is here ---

    def join(self, peer: str, user: str, direction: StreamDirection) -> str | None:
        """Add a peer that connected; return the peer of the microphone it replaces, if any.

        A call peer hears no mix; for its microphone, and a duplex peer's, see `speak`.
        """
        if direction is StreamDirection.SPEAK:
            return self.speak(peer, user)
        if direction.hears_mix:
            self.listen(peer, user)
        return None

    def listen(self, peer: str, user: str) -> None:
        """Send the mix to a peer."""
        self._listening[peer] = user
        self._layout = None

    def stop_listening(self, peer: str) -> str | None:
        """Send nothing to a peer; return the name of the prompt that this ends, if any."""
        if self._listening.pop(peer, None) is not None:
            self._layout = None
        return self._prompts.end(peer)

    def prompt(self, peer: str, name: str, prompt: SpokenPrompt) -> Sequence[str]:
        """Play a prompt to a peer that listens, from the next tick on.

        Return the names of the prompts that are over by this: the one before, and this one if the
        peer does not listen, or too many are played.
        """
        if peer not in self._listening:
            return [name]
        self._layout = None
        return self._prompts.begin(peer, name, prompt)

    def speak(self, peer: str, user: str) -> str | None:
        """Make this peer the user's microphone; return the peer that was it before, if any."""
        before = self._speakers.get(user)
        if before is not None and before.peer == peer:
            return None
        self._speakers[user] = Speaker(peer, self._make_decoder)
        return before.peer if before is not None else None

    def use_room(self, user: str) -> str | None:
        """Make a room's sound the user's microphone; return the peer that was it before, if any.

        See `RoomSpeaker`; it is of no peer of ours.
        """
        before = self._speakers.get(user)
        if before is not None and before.peer == ROOM:
            return None
        self._speakers[user] = RoomSpeaker()
        return before.peer if before is not None else None

    def leave_room(self, user: str) -> None:
        """Have a room's sound be the user's microphone no longer, if it is."""
        self.leave(ROOM, user)

    def speaks(self, peer: str, user: str) -> bool:
        """Return whether this peer is the user's microphone."""
        speaker = self._speakers.get(user)
        return speaker is not None and speaker.peer == peer

    def microphone_of(self, user: str) -> str | None:
        """Return the peer that is the user's microphone, if any is."""
        speaker = self._speakers.get(user)
        return None if speaker is None else speaker.peer

    def leave(self, peer: str, user: str) -> None:
        """Remove a peer that is gone; an unknown one is fine."""
        self.stop_listening(peer)
        self.mute(peer, user)

    def mute(self, peer: str, user: str) -> None:
        """Have a peer be the user's microphone no longer, if it is."""
        speaker = self._speakers.get(user)
        if speaker is not None and speaker.peer == peer:
            del self._speakers[user]
            self._pause(user)

    def receive(self, peer: str, user: str, packet: RtpPacket, now: float) -> Admission:
        """Take a speaker's packet. Behind a shut gate it is refused, undecoded."""
        speaker = self._speakers.get(user)
        if not isinstance(speaker, Speaker) or speaker.peer != peer:
            return Admission.NO_MICROPHONE
        if self.gates.admits(user):
            speaker.receive(packet, now)
            return Admission.HEARD
        speaker.refuse(packet)
        return Admission.GATE_SHUT

    def hear_room(self, user: str, frame: Pcm | None) -> None:
        """Take 20 ms that come of a room; None is silence. Behind a shut gate it is refused."""
        speaker = self._speakers.get(user)
        if isinstance(speaker, RoomSpeaker) and self.gates.admits(user):
            speaker.receive(frame)

    # --- gates ---

    def set_gate(self, user: str, is_open: bool) -> None:
        """Open or shut one gate, in force from the next tick on."""
        self._turn(self.gates.set(user, is_open))

    def set_gates(self, users: Collection[str]) -> None:
        """Open exactly these gates and shut all others."""
        self._turn(self.gates.replace(users))

    def _turn(self, turned: Turned) -> None:
        for user in turned.shut:
            speaker = self._speakers.get(user)
            if speaker is not None:
                speaker.reset()
            self._own.pop(user, None)
            self._pause(user)
        if turned.opened or turned.shut:
            self._layout = None

    # --- sound ---

    def tick(self, now: float, steps: int = 1) -> Tick:
        """Mix 20 ms, which stand for `steps` ticks of time (the missed ones are not made)."""
        self.position_ms += (steps - 1) * TICK_MS
        frames = self._take_frames(now)
        layout = self._layout or self._lay_out()
        heard = self.voices.hear({u: f for u, f in frames.items() if self.gates.is_open(u)})
        mix = self._mixer.mix(heard, layout.minus)
        shared: bytes | None = None
        # a new subscriber wants the last seconds, if there is anything in them
        if layout.shared or self._is_subscribed or self._speaking():
            shared = self._shared.encode(mix.everybody)
            self._recent.append((self.position_ms // TICK_MS, shared))
        else:
            self._recent.clear()
        payloads = self.packets.push(shared, steps=steps, is_silent=not heard)
        for user, peers in layout.own.items():
            packet = self._encoder_of(user).encode(mix.without[user])
            payloads.append(ListenerPayload(peers, packet))
        others = {p: mix.without[u] for p, u in layout.prompted.items() if u in mix.without}
        spoken, ended = self._prompts.tick(mix.everybody, others)
        payloads += spoken
        if ended:
            self._layout = None
        self.position_ms += TICK_MS
        self._ticks += 1
        subscribed = shared if self._is_subscribed else None
        return Tick(payloads, subscribed, self._published(frames), ended)

    def subscribe(self, wanted: bool) -> Sequence[tuple[int, bytes]]:
        """Begin or end to give the shared mix as packets.

        Return what was encoded just before, for a new subscriber: number and packet.
        """
        is_new, self._is_subscribed = wanted and not self._is_subscribed, wanted
        return tuple(self._recent) if is_new else ()

    def levels(self) -> Mapping[str, int] | None:
        """Return the loudness of everybody on air if it is time to and something changed."""
        if self._ticks % LEVEL_TICKS:
            return None
        now, self._loudest = self._loudest, dict.fromkeys(self._speaking(), 0)
        if now == self._told:
            return None
        self._told = now
        return now

    def gaps(self) -> Mapping[str, int] | None:
        """Return how much is missing of those on air who are heard with gaps, in percent.

        None if it is not time to, or if nobody is nor was.
        """
        if self._ticks % GAPS_TICKS:
            return None
        measured = {
            user: speaker.missing_percent()
            for user, speaker in self._speakers.items()
            if isinstance(speaker, Speaker)
        }
        before, self._gaps = (
            self._gaps,
            {
                user: percent
                for user, percent in measured.items()
                if percent and self.gates.is_open(user)
            },
        )
        return self._gaps if self._gaps or before else None

    def _take_frames(self, now: float) -> Mapping[str, Pcm]:
        frames: dict[str, Pcm] = {}
        for user in self._speaking():
            frame = self._speakers[user].frame(now)
            if frame is not None:
                frames[user] = frame
            self._note(user, SILENCE if frame is None else frame)
        return frames

    def _published(self, frames: Mapping[str, Pcm]) -> Mapping[str, Pcm | None]:
        """Return the sound of this tick that is to be published: never what came of a room."""
        if not self.publishes:
            return {}
        return {
            user: frames.get(user)
            for user in self._speaking()
            if isinstance(self._speakers[user], Speaker)
        }

    def _note(self, user: str, frame: Pcm) -> None:
        """Keep a frame for captions and levels. Silence counts: it is what ends an utterance."""
        if user not in self._tracks:
            self._make_room_for_a_track()
            self._tracks[user] = CaptionAudio()
        self._tracks[user].hear(frame, self.position_ms)
        self._loudest[user] = max(self._loudest.get(user, 0), loudness(frame))

    def _speaking(self) -> list[str]:
        return [user for user in self._speakers if self.gates.is_open(user)]

    def _encoder_of(self, user: str) -> Encoder:
        encoder = self._own.get(user)
        if encoder is None:
            encoder = self._own[user] = self._make_encoder()
        return encoder

    def _lay_out(self) -> Listeners:
        shared: list[str] = []
        own: dict[str, list[str]] = {}
        prompted: dict[str, str] = {}
        minus = set[str]()
        for peer, user in self._listening.items():
            is_on_air = self.gates.is_open(user)
            if is_on_air:
                minus.add(user)
            if peer in self._prompts:
                prompted[peer] = user
            elif is_on_air:
                own.setdefault(user, []).append(peer)
            else:
                shared.append(peer)
        peers_of = {user: tuple(peers) for user, peers in own.items()}
        self.packets.lay_out(shared, self._apart)
        self._apart = frozenset(prompted).union(*own.values())
        layout = Listeners(tuple(shared), peers_of, prompted, frozenset(minus))
        self._layout = layout
        for user in self._own.keys() - own.keys():
            del self._own[user]
        return layout

    # --- sound that is kept for the captions ---

    def chunks(self, user: str, from_ms: int) -> Iterator[SoundChunk]:
        """Return this user's sound after `from_ms` that is not taken yet."""
        track = self._tracks.get(user)
        return iter(()) if track is None else track.since(from_ms)

    def kept(self) -> list[str]:
        """Return the users of whom sound is kept."""
        return [user for user, track in self._tracks.items() if not track.is_empty]

    def taken(self, user: str, until_ms: int) -> None:
        """Forget this user's sound from before `until_ms`: it is captioned."""
        track = self._tracks.get(user)
        if track is None:
            return
        track.taken(until_ms)
        if track.is_empty:
            del self._tracks[user]

    def _make_room_for_a_track(self) -> None:
        """Drop the oldest tracks above the limit, but none of a user who is on air."""
        silent = [user for user in self._tracks if not self.gates.is_open(user)]
        for user in silent[: max(0, len(self._tracks) - MOST_TRACKS + 1)]:
            del self._tracks[user]

    def _pause(self, user: str) -> None:
        track = self._tracks.get(user)
        if track is not None:
            track.pause()
        self._loudest.pop(user, None)
