"""The drawn pictures of live spaces' rooms and of the bot.

Everything is a signed distance field: how far each point is from a shape's edge, negative inside.
Lengths are parts of the picture's half width, y grows downwards. Most clients crop a picture to
its inscribed circle, and put badges of their own at the lower right.
"""

import numpy as np
from numpy.typing import NDArray

from spaces_bridge.core.live_space import Phase
from tools.pictures import png

SIZE = 256
"""Pixels along each side of a picture."""

Field = NDArray[np.float64]
"""A field: one number for each pixel."""
Colour = tuple[float, float, float]
"""A colour: red, green and blue, 0 to 1."""


def _colour(hexadecimal: str) -> Colour:
    red, green, blue = bytes.fromhex(hexadecimal)
    return red / 255, green / 255, blue / 255


_TONES = tuple(
    (_colour(light), _colour(deep))
    for light, deep in (
        ("9a6bff", "4a1fb4"),
        ("ff6f9f", "a3154e"),
        ("4aa8ff", "0f4c94"),
        ("3fcb85", "0b6238"),
        ("ffa63d", "a64a06"),
        ("e06be8", "7c1786"),
        ("2fc4c9", "07575e"),
        ("e2bd2c", "745a04"),
    )
)
"""The page's eight colours, each from light to deep."""
TONES = len(_TONES)
"""Number of colours."""
_ASHES = _colour("b4afbe"), _colour("6f6a7b")
_RING = _colour("8b5cf6")
_RED = _colour("f0344f")
_WHITE = _colour("ffffff")

_STEPS = (np.arange(SIZE) + 0.5) / (SIZE / 2) - 1
across, down = _STEPS[None, :], _STEPS[:, None]
"""Coordinates of each pixel's middle."""
_PIXEL = 2 / SIZE
_DIAGONAL = 0.5**0.5
_WAVE = 0.036


def picture(phase: Phase, tone: int) -> bytes:
    """Return the picture of a live space's room: a PNG with transparent corners.

    `tone` is the host's colour: the remainder by 8 of any number, such as the CRC-32 of the
    host's id, which is the page's colour for that person, too.
    """
    light, deep = _TONES[tone % TONES]
    canvas = Canvas()
    if phase is Phase.LIVE:
        canvas.on_air(light, deep)
        canvas.paint(_microphone(0.86), _WHITE)
        canvas.paint(_waves(0.45, 0.26), _WHITE)
        canvas.paint(_waves(0.62, 0.26), _WHITE, 0.6)
        canvas.badge(0.20, _RED)
    elif phase is Phase.SCHEDULED:
        canvas.disc(0.97, _mixed(light, _WHITE, 0.76), _mixed(light, _WHITE, 0.46))
        canvas.paint(_microphone(0.94), deep)
        x, y = canvas.badge(0.26, deep)
        canvas.paint(_clock_hands(x, y, 0.26), _WHITE)
    else:
        canvas.disc(0.97, _mixed(_ASHES[0], light, 0.12), _mixed(_ASHES[1], deep, 0.12))
        canvas.paint(_microphone(0.94), _WHITE, 0.8)
    return canvas.png()


def bot_picture() -> bytes:
    """Return the bot's own picture, in the same style, as a PNG."""
    canvas = Canvas()
    canvas.on_air(*_TONES[0])
    canvas.paint(_circle(0, 0, 0.17), _WHITE)
    canvas.paint(_waves(0.36, 0.22), _WHITE)
    canvas.paint(_waves(0.56, 0.34), _WHITE, 0.7)
    return canvas.png()


