"""Spoken prompts for single peers: packaged sound, played over the mix, which is softer then.

While a prompt is played its peers are encoded for by themselves; before and after they get what
others get, and their streams go on all the time.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from spaces_bridge.media.worker.mix.limiter import soft_clip
from spaces_bridge.media.worker.mix.mixer import SILENCE
from spaces_bridge.media.worker.mix.opus import (
    FRAME,
    Decoder,
    Encoder,
    OpusError,
    Pcm,
    duration,
)
from spaces_bridge.media.worker.values import ListenerPayload

SOFTER: Final = 0.2
"""How loud the mix is under a prompt (-14 dB)."""
LONGEST: Final = 1000
"""Frames of the longest prompt (20 s)."""
MOST_KEPT: Final = 32
"""Prompts that are kept decoded (some 300 kB each); the one that was not wanted longest goes."""
MOST_PLAYED: Final = 50
"""Prompts played at once in one live space, each with an encoder, to however many peers."""

MixPayloads: TypeAlias = Sequence[ListenerPayload]

_PAGE: Final = struct.Struct("<4sBBqIIIB")
_HEADERS: Final = 2  # OpusHead and OpusTags (RFC 7845, 3)


class SpokenPrompt:
    """A spoken prompt is the frames of one packaged file, decoded once, when first wanted."""

    def __init__(self, ogg: bytes, make_decoder: Callable[[], Decoder] = Decoder) -> None:
        """Raise ValueError unless `ogg` is Ogg Opus (RFC 7845) in packets of 20 ms."""
        self._packets = list(_packets(ogg))[_HEADERS:]
        if not 0 < len(self._packets) <= LONGEST:
            raise ValueError("a prompt has 1 to 1000 packets")
        if any(duration(packet) != FRAME for packet in self._packets):
            raise ValueError("a prompt has packets of 20 ms")
        self._decoder = make_decoder()
        self._frames: list[Pcm] = []

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._packets)

    def frame(self, place: int) -> Pcm:
        """Return a frame of 20 ms; a broken one is silent. Raises IndexError past the end."""
        while len(self._frames) <= place:
            self._frames.append(self._decoded(self._packets[len(self._frames)]))
        return self._frames[place]

    def _decoded(self, packet: bytes) -> Pcm:
        try:
            return self._decoder.decode(packet)
        except OpusError:
            return SILENCE


class PromptBook:
    """The prompts by name and language, as they were packaged; those wanted lately are kept."""

    def __init__(self, load: Callable[[str, str], bytes]) -> None:
        """`load` returns the file of a name and a language. Raises LookupError."""
        self._load = load
        self._kept: OrderedDict[tuple[str, str], SpokenPrompt] = OrderedDict()

    def find(self, name: str, language: str) -> SpokenPrompt:
        """Return a prompt. Raises LookupError if there is none, ValueError if it is broken."""
        key = (name, language)
        prompt = self._kept.get(key)
        if prompt is None:
            prompt = self._kept[key] = SpokenPrompt(self._load(name, language))
            if len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return prompt


@dataclass(slots=True)
class _Playing:
    """A prompt as it is played, to all peers for which it began in the same tick."""

    name: str
    prompt: SpokenPrompt
    encoder: Encoder
    own: dict[str, Encoder | None]
    """By peer: its own encoder, while it hears another mix than the others."""
    at: int = 0  # the next frame


class PlayedPrompts:
    """The prompts that are being played, at most one for each peer.

    Peers whose prompt began together, and who hear the same mix, share a frame and an encoder.
    """

    def __init__(self, make_encoder: Callable[[], Encoder] = Encoder) -> None:
        self._make_encoder = make_encoder
        self._playing: list[_Playing] = []
        self._of: dict[str, _Playing] = {}

    def __contains__(self, peer: str) -> bool:
        return peer in self._of

    def begin(self, peer: str, name: str, prompt: SpokenPrompt) -> Sequence[str]:
        """Begin a prompt; return the names of those that are over by this.

        That is the one whose place it takes, if any, and this one where `MOST_PLAYED` are played.
        """
        before = self.end(peer)
        over = [before] if before is not None else []
        playing = next(
            (each for each in self._playing if each.at == 0 and each.prompt is prompt), None
        )
        if playing is None:
            if len(self._playing) >= MOST_PLAYED:
                return [*over, name]
            playing = _Playing(name, prompt, self._make_encoder(), {})
            self._playing.append(playing)
        playing.own[peer] = None
        self._of[peer] = playing
        return over

    def end(self, peer: str) -> str | None:
        """End a peer's prompt; return its name, if there was one."""
        playing = self._of.pop(peer, None)
        if playing is None:
            return None
        del playing.own[peer]
        if not playing.own:
            self._playing.remove(playing)
        return playing.name

    def tick(self, mix: Pcm, others: Mapping[str, Pcm]) -> tuple[MixPayloads, Mapping[str, str]]:
        """Return the next packets, each for its peers, and the names of the last ones by peer.

        A prompt is over `mix`, but over that of `others` for the peers that are named there.
        """
        payloads: list[ListenerPayload] = []
        ended = dict[str, str]()
        for playing in tuple(self._playing):
            payloads += self._played(playing, mix, others)
            playing.at += 1
            if playing.at == len(playing.prompt):
                for peer in tuple(playing.own):
                    ended[peer] = playing.name
                    self.end(peer)
        return payloads, ended

    def _played(
        self, playing: _Playing, mix: Pcm, others: Mapping[str, Pcm]
    ) -> Iterator[ListenerPayload]:
        frame = playing.prompt.frame(playing.at)
        is_first, is_last = playing.at == 0, playing.at + 1 == len(playing.prompt)
        together = tuple(peer for peer in playing.own if peer not in others)
        if together:
            spoken = spoken_over(frame, mix, is_first=is_first, is_last=is_last)
            yield ListenerPayload(together, playing.encoder.encode(spoken))
        for peer in playing.own.keys() & others.keys():
            encoder = playing.own[peer] or self._make_encoder()
            playing.own[peer] = encoder
            spoken = spoken_over(frame, others[peer], is_first=is_first, is_last=is_last)
            yield ListenerPayload((peer,), encoder.encode(spoken))


def spoken_over(frame: Pcm, mix: Pcm, *, is_first: bool, is_last: bool) -> Pcm:
    """Return a frame of a prompt over a softer frame of the mix, which fades there and back."""
    gain = np.full(FRAME, SOFTER, np.float32)
    if is_first:
        gain = np.linspace(1.0, SOFTER, FRAME, dtype=np.float32)
    if is_last:
        gain = np.linspace(gain[0], 1.0, FRAME, dtype=np.float32)
    return soft_clip(frame.astype(np.int32) + (mix * gain).astype(np.int32))


def _packets(ogg: bytes) -> Iterator[bytes]:
    """Yield the packets of an Ogg stream (RFC 3533). Raises ValueError if it is none."""
    at, begun = 0, b""
    while at < len(ogg):
        if len(ogg) - at < _PAGE.size or not ogg.startswith(b"OggS", at):
            raise ValueError("no Ogg page")
        body = at + _PAGE.size + ogg[at + _PAGE.size - 1]
        for size in ogg[at + _PAGE.size : body]:
            begun += ogg[body : body + size]
            body += size
            if size < 255:
                yield begun
                begun = b""
        if body > len(ogg):
            raise ValueError("a page is cut")
        at = body
