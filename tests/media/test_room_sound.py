"""Sound of rooms at an SFU in the mix of one live space, without any network."""

from collections.abc import Iterable

import numpy as np
import pytest

from spaces_bridge.media.worker.mix.mixer import SILENCE
from spaces_bridge.media.worker.mix.opus import FRAME, Decoder, Encoder, Pcm
from spaces_bridge.media.worker.mix.room_speaker import FIRST_HELD, MOST_HELD, RoomSpeaker
from spaces_bridge.media.worker.mix.space_mix import Admission, SpaceMix
from spaces_bridge.media.worker.values import RtpPacket, StreamDirection
from tests.support.sound import decibels, frames_of, tone

pytestmark = pytest.mark.unit

ROOMS, PAGES = "@room:x", "@page:x"


def frame(value: int) -> Pcm:
    return np.full(FRAME, value, np.int16)


def played(speaker: RoomSpeaker, ticks: int) -> list[int | None]:
    frames = [speaker.frame(0.0) for _ in range(ticks)]
    return [None if each is None else int(each[0]) for each in frames]


def test_sound_starts_after_forty_milliseconds_and_waits_sixty_at_most() -> None:
    speaker = RoomSpeaker()
    speaker.receive(frame(1))
    assert played(speaker, 1) == [None]
    for value in (2, 3, 4, 5):
        speaker.receive(frame(value))
    assert MOST_HELD == 3
    assert played(speaker, 4) == [3, 4, 5, None]


def test_after_a_gap_sound_is_awaited_again() -> None:
    speaker = RoomSpeaker()
    for value in range(FIRST_HELD):
        speaker.receive(frame(value + 1))
    assert played(speaker, FIRST_HELD + 1) == [1, 2, None]
    speaker.receive(frame(3))
    assert played(speaker, 1) == [None]
    speaker.receive(frame(4))
    assert played(speaker, 2) == [3, 4]


def test_a_silence_brings_the_delay_back() -> None:
    speaker = RoomSpeaker()
    speaker.receive(None)
    speaker.receive(frame(1))
    speaker.receive(frame(2))
    assert played(speaker, 2) == [1, 2]


def test_a_shut_gate_forgets_all_that_came() -> None:
    speaker = RoomSpeaker()
    for value in (1, 2, 3):
        speaker.receive(frame(value))
    speaker.reset()
    assert played(speaker, 2) == [None, None]


class Heard:
    """A live space with one listener, and what it has heard so far."""

    def __init__(self) -> None:
        self.mix = SpaceMix(0)
        self.mix.join("ear", "@ear:x", StreamDirection.LISTEN)
        self.published: list[dict[str, Pcm | None]] = []
        self._decoder = Decoder()
        self._sequence = 0

    def tick(self) -> Pcm:
        """Mix, and return what the listener hears."""
        self._sequence += 1
        tick = self.mix.tick(self._sequence * 0.02)
        self.published.append(dict(tick.published))
        if not tick.payloads:  # nobody has made a sound for a while
            return SILENCE
        (payload,) = tick.payloads
        assert payload.peers == ("ear",)
        return self._decoder.decode(payload.packet)

    def say(self, frames: Iterable[Pcm]) -> Pcm:
        """What is heard while these come of a room."""
        heard = []
        for each in frames:
            self.mix.hear_room(ROOMS, each)
            heard.append(self.tick())
        return np.concatenate(heard)


def test_a_rooms_sound_is_heard_through_an_open_gate_only() -> None:
    space, sound = Heard(), frames_of(tone(440, 1))
    assert space.mix.use_room(ROOMS) is None
    assert not space.say(sound).any()
    assert space.mix.gates.refused == len(sound)
    space.mix.set_gate(ROOMS, True)
    assert decibels(space.say(sound), 440) > -20
    space.mix.set_gate(ROOMS, False)
    space.say(sound)  # the codec's last
    assert np.abs(space.say(sound)).max() <= 2


def test_nobodys_sound_is_taken_of_a_room_unasked() -> None:
    space, sound = Heard(), frames_of(tone(440, 0.5))
    space.mix.set_gate(ROOMS, True)
    assert not space.say(sound).any()
    space.mix.use_room(ROOMS)
    space.mix.leave_room(ROOMS)
    assert not space.say(sound).any()


def test_the_newest_microphone_is_heard() -> None:
    space, sound = Heard(), frames_of(tone(440, 1))
    space.mix.set_gate(ROOMS, True)
    space.mix.join("mic", ROOMS, StreamDirection.SPEAK)
    assert space.mix.use_room(ROOMS) == "mic"
    assert decibels(space.say(sound), 440) > -20
    packet = RtpPacket(1, FRAME, False, 111, 7, Encoder().encode(sound[0]))
    assert space.mix.receive("mic", ROOMS, packet, 0.0) is Admission.NO_MICROPHONE
    assert space.mix.use_room(ROOMS) is None  # told again: it goes on as it is
    space.mix.speak("other mic", ROOMS)
    space.say(sound)
    assert np.abs(space.say(sound)).max() <= 2


def test_who_speaks_by_a_peer_is_published_and_what_came_of_a_room_is_not() -> None:
    space, sound = Heard(), frames_of(tone(700, 1))
    space.mix.use_room(ROOMS)
    space.mix.join("mic", PAGES, StreamDirection.SPEAK)
    space.mix.set_gates([ROOMS, PAGES])
    space.say(sound[:5])
    assert space.published == [{}] * 5  # it is not wanted
    space.mix.publishes = True
    encoder = Encoder()
    for number, each in enumerate(sound[:20]):
        packet = RtpPacket(number, number * FRAME, False, 111, 7, encoder.encode(each))
        space.mix.receive("mic", PAGES, packet, (number + 6) * 0.02)
        space.mix.hear_room(ROOMS, each)
        space.tick()
    assert all(each.keys() == {PAGES} for each in space.published[5:])
    assert any(each[PAGES] is not None for each in space.published[5:])
    space.mix.set_gate(PAGES, False)
    space.tick()
    assert space.published[-1] == {}