class Canvas:
    """A canvas: a picture that is being painted, transparent at first."""

    def __init__(self) -> None:
        self._rgb = np.zeros((SIZE, SIZE, 3))
        self._opacity = np.zeros((SIZE, SIZE, 1))

    def paint(self, shape: Field, colour: Colour | Field, opacity: float = 1.0) -> None:
        """Lay the colour over the shape, with smooth edges."""
        cover = (_within(shape) * opacity)[..., None]
        # colours are kept multiplied by their opacity
        self._rgb = np.asarray(colour) * cover + self._rgb * (1 - cover)
        self._opacity = cover + self._opacity * (1 - cover)

    def cut(self, shape: Field) -> None:
        """Make the shape transparent again."""
        kept = 1 - _within(shape)[..., None]
        self._rgb, self._opacity = self._rgb * kept, self._opacity * kept

    def disc(self, radius: float, light: Colour, deep: Colour) -> None:
        """Paint a disc lit from the upper left."""
        depth = np.clip(0.5 + (0.45 * across + 0.75 * down) / (1.75 * radius), 0, 1)[..., None]
        self.paint(
            _circle(0, 0, radius), np.asarray(light) * (1 - depth) + np.asarray(deep) * depth
        )

    def on_air(self, light: Colour, deep: Colour) -> None:
        """Paint a disc with a ring around it, the sign of a live room."""
        self.paint(_ring(0, 0, 0.935, 0.06), _RING)
        self.disc(0.80, light, deep)

    def badge(self, radius: float, colour: Colour) -> tuple[float, float]:
        """Paint a small disc at the upper right, set off by a gap, and return its middle."""
        x = (0.99 - radius) * _DIAGONAL
        self.cut(_circle(x, -x, radius + 0.065))
        self.paint(_circle(x, -x, radius), colour)
        return x, -x

    def png(self) -> bytes:
        """Return the finished picture as a PNG."""
        plain = self._rgb / np.maximum(self._opacity, 1e-9)
        pixels = np.concatenate((plain, self._opacity), axis=2)
        return png.encode(np.rint(pixels * 255).astype(np.uint8))


# --- shapes --------------------------------------------------------------------------------------


def _microphone(size: float) -> Field:
    """Return the shape of a microphone: a capsule in its holder, on a foot."""
    s = size
    body = _line(0, -0.30 * s, 0, 0.02 * s, 0.15 * s)
    # the holder: the lower half of a ring with round ends
    ends = np.hypot(np.abs(across) - 0.285 * s, down - 0.02 * s) - 0.04 * s
    holder = np.where(down > 0.02 * s, _ring(0, 0.02 * s, 0.285 * s, 0.04 * s), ends)
    stem = _line(0, 0.305 * s, 0, 0.46 * s, 0.04 * s)
    foot = _line(-0.14 * s, 0.47 * s, 0.14 * s, 0.47 * s, 0.04 * s)
    return np.minimum(np.minimum(body, holder), np.minimum(stem, foot))


def _waves(radius: float, height: float) -> Field:
    """Return two arcs of a ring, left and right; `height` is from their middle to their end."""
    width = (radius**2 - height**2) ** 0.5
    side, level = np.abs(across), np.abs(down)
    ends: Field = np.hypot(side - width, level - height) - _WAVE
    beside = level * width <= side * height
    return np.where(beside, _ring(0, 0, radius, _WAVE), ends)


def _clock_hands(x: float, y: float, radius: float) -> Field:
    """Return the two hands of a clock at three, in a dial of this radius."""
    width = 0.13 * radius
    minute = _line(x, y, x, y - 0.58 * radius, width)
    hour = _line(x, y, x + 0.45 * radius, y, width)
    return np.minimum(minute, hour)


def _circle(x: float, y: float, radius: float) -> Field:
    from_middle: Field = np.hypot(across - x, down - y)
    return from_middle - radius


def _ring(x: float, y: float, radius: float, half_width: float) -> Field:
    return np.abs(_circle(x, y, radius)) - half_width


def _line(x1: float, y1: float, x2: float, y2: float, half_width: float) -> Field:
    """Return the shape of a straight line with round ends."""
    along_x, along_y = x2 - x1, y2 - y1
    part = ((across - x1) * along_x + (down - y1) * along_y) / (along_x**2 + along_y**2)
    part = np.clip(part, 0, 1)
    return np.hypot(across - x1 - part * along_x, down - y1 - part * along_y) - half_width


def _within(shape: Field) -> Field:
    """Return how much of each pixel is within the shape, 0 to 1."""
    return np.clip(0.5 - shape / _PIXEL, 0, 1)


def _mixed(one: Colour, other: Colour, part: float) -> Colour:
    """Return the mix of two colours with `part` of `other`, 0 to 1."""
    red, green, blue = (a * (1 - part) + b * part for a, b in zip(one, other, strict=True))
    return red, green, blue
