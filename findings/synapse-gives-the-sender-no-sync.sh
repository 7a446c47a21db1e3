#!/usr/bin/env bash
# Synapse gives an application service's sender no sync, but any other user of its namespace one.
#
# Tried with: matrix-synapse 1.163.2 on SQLite (its default database), Python 3.11.
#
# One would guess: the user of `sender_localpart` is a user like those of the namespace, and can ask
# for its devices' to-device messages by /sync or by sliding sync (MSC4186).
#
# What happens: as the sender, both answer 500 (NotImplementedError in Synapse's log); as another user
# of the namespace, by the same token with `?user_id=…&device_id=…`, both answer 200. So the bot is no
# sender: the keys of encrypted rooms come by a sync alone.
#
# Prints the answers. Ends with 0 if it was so, with 1 if not (any more).
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


def write_config() -> None:
    (HERE / "as.yaml").write_text(json.dumps({
        "id": "listener", "url": f"http://127.0.0.1:{AS}", "as_token": "as", "hs_token": "hs",
        "sender_localpart": "listener", "rate_limited": False, "io.element.msc4190": True,
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


SENDER, OTHER = "@listener:localhost", "@other:localhost"
CLIENT = f"http://127.0.0.1:{HS}/_matrix/client"


async def call(method: str, path: str, body: object = None, **query: str) -> int:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer as"}) as http:
        async with http.request(method, CLIENT + path, json=body, params=query) as answer:
            return answer.status


async def main() -> int:
    write_config()
    generate = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        "--generate-keys", cwd=HERE)
    await generate.wait()
    process = await start_homeserver()
    register = {"type": "m.login.application_service", "username": "other", "inhibit_login": True}
    await call("POST", "/v3/register", register)
    extensions = {"extensions": {"to_device": {"enabled": True}}, "lists": {}}
    answers: dict[str, int] = {}
    for name, user in (("the sender", SENDER), ("another user", OTHER)):
        await call("PUT", "/v3/devices/PHONE", {"display_name": "phone"}, user_id=user)
        who = {"user_id": user, "device_id": "PHONE", "timeout": "0"}
        answers[f"{name}, /sync"] = await call("GET", "/v3/sync", **who)
        path = "/unstable/org.matrix.simplified_msc3575/sync"
        answers[f"{name}, sliding sync"] = await call("POST", path, extensions, **who)
    process.send_signal(signal.SIGTERM)
    await process.wait()
    for how, status in answers.items():
        print(f"  {how}: {status}")
    return 0 if list(answers.values()) == [500, 500, 200, 200] else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
# Seen: the sender 500 and 500, another user 200 and 200.
