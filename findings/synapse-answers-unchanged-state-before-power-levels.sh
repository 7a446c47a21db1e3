#!/usr/bin/env bash
# Synapse answers 200 to a state event that says what is there already, before it looks at power levels.
#
# Tried with: matrix-synapse 1.163.2 on SQLite (its default database), Python 3.11.
#
# One would guess: `PUT …/state/{eventType}/{stateKey}` by a user whose power level is too low answers
# 403 ("the sender doesn't have permission to send the event into the room", Client-Server API),
# whatever the content; so a 200 says that the user may set this state.
#
# What happens: who set the state and has lost the level since may send the same content again: the
# answer is 200 with the id of the old event, and no event is made. The same user gets 403 for any other
# content, and somebody else without the level gets 403 for the same content. A 200 does not say that
# the user may; whether an event was made shows by its id alone.
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


async def call(user: str, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
    """Do a request as this user; returns the status and the answer."""
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer as"}) as http:
        query = {"user_id": user}
        async with http.request(method, BASE + path, json=body, params=query) as answer:
            return answer.status, await answer.json()


async def ask(alice: str, bob: str) -> list[tuple[int, dict[str, object]]]:
    """Take Alice's level from her between two requests of hers; returns the answers."""
    owner = "@listener:localhost"
    for name in ("alice", "bob"):
        login = {"type": "m.login.application_service", "username": name}
        status, _ = await call(owner, "POST", "/register", login)
        assert status == 200, name
    status, made = await call(owner, "POST", "/createRoom", {
        "preset": "public_chat", "room_version": "11",
        "power_level_content_override": {"users": {owner: 100, alice: 50}}})
    assert status == 200, made
    room = f"/rooms/{made['room_id']}"
    for user in (alice, bob):
        status, joined = await call(user, "POST", f"{room}/join", {})
        assert status == 200, joined
    topic, levels = f"{room}/state/m.room.topic", f"{room}/state/m.room.power_levels"
    answers = [await call(alice, "PUT", topic, {"topic": "stars"})]
    _, content = await call(owner, "GET", levels)
    answers.append(await call(owner, "PUT", levels, content | {"users": {owner: 100}}))
    for user, text in ((alice, "stars"), (alice, "moons"), (bob, "stars")):
        answers.append(await call(user, "PUT", topic, {"topic": text}))
    return answers


TOLD = ("Alice, with level 50, sets the topic 'stars'", "Her level is taken from her",
        "Alice, with level 0, sets the topic 'stars'", "Alice, with level 0, sets the topic 'moons'",
        "Bob, who never had more than level 0, sets the topic 'stars'")


async def main() -> int:
    write_config()
    generate = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "synapse.app.homeserver", "-c", str(HERE / "homeserver.yaml"),
        "--generate-keys", cwd=HERE)
    await generate.wait()
    process = await start_homeserver()
    try:
        answers = await ask("@alice:localhost", "@bob:localhost")
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()
    for what, (status, answer) in zip(TOLD, answers, strict=True):
        print(f"  {what}: {status} {answer.get('event_id', answer.get('error'))}")
    is_the_old_one = answers[0][1].get("event_id") == answers[2][1].get("event_id")
    print("The third answer has the first one's event id:", "yes" if is_the_old_one else "no")
    return 0 if is_the_old_one and [status for status, _ in answers] == [200, 200, 200, 403, 403] else 1


raise SystemExit(asyncio.run(main()))
PYTHON
"$folder/venv/bin/python" "$folder/look.py" "$folder"
# Seen: 200, then (without the level) 200 with the same event id, 403, 403.
