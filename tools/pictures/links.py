"""The picture that link previews of the pages show.

The picture has no words, so it needs no translation: a program that shows a link puts the page's
title beside it. Lengths are pixels. Everything is a signed distance field: negative inside a
shape.
"""

import numpy as np
from numpy.typing import NDArray

from tools.pictures import png

WIDTH, HEIGHT = 1200, 630

Field = NDArray[np.float64]

NIGHT, DUSK, GAP = "14111c", "38197f", "2c165e"
RING, WHITE, RED = "8b5cf6", "ffffff", "f0344f"
STAGE = ("9a6bff", "4a1fb4")
CROWD = (
    (150, 205, 58, "ff6f9f", "a3154e"),
    (300, 440, 72, "3fcb85", "0b6238"),
    (120, 500, 44, "ffa63d", "a64a06"),
    (330, 120, 42, "4aa8ff", "0f4c94"),
    (1050, 190, 64, "2fc4c9", "07575e"),
    (905, 470, 70, "e2bd2c", "745a04"),
    (1085, 470, 48, "e06be8", "7c1786"),
    (880, 110, 40, "9a6bff", "4a1fb4"),
)
"""The listeners' discs: middle, radius, and their colour from light to deep."""

across, down = np.arange(WIDTH)[None, :] + 0.5, np.arange(HEIGHT)[:, None] + 0.5


def colour(hexadecimal: str) -> Field:
    """Return red, green and blue, 0 to 1."""
    return np.frombuffer(bytes.fromhex(hexadecimal), np.uint8) / 255


class Picture:
    """A picture that is painted from back to front."""

    def __init__(self) -> None:
        depth = np.clip(np.hypot(across - 600, (down - 300) * 1.4) / 820, 0, 1)[..., None]
        self.rgb = colour(DUSK) * (1 - depth) + colour(NIGHT) * depth

    def paint(self, shape: Field, paint: Field, opacity: float = 1.0) -> None:
        """Lay the paint over the shape, with smooth edges."""
        cover = (np.clip(0.5 - shape, 0, 1) * opacity)[..., None]
        self.rgb = paint * cover + self.rgb * (1 - cover)

    def disc(self, x: float, y: float, radius: float, light: str, deep: str) -> None:
        """Paint a disc lit from the upper left."""
        depth = np.clip(0.5 + (0.45 * (across - x) + 0.75 * (down - y)) / (1.75 * radius), 0, 1)
        shades = colour(light) * (1 - depth[..., None]) + colour(deep) * depth[..., None]
        self.paint(circle(x, y, radius), shades)

    def png(self) -> bytes:
        """Return the finished picture as a PNG file."""
        pixels = np.clip(np.rint(self.rgb * 255), 0, 255).astype(np.uint8)
        return png.encode(np.dstack((pixels, np.full((HEIGHT, WIDTH), 255, np.uint8))))


def circle(x: float, y: float, radius: float) -> Field:
    """Return the shape of a filled circle."""
    from_middle: Field = np.hypot(across - x, down - y)
    return from_middle - radius


def ring(x: float, y: float, radius: float, half_width: float) -> Field:
    """Return the shape of a ring."""
    return np.abs(circle(x, y, radius)) - half_width


def line(x1: float, y1: float, x2: float, y2: float, half_width: float) -> Field:
    """Return the shape of a straight line with round ends."""
    along_x, along_y = x2 - x1, y2 - y1
    part = ((across - x1) * along_x + (down - y1) * along_y) / (along_x**2 + along_y**2)
    part = np.clip(part, 0, 1)
    return np.hypot(across - x1 - part * along_x, down - y1 - part * along_y) - half_width


def microphone(x: float, y: float, size: float) -> Field:
    """Return the shape of a microphone: a capsule in its holder, on a foot."""
    body = line(x, y - 0.30 * size, x, y + 0.02 * size, 0.15 * size)
    level = y + 0.02 * size
    ends = np.hypot(np.abs(across - x) - 0.285 * size, down - level) - 0.04 * size
    holder = np.where(down > level, ring(x, level, 0.285 * size, 0.04 * size), ends)
    stem = line(x, y + 0.305 * size, x, y + 0.46 * size, 0.04 * size)
    foot = line(x - 0.14 * size, y + 0.47 * size, x + 0.14 * size, y + 0.47 * size, 0.04 * size)
    return np.minimum(np.minimum(body, holder), np.minimum(stem, foot))


def draw() -> bytes:
    """Draw the picture and return it as a PNG file."""
    picture = Picture()
    for radius, opacity in ((250, 0.28), (320, 0.16), (400, 0.09), (490, 0.05)):
        picture.paint(ring(600, 315, radius, 5), colour(RING), opacity)
    for x, y, radius, light, deep in CROWD:
        picture.disc(x, y, radius, light, deep)
        picture.paint(circle(x, y - 0.2 * radius, 0.3 * radius), colour(WHITE), 0.85)
        shoulders = np.maximum(circle(x, y + 0.75 * radius, 0.6 * radius), circle(x, y, radius))
        picture.paint(shoulders, colour(WHITE), 0.85)
    picture.paint(ring(600, 315, 186, 10), colour(RING))
    picture.disc(600, 315, 160, *STAGE)
    picture.paint(microphone(600, 305, 190), colour(WHITE))
    picture.paint(circle(718, 197, 50), colour(GAP))
    picture.paint(circle(718, 197, 34), colour(RED))
    return picture.png()
