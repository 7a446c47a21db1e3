#!/usr/bin/env bash
# LiveKit's server API for Python waits for ever, whatever timeout it is given.
#
# Tried with: livekit-api 1.2.2, aiohttp 3.14.5, Python 3.11.
#
# One would guess: `LiveKitAPI(url, key, secret, timeout=ClientTimeout(total=1))` gives up a request
# after a second, and without `timeout` after ten, as its documentation says ("Request timeout
# (default: 10 seconds)").
#
# What happens: the timeout goes to the aiohttp session, and each request is then made with
# `timeout=None`, which in aiohttp means "none at all" and takes the place of the session's. A server
# that takes the request and says nothing is waited for without end, as when a room's node in a cluster
# has died. Who needs an end puts `asyncio.timeout` around each call.
#
# Runs a server on loopback that never answers. Prints what came of the request after three seconds.
# Ends with 0 if it was so, with 1 if not (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check livekit-api==1.2.2 aiohttp==3.14.5
cat >"$folder/look.py" <<'PYTHON'
import asyncio
import sys

import aiohttp
from livekit import api

LIMIT_S, WATCHED_S = 1.0, 3.0


async def say_nothing(reader, _writer):
    while await reader.read(65536):
        pass


async def main():
    server = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    timeout = aiohttp.ClientTimeout(total=LIMIT_S)
    asked = api.LiveKitAPI(url, "key", "s" * 40, timeout=timeout, failover=False)
    call = asyncio.ensure_future(asked.room.list_rooms(api.ListRoomsRequest()))
    done, _ = await asyncio.wait({call}, timeout=WATCHED_S)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await asked.aclose()
    server.close()
    still = "is still waiting" if not done else "has ended"
    print(f"a request with a timeout of {LIMIT_S:g} s {still} after {WATCHED_S:g} s")
    return 1 if done else 0


sys.exit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py"
