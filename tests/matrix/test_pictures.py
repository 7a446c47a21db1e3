"""The drawn pictures, and the PNG they are written as."""

import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from spaces_bridge.core.live_space import Phase
from spaces_bridge.matrix.cards import uploads
from spaces_bridge.web.views import TONES as TONES_OF_THE_PAGE
from tools.pictures import png
from tools.pictures.rooms import SIZE, bot_picture, picture

pytestmark = pytest.mark.unit

TONES = range(uploads.TONES)
ALL = {(phase, tone): picture(phase, tone) for phase in Phase for tone in TONES}

Pixels = NDArray[np.uint8]


def chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    """Names and contents; checksums must be right and nothing may follow."""
    assert file.startswith(png.SIGNATURE)
    found, at = [], len(png.SIGNATURE)
    while at < len(file):
        (length,) = struct.unpack_from(">I", file, at)
        name, content = file[at + 4 : at + 8], file[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", file, at + 8 + length) == (zlib.crc32(name + content),)
        found.append((name, content))
        at += length + 12
    return found


def decoded(file: bytes) -> Pixels:
    """Height x width x 4, read as the specification says."""
    (_, header), *data, (last, nothing) = chunks(file)
    assert (last, nothing) == (b"IEND", b"")
    width, height, *kind = struct.unpack(">IIBBBBB", header)
    assert kind == [8, 6, 0, 0, 0]
    raw = zlib.decompress(b"".join(content for name, content in data if name == b"IDAT"))
    rows = np.frombuffer(raw, np.uint8).reshape(height, 1 + 4 * width)
    pixels = np.zeros((height, width, 4), np.uint8)
    for y, (kind_of_row, *_) in enumerate(rows):
        row = rows[y, 1:].reshape(width, 4)
        above = pixels[y - 1] if y else np.zeros_like(row)
        plain = {0: row, 1: np.cumsum(row, axis=0, dtype=np.uint8), 2: row + above}
        pixels[y] = plain[int(kind_of_row)]
    return pixels


def colour(pixels: Pixels, x: float, y: float) -> tuple[int, ...]:
    """Red, green, blue and opacity at a place, -1 to 1 from the left and from the top."""
    column, row = (int((place + 1) / 2 * SIZE) for place in (x, y))
    return tuple(int(part) for part in pixels[row, column])


def vividness(pixels: Pixels) -> float:
    """How far from grey, on average, what is seen is."""
    seen = pixels[pixels[..., 3] == 255][:, :3].astype(int)
    return float(np.mean(seen.max(axis=1) - seen.min(axis=1)))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_a_png_holds_the_pixels_it_was_made_of(width: int, height: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    assert np.array_equal(decoded(png.encode(pixels)), pixels)


@pytest.mark.parametrize("file", [*ALL.values(), bot_picture()])
def test_a_picture_is_a_small_square_png_with_clear_corners(file: bytes) -> None:
    pixels = decoded(file)
    assert pixels.shape == (SIZE, SIZE, 4)
    assert len(file) < 30_000
    for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert pixels[corner][3] == 0
    steps = (np.arange(SIZE) + 0.5) / (SIZE / 2) - 1
    outside = np.hypot(steps[None, :], steps[:, None]) > 1 + 2 / SIZE
    assert not pixels[outside][:, 3].any()  # clients crop to this circle


def test_every_phase_and_tone_looks_different_and_the_bot_like_none() -> None:
    assert len({*ALL.values(), bot_picture()}) == len(Phase) * len(TONES) + 1


@pytest.mark.parametrize(("phase", "tone"), ALL)
def test_the_picture_that_ships_is_the_drawn_one(phase: Phase, tone: int) -> None:
    assert np.array_equal(decoded(uploads.room_picture(phase, tone)), decoded(ALL[phase, tone]))
    assert picture(phase, uploads.TONES + tone) == ALL[phase, tone]


def test_the_bot_s_picture_that_ships_is_the_drawn_one() -> None:
    assert np.array_equal(decoded(uploads.bot_picture()), decoded(bot_picture()))


def test_people_have_the_same_colour_on_the_page() -> None:
    assert uploads.TONES == TONES_OF_THE_PAGE


@pytest.mark.parametrize("tone", TONES)
def test_live_has_a_purple_ring_and_a_red_dot(tone: int) -> None:
    live = decoded(ALL[Phase.LIVE, tone])
    for x, y in ((0, 0.935), (-0.935, 0), (0.935, 0)):
        assert colour(live, x, y) == (0x8B, 0x5C, 0xF6, 255)
    assert colour(live, 0.56, -0.56) == (0xF0, 0x34, 0x4F, 255)
    assert colour(live, 0, -0.1) == (255, 255, 255, 255)  # the microphone


@pytest.mark.parametrize("tone", TONES)
def test_a_space_is_vivid_while_live_and_grey_when_over(tone: int) -> None:
    live, soon, over = (
        vividness(decoded(ALL[phase, tone]))
        for phase in (Phase.LIVE, Phase.SCHEDULED, Phase.ENDED)
    )
    assert live > 1.5 * soon > 1.5 * over
    assert over < 30


@pytest.mark.parametrize("tone", TONES)
def test_a_scheduled_space_has_a_clock(tone: int) -> None:
    soon = decoded(ALL[Phase.SCHEDULED, tone])
    middle = 0.73 * 0.5**0.5
    dial = colour(soon, middle - 0.1, -middle + 0.1)
    assert colour(soon, middle, -middle) == (255, 255, 255, 255)
    assert colour(soon, 0, -0.1) == dial  # in the microphone's colour
    assert colour(soon, middle - 0.29, -middle)[3] == 0
