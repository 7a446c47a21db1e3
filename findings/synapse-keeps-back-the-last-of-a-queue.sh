#!/usr/bin/env bash
# Synapse keeps an event back from an application service that has just come back.
#
# Tried with: matrix-synapse 1.163.2 on SQLite (its default database), Python 3.11, two cores.
#
# One would guess: every event is pushed until it is acknowledged, in order; after the service was
# away for a moment, its ping has the homeserver deliver all that waits (MSC2659).
#
# What happens: while the service counts as down, a new event only joins the queue. The last event may
# join in the moment when the queue was found empty and the service is about to count as up: then
# nobody sends it. Later events come as ever; this one comes after the next outage, before others. Who
# needs it earlier has to read the room.
#
# Sixty times: an event while the service is away, a ping when it is back, and three rooms in which
# messages are written. Prints what has not come after eight seconds. It takes chance: ends with 0 if
# it was so once at least, with 1 if not (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check matrix-synapse==1.163.2 aiohttp==3.14.5
cat >"$folder/look.py" <<'PYTHON'
import asyncio
import json
import signal
import socket
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

HERE = Path(sys.argv[1])
seen: set[str] = set()
"""The text of each message that came."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


HS, AS = free_port(), free_port()
BASE = f"http://127.0.0.1:{HS}/_matrix/client/v3"


def write_config() -> None:
    (HERE / "as.yaml").write_text(json.dumps({
        "id": "listener", "url": f"http://127.0.0.1:{AS}", "as_token": "as", "hs_token": "hs",
        "sender_localpart": "listener", "rate_limited": False,
        "namespaces": {"users": [{"exclusive": False, "regex": "@.*"}], "rooms": [], "aliases": []},
    }))
    (HERE / "log.yaml").write_text(json.dumps({"version": 1, "root": {"level": "ERROR"}}))
    (HERE / "homeserver.yaml").write_text(json.dumps({
        "server_name": "localhost", "report_stats": False, "pid_file": str(HERE / "pid"),
        "listeners": [{"port": HS, "type": "http", "bind_addresses": ["127.0.0.1"],
                       "resources": [{"names": ["client"]}]}],
        "database": {"name": "sqlite3", "args": {"database": str(HERE / "db")}},
        "signing_key_path": str(HERE / "key"), "media_store_path": str(HERE / "media"),
        "log_config": str(HERE / "log.yaml"), "app_service_config_files": [str(HERE / "as.yaml")],
        "registration_shared_secret": "secret", "macaroon_secret_key": "a", "form_secret": "b",
        "trusted_key_servers": [], "suppress_key_server_warning": True,
    }))


async def take(request: web.Request) -> web.Response:
    for event in (await request.json())["events"]:
        if event["type"] == "m.room.message":
            seen.add(event["content"]["body"])
    return web.json_response({})


async def pong(_: web.Request) -> web.Response:
    return web.json_response({})


async def listen() -> web.AppRunner:
    app = web.Application()
    app.router.add_put("/_matrix/app/v1/transactions/{txn}", take)
    app.router.add_post("/_matrix/app/v1/ping", pong)
    runner = web.AppRunner(app, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", AS).start()
    return runner


async def start_homeserver() -> asyncio.subprocess.Process:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        cwd=HERE)
    async with aiohttp.ClientSession() as http:
        for _ in range(600):
            try:
                async with http.get(f"http://127.0.0.1:{HS}/_matrix/client/versions") as answer:
                    if answer.status == 200:
                        return process
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
    raise SystemExit("Synapse does not start")


async def say(http: aiohttp.ClientSession, room: str, text: str) -> None:
    url = f"{BASE}/rooms/{room}/send/m.room.message/{text}"
    async with http.put(url, json={"msgtype": "m.text", "body": text}) as answer:
        assert answer.status == 200, await answer.text()


async def come_back(http: aiohttp.ClientSession, rooms: list[str], number: int) -> list[str]:
    """The service was away and comes back; returns the messages that do not come."""
    said = [f"{number}-while-away"]
    await say(http, rooms[0], said[0])
    await asyncio.sleep(0.3)
    runner = await listen()
    ping = f"http://127.0.0.1:{HS}/_matrix/client/v1/appservice/listener/ping"
    async with http.post(ping, json={"transaction_id": f"ping{number}"}) as answer:
        assert answer.status == 200, await answer.text()

    async def chat(which: int) -> None:
        for at in range(12):
            said.append(f"{number}-room-{which}-message-{at}")
            await say(http, rooms[which], said[-1])

    await asyncio.gather(*map(chat, range(len(rooms))))
    for _ in range(160):
        if seen.issuperset(said):
            break
        await asyncio.sleep(0.05)
    missing = sorted(set(said) - seen)
    if missing:
        later = f"{number}-later"
        await say(http, rooms[0], later)
        await asyncio.sleep(1)
        print(f"  {missing} did not come; a later one did: {later in seen}", flush=True)
    await runner.cleanup()
    return missing


async def main() -> int:
    write_config()
    generate = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        "--generate-keys", cwd=HERE)
    await generate.wait()
    process = await start_homeserver()
    rooms: list[str] = []
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer as"}) as http:
        for _ in range(3):
            async with http.post(f"{BASE}/createRoom", json={}) as answer:
                rooms.append((await answer.json())["room_id"])
        kept_back = [await come_back(http, rooms, number) for number in range(60)]
    process.send_signal(signal.SIGTERM)
    await process.wait()
    times = sum(map(bool, kept_back))
    print(f"Returns after which an event was kept back: {times} of {len(kept_back)}")
    return 0 if times else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
# Seen: 5 of 60; one event each time, and the later one came.
