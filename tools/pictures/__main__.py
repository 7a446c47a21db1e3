"""Draw all pictures anew, and write each to the file where the bridge looks for it."""

from pathlib import Path

from spaces_bridge.core.live_space import Phase
from tools.pictures import links, rooms

PACKAGE = Path(__file__).parents[2] / "spaces_bridge"
ROOMS = PACKAGE / "matrix" / "shown" / "pictures"
LINKS = PACKAGE / "web" / "static" / "og.png"


def drawn() -> dict[Path, bytes]:
    """Return every picture that ships, by its file."""
    files = {
        ROOMS / f"{phase.value}-{tone}.png": rooms.picture(phase, tone)
        for phase in Phase
        for tone in range(rooms.TONES)
    }
    return {**files, ROOMS / "bot.png": rooms.bot_picture(), LINKS: links.draw()}


if __name__ == "__main__":
    for path, content in drawn().items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
