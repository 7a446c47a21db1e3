"""A bridge without sound in a process of its own, to be killed; run by `test_followers_crash.py`.

Takes the settings as JSON and the database's path; says "ready" once it works, and runs for ever.
"""

import asyncio
import json
import sys
from pathlib import Path

from spaces_bridge.matrix import MatrixSettings
from tests.matrix.support import Bridge


async def live(settings: MatrixSettings, database: Path) -> None:
    """Until killed."""
    async with Bridge(settings, database):
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(live(MatrixSettings(**json.loads(sys.argv[1])), Path(sys.argv[2])))
