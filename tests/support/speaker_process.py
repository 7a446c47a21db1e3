"""A speaker in a process of its own, to be killed in the middle of a word.

Arguments: the WHIP address and the bearer. Says "connected" once it is, then hums for ever.
"""

import asyncio
import sys

import aiohttp

from spaces_bridge_demo.peer import SpeakerPeer, over_http
from tests.support.sound import tone


async def hum(url: str, bearer: str) -> None:
    """Until killed."""
    async with aiohttp.ClientSession() as http:
        peer = SpeakerPeer(over_http(http, url, bearer=bearer))
        await peer.connect()
        sys.stdout.write("connected\n")
        sys.stdout.flush()
        while True:
            peer.say(tone(440, 1.0))
            await peer.said()


if __name__ == "__main__":
    asyncio.run(hum(*sys.argv[1:]))
