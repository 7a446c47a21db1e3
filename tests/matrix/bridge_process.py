"""A bridge without sound in a process of its own, to be killed; run by `test_followers_crash.py`.

Takes the settings as JSON and the database's path. Says again and again how many invitations are
still to be sent, and runs for ever.
"""

import asyncio
import json
import sys
from pathlib import Path

from spaces_bridge.matrix import MatrixSettings
from tests.matrix.support import Bridge

SAID_EVERY_S = 0.3
MANY = 100_000


async def live(settings: MatrixSettings, database: Path) -> None:
    """Until killed."""
    async with Bridge(settings, database) as bridge:
        while True:
            kinds = [row.effect.kind for row in await bridge.outbox.pending(0, MANY)]
            begun = "followers.announce_live" not in kinds
            left = kinds.count("invitation.send") if begun else MANY
            sys.stdout.write(f"{left}\n")
            sys.stdout.flush()
            await asyncio.sleep(SAID_EVERY_S)


if __name__ == "__main__":
    asyncio.run(live(MatrixSettings(**json.loads(sys.argv[1])), Path(sys.argv[2])))
