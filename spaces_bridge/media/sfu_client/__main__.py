"""The command `python -m spaces_bridge.media.sfu_client DIRECTORY` runs one SFU client.

Messages come by standard input and go by standard output. When the input ends, the process does.
"""

import asyncio
import logging
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

_CHUNK: Final = 64 * 1024
_STOP_S: Final = 3.0
_PRIORITY: Final = -5
"""A nice value, as the media worker's."""


async def _serve(directory: Path, output: int) -> None:
    from spaces_bridge.media.sfu_client.client import SfuClient
    from spaces_bridge.media.sfu_client.codec import CODEC
    from spaces_bridge.media.sfu_client.messages import SfuClientReady, SfuMessage, ToSfuClient
    from spaces_bridge.wire.messages import TooLong

    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    writing, _ = await loop.connect_write_pipe(asyncio.Protocol, os.fdopen(output, "wb"))

    def tell(message: SfuMessage) -> None:
        try:
            writing.write(CODEC.encode(message))
        except TooLong as problem:
            log.error("a message is not sent: %s", problem)

    client = SfuClient(directory, tell)
    client.start()
    tell(SfuClientReady(os.getpid()))
    framer = CODEC.framer()
    while data := await reader.read(_CHUNK):
        for body in framer.feed(data):
            message = CODEC.decode(body)
            if isinstance(message, ToSfuClient):
                client.obey(message)
    with suppress(TimeoutError):
        async with asyncio.timeout(_STOP_S):
            await client.stop()


def main() -> None:
    """Run until the input ends."""
    output = os.dup(1)
    os.dup2(2, 1)  # what the native library prints must not get between the messages
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s sfu-client %(levelname)s %(message)s"
    )
    from spaces_bridge.media.sfu_client.secrecy import WithoutTokens

    for handler in logging.getLogger().handlers:
        handler.addFilter(WithoutTokens())
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # what matters the relay says, once
    status = 1
    try:
        asyncio.run(_serve(Path(sys.argv[1]), output))
        status = 0
    except Exception:
        log.exception("the SFU client failed")
    finally:
        sys.stderr.flush()
        os._exit(status)  # the native library's threads are not waited for


if __name__ == "__main__":
    main()
