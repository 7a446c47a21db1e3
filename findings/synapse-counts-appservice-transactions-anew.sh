#!/usr/bin/env bash
# Synapse gives the same transaction ids to an application service again after a restart.
#
# Tried with: matrix-synapse 1.163.2 on SQLite (its default database), Python 3.11.
#
# One would guess: the id in `PUT /_matrix/app/v1/transactions/{txnId}` is new for every transaction
# ("the transaction ID for this set of events. Homeservers generate these IDs and they are used to
# ensure idempotency of requests", Application Service API), so that a service may leave out what
# comes under an id it has seen.
#
# What happens: Synapse counts from 1 again when it was restarted while no transaction was waiting.
# Other events come under ids that were used before: a service that remembers ids over a restart of
# the homeserver would lose them. Events have to be told apart by their own ids.
#
# Prints the transactions as they come. Ends with 0 if it was so, with 1 if not (any more).
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
seen: list[tuple[str, str]] = []
"""Transaction id, and the text of each message that came in it."""


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
            seen.append((request.match_info["txn"], event["content"]["body"]))
            print(f"  transaction {request.match_info['txn']}: {event['content']['body']}", flush=True)
    return web.json_response({})


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


async def say(room: str, text: str) -> None:
    """Write a message as the service's own user, and wait until it has come back."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer as"}) as http:
        url = f"{BASE}/rooms/{room}/send/m.room.message/{text.replace(' ', '-')}"
        async with http.put(url, json={"msgtype": "m.text", "body": text}) as answer:
            assert answer.status == 200, await answer.text()
    for _ in range(300):
        if any(body == text for _, body in seen):
            return
        await asyncio.sleep(0.1)
    raise SystemExit(f"'{text}' never came")


async def main() -> int:
    write_config()
    app = web.Application()
    app.router.add_put("/_matrix/app/v1/transactions/{txn}", take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", AS).start()
    generate = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        "--generate-keys", cwd=HERE)
    await generate.wait()
    process = await start_homeserver()
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer as"}) as http:
        async with http.post(f"{BASE}/createRoom", json={}) as answer:
            room = (await answer.json())["room_id"]
    print("Before the restart:")
    await say(room, "one")
    await say(room, "two")
    await asyncio.sleep(2)  # nothing is waiting any more
    process.send_signal(signal.SIGTERM)
    await process.wait()
    process = await start_homeserver()
    print("After it:")
    await say(room, "three")
    await say(room, "four")
    process.send_signal(signal.SIGTERM)
    await process.wait()
    await runner.cleanup()
    before = {txn for txn, body in seen if body in ("one", "two")}
    again = {txn for txn, body in seen if body in ("three", "four")}
    ids_come_again = bool(again) and min(map(int, again)) <= max(map(int, before))
    print("Ids were given again:", "yes" if ids_come_again else "no")
    return 0 if ids_come_again else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
# Seen: transactions 5 and 6 before the restart, 1 and 2 after it.
