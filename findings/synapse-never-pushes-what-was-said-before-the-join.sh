#!/usr/bin/env bash
# Synapse never pushes to an application service what was said while its user was only invited.
#
# Tried with: matrix-synapse 1.163.2 on SQLite (its default database), Python 3.11.
#
# One would guess: a service whose user is invited to a room gets the events of the room from the
# invite on, as the user may read them (history visibility "shared"), or gets them with the join.
#
# What happens: the invite is pushed, then the join, then what is said after it. What was said in between
# is not, ever; `GET /rooms/{roomId}/messages` of the user shows it. Clients that make a direct chat
# with its first message (as Element Web does) say just that in between.
#
# Prints what was pushed, and what the user can read. Ends with 0 if it was so, with 1 if not (any more).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check matrix-synapse==1.163.2 aiohttp==3.14.5
cat >"$folder/look.py" <<'PYTHON'
import asyncio
import hashlib
import hmac
import json
import signal
import socket
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

HERE = Path(sys.argv[1])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


HS, AS = free_port(), free_port()
BASE = f"http://127.0.0.1:{HS}"
BOT = "@bot:localhost"


def write_config() -> None:
    (HERE / "as.yaml").write_text(json.dumps({
        "id": "listener", "url": f"http://127.0.0.1:{AS}", "as_token": "as", "hs_token": "hs",
        "sender_localpart": "listener", "rate_limited": False,
        "namespaces": {"users": [{"exclusive": True, "regex": BOT}], "rooms": [], "aliases": []},
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


async def homeserver(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        *arguments, cwd=HERE)


async def call(token: str, method: str, path: str, body: object = None, **query: str) -> dict:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with aiohttp.ClientSession(headers=headers) as http:
        async with http.request(method, BASE + path, json=body, params=query) as answer:
            assert answer.status == 200, await answer.text()
            return await answer.json()


async def until_up() -> None:
    for _ in range(600):
        try:
            await call("", "GET", "/_matrix/client/versions")
            return
        except (aiohttp.ClientError, AssertionError):
            await asyncio.sleep(0.1)
    raise SystemExit("Synapse does not start")


async def register(name: str) -> str:
    nonce = (await call("", "GET", "/_synapse/admin/v1/register"))["nonce"]
    text = f"{nonce}\0{name}\0password\0notadmin".encode()
    mac = hmac.new(b"secret", text, hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": name, "password": "password", "mac": mac}
    return str((await call("", "POST", "/_synapse/admin/v1/register", body))["access_token"])


def told(events: list) -> list[str]:
    names = {"m.room.member": "membership", "m.room.message": "body"}
    return [str(event["content"].get(names[event["type"]])) for event in events
            if event["type"] in names
            and (event["type"] == "m.room.message" or event["state_key"] == BOT)]


async def main() -> int:
    write_config()
    await (await homeserver("--generate-keys")).wait()
    pushed: list = []
    last = asyncio.Event()

    async def transaction(request: web.Request) -> web.Response:
        pushed.extend((await request.json())["events"])
        if "after" in told(pushed):
            last.set()
        return web.json_response({})

    app = web.Application()
    app.router.add_put("/_matrix/app/v1/transactions/{id}", transaction)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", AS).start()
    process = await homeserver()
    await until_up()
    client = "/_matrix/client/v3"
    await call("as", "POST", f"{client}/register",
               {"type": "m.login.application_service", "username": "bot"})
    ada = await register("ada")
    made = await call(ada, "POST", f"{client}/createRoom",
                      {"preset": "private_chat", "is_direct": True, "invite": [BOT]})
    room = made["room_id"]

    async def say(text: str) -> None:
        path = f"{client}/rooms/{room}/send/m.room.message/{text}"
        await call(ada, "PUT", path, {"msgtype": "m.text", "body": text})

    await say("before")
    await call("as", "POST", f"{client}/join/{room}", {}, user_id=BOT)
    await say("after")
    await asyncio.wait_for(last.wait(), 60)
    read = await call("as", "GET", f"{client}/rooms/{room}/messages", user_id=BOT, dir="f")
    process.send_signal(signal.SIGTERM)
    await process.wait()
    await runner.cleanup()
    print(f"  pushed to the service: {', '.join(told(pushed))}")
    print(f"  what its user can read: {', '.join(told(read['chunk']))}")
    so = told(pushed) == ["invite", "join", "after"] and "before" in told(read["chunk"])
    return 0 if so else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
# Seen: pushed invite, join, after; readable invite, before, join, after.
