"""Tasks that run for ever are started by the supervisor: none ends and stays ended."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

PACKAGE = Path(__file__).parents[1] / "spaces_bridge"
STARTERS = frozenset({"create_task", "ensure_future", "TaskGroup", "Thread"})

SHORT_LIVED = {
    "app/ban_lists.py": "one unblock, which catches what can fail",
    "bootstrap.py": "waits for signals and for captions; its failure ends the program",
    "captions/worker/__main__.py": "the worker's process ends with it, and is replaced",
    "livekit/delayed_leaves.py": "asks one homeserver; looked after by the keeper's own run",
    "livekit/engine/operations.py": "one thing to do at LiveKit, until it is done",
    "livekit/engine/microphones.py": "asks a live space once, for one track",
    "livekit/microphone.py": "asks a live space once, for one client",
    "livekit/negotiation.py": "makes one offer; a failure ends its client's session",
    "livekit/remote/room.py": "asks a live space once, for one track",
    "livekit/signalling.py": "writes to one client, for as long as it is read from",
    "matrix/appservice/consumer.py": "a room's events; looked after by the consumer's own run",
    "matrix/crypto/key_sharing.py": "makes one room's keys ready, for who waits for it",
    "matrix/plain_calls/turns.py": "one step of one call; what fails there ends no other",
    "matrix/outbox/dispatcher.py": "a lane's tasks; looked after by the dispatcher's own run",
    "matrix/cards/avatars.py": "fetches one picture, for who waits for it",
    "media/nodes/dialer.py": "writes to the bridge, for as long as it is read from",
    "media/nodes/endpoint.py": "writes to one node, for as long as it is read from",
    "media/sfu_client/background.py": "the client's process, or one of its rooms, ends with them",
    "media/supervisor.py": "waits for one worker's end",
    "media/worker/process.py": "the worker's process ends with any of them, and is replaced",
    "media/worker/edge/tcp.py": "welcomes one connection",
    "pacing/fair_queue.py": "serves who waits, and is started by the next who does",
    "storage/database.py": "one piece of work, for who waits for it",
    "wire/piped_worker.py": "background tasks of one worker's life, which they end with",
    "web/feed/feed.py": "writes to one page, for as long as it is read from",
    "web/access/token_revocation.py": "voids one person's links",
}
"""Files that start tasks by themselves, and why none of them is to be started again."""


def starts_tasks(source: str) -> bool:
    calls = (node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    names = {f.attr if isinstance(f, ast.Attribute) else getattr(f, "id", "") for f in calls}
    return bool(names & STARTERS)


def test_tasks_are_started_by_the_supervisor_or_are_short() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if starts_tasks(path.read_text("utf-8"))
    }
    assert found == SHORT_LIVED.keys() | {"app/supervisor.py"}
