#!/usr/bin/env bash
# Synapse forgets over a restart what an application service has sent, unless a device sent it.
#
# Tried with: matrix-synapse 1.163.2 on SQLite (its default database), Python 3.11.
#
# One would guess: `PUT …/send/m.room.message/{txnId}` with the same transaction id makes one message,
# also when the homeserver was restarted between the two requests; a service that does not know
# whether its request arrived may send it again ("Transaction identifiers", Client-Server API).
#
# What happens: sent as a user of the service (`?user_id=`), the second request makes a second message.
# With a device of that user beside it (`?user_id=…&device_id=…`, MSC4326; the device is made by
# `PUT /devices/{deviceId}`, MSC4190), there is one message. Without a restart there is one either way.
#
# Prints how many messages there are. Ends with 0 if it was so, with 1 if not (any more).
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

HERE = Path(sys.argv[1])


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


USER = "@listener:localhost"


async def call(method: str, path: str, body: object = None, **query: str) -> dict[str, object]:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer as"}) as http:
        async with http.request(method, BASE + path, json=body, params=query) as answer:
            assert answer.status in (200, 201), await answer.text()
            return await answer.json()


async def send(room: str, text: str, **device: str) -> None:
    path = f"/rooms/{room}/send/m.room.message/{text.replace(' ', '-')}"
    await call("PUT", path, {"msgtype": "m.text", "body": text}, user_id=USER, **device)


async def main() -> int:
    write_config()
    generate = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        "--generate-keys", cwd=HERE)
    await generate.wait()
    process = await start_homeserver()
    await call("PUT", "/devices/PHONE", {"display_name": "phone"}, user_id=USER)
    room = str((await call("POST", "/createRoom", {}, user_id=USER))["room_id"])
    ways: dict[str, dict[str, str]] = {"without a device": {}, "with a device": {"device_id": "PHONE"}}
    for how, device in ways.items():
        await send(room, how, **device)
        await send(room, how, **device)
    process.send_signal(signal.SIGTERM)
    await process.wait()
    process = await start_homeserver()
    for how, device in ways.items():
        await send(room, how, **device)
    found = await call("GET", f"/rooms/{room}/messages", user_id=USER, dir="b", limit="100")
    process.send_signal(signal.SIGTERM)
    await process.wait()
    bodies = [event["content"].get("body") for event in found["chunk"]]  # type: ignore[union-attr]
    counted = {how: bodies.count(how) for how in ways}
    for how, number in counted.items():
        print(f"  sent twice before the restart and once after it, {how}: {number} in the room")
    return 0 if counted == {"without a device": 2, "with a device": 1} else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
# Seen: without a device 2 in the room, with a device 1.
