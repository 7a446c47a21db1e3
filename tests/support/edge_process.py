"""The successor of a dead worker, for tests: an edge on an inherited socket.

    python -m tests.support.edge_process FD < one JSON line {"peer": …, "record": …}

Sends silence to that peer until it is killed.
"""

import asyncio
import json
import socket
import sys

from spaces_bridge.media.worker.edge.edge import Edge
from spaces_bridge.media.worker.values import (
    ListenerPayload,
    ResumeRecord,
)
from tests.support.edge import SILENCE


async def main() -> None:
    """Restore the peer and go on."""
    udp = socket.socket(fileno=int(sys.argv[1]))
    udp.setblocking(False)
    port = udp.getsockname()[1]
    edge = Edge(
        [udp], [], ["127.0.0.1"], port, on_packet=lambda *_: None, on_state=lambda *_: None
    )
    edge.start(asyncio.get_running_loop())
    wanted = json.loads(await asyncio.to_thread(sys.stdin.readline))
    edge.restore(wanted["peer"], ResumeRecord.decode(wanted["record"].encode()))
    while True:
        edge.fan_out(960, [ListenerPayload((wanted["peer"],), SILENCE)])
        await asyncio.sleep(0.02)


if __name__ == "__main__":
    asyncio.run(main())
