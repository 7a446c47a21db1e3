"""A control process of its own, to be killed: a stage that answers offers from its stdin.

Lines of JSON: `{"user", "direction", "sdp"}` in, `{"answer"}` out. The first line out tells
the worker's pid. Called with the runtime directory; every gate is open.
"""

import asyncio
import json
import sys
from pathlib import Path

from spaces_bridge.app.ports import Direction
from spaces_bridge.core.ids import UserId
from spaces_bridge.media.stage import WorkerStage
from tests.support.stage import GUEST, HOST, SPACE, Noted, options


async def main() -> None:
    stage = WorkerStage(options(Path(sys.argv[1])))
    stage.listen(Noted())
    await stage.start()
    stage.open_space(SPACE, 0)
    stage.set_gates(SPACE, [HOST, GUEST])
    print(json.dumps({"worker": stage.worker_pid}), flush=True)  # noqa: T201 - its way to answer
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        asked = json.loads(line)
        direction = Direction(asked["direction"])
        session = await stage.offer(SPACE, UserId(asked["user"]), direction, asked["sdp"])
        print(json.dumps({"answer": session.answer}), flush=True)  # noqa: T201 - the same
    await stage.stop()


if __name__ == "__main__":
    asyncio.run(main())
