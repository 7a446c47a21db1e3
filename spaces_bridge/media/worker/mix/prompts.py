"""Spoken prompts for single peers: packaged sound, played over the mix, which is softer then.

While a prompt is played its peer is encoded for by itself; before and after it gets what others
get, and its stream goes on all the time.
"""

import struct
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from spaces_bridge.media.worker.mix.mixer import SILENCE, soft_clip
from spaces_bridge.media.worker.mix.opus import (
    FRAME,
    Decoder,
    Encoder,
    OpusError,
    Pcm,
    duration,
)

SOFTER: Final = 0.2
"""How loud the mix is under a prompt (-14 dB)."""
LONGEST: Final = 1000
"""Frames of the longest prompt (20 s)."""
MOST_KEPT: Final = 32
"""Prompts that are kept decoded (some 300 kB each); the one that was not wanted longest goes."""

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
class _Played:
    name: str
    prompt: SpokenPrompt
    encoder: Encoder
    at: int = 0  # the next frame


class PlayedPrompts:
    """The prompts that are being played, at most one for each peer."""

    def __init__(self, make_encoder: Callable[[], Encoder] = Encoder) -> None:
        self._make_encoder = make_encoder
        self._played: dict[str, _Played] = {}

    def __contains__(self, peer: str) -> bool:
        return peer in self._played

    def begin(self, peer: str, name: str, prompt: SpokenPrompt) -> str | None:
        """Begin a prompt; return the name of the one whose place it takes, if any."""
        before = self._played.get(peer)
        encoder = self._make_encoder() if before is None else before.encoder
        self._played[peer] = _Played(name, prompt, encoder)
        return before.name if before is not None else None

    def end(self, peer: str) -> str | None:
        """End a peer's prompt; return its name, if there was one."""
        played = self._played.pop(peer, None)
        return played.name if played is not None else None

    def over(self, peer: str, mix: Pcm) -> tuple[bytes, str | None]:
        """Return a peer's next packet: its prompt over `mix`; and its name with the last one."""
        played = self._played[peer]
        frame, is_last = played.prompt.frame(played.at), played.at + 1 == len(played.prompt)
        packet = played.encoder.encode(
            spoken_over(frame, mix, is_first=played.at == 0, is_last=is_last)
        )
        played.at += 1
        return packet, self.end(peer) if is_last else None


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
