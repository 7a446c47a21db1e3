"""Events that are not what the spec says, all the way from the transaction to the rules.

A room may be in which anybody sends anything: each field of each event type is generated, and the
room is so full that the ways that pass, skip and merge are taken, too.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.appservice.consumer import WAITING_MAX
from spaces_bridge.matrix.settings import MatrixSettings
from tests.matrix.support import Bridge, eventually
from tests.support.spaces import BEN, CREATE, EVE, HOST, ROOM

pytestmark = pytest.mark.peers

TYPES = (
    "m.room.member",
    "m.room.power_levels",
    "m.room.message",
    "m.room.encrypted",
    "m.room.redaction",
    "m.room.tombstone",
    "m.reaction",
    "m.sticker",
    "m.policy.rule.user",
    "m.room.create",
)
WORDS = ("join", "leave", "ban", "invite", "m.text", "m.annotation", "m.replace", "m.thread")
TEXTS = (
    "",
    "✋",
    "👏",
    "$card",
    "!space mute ben",
    "!space queue",
    HOST,
    BEN,
    "@spacesbot:localhost",
)
LONG = "@" + "x" * 60_000 + ":example.org"

FIELDS = (
    "membership", "displayname", "avatar_url", "is_direct", "users", "users_default", "events",
    "body", "msgtype", "formatted_body", "filename", "m.relates_to", "m.new_content",
    "m.mentions", "rel_type", "event_id", "key", "m.in_reply_to", "redacts", "replacement_room",
    "entity", "recommendation", "reason", "io.spacesbridge.chat", "predecessor",
)  # fmt: skip
scalar = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(WORDS),
    st.sampled_from(TEXTS),
    st.just(LONG),
)
anything = st.recursive(
    scalar,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(st.sampled_from([*FIELDS, "", "x"]), inner, max_size=3),
    ),
    max_leaves=4,
)
content = st.dictionaries(st.sampled_from(FIELDS), anything, max_size=5)
events = st.fixed_dictionaries(
    {
        "type": st.one_of(st.sampled_from(TYPES), anything),
        "sender": st.one_of(st.sampled_from([HOST, BEN, EVE]), anything),
        "content": st.one_of(content, anything),
    },
    optional={
        "room_id": st.one_of(st.just(ROOM), anything),
        "state_key": st.one_of(st.sampled_from(["", HOST, BEN]), anything),
        "redacts": anything,
        "origin_server_ts": anything,
        "unsigned": anything,
        "event_id": anything,
    },
)


ANSWERS = {
    "/versions": {"versions": ["v1.11"]},
    "/register": {"user_id": "@spacesbot:example.org"},
    "/account/whoami": {"user_id": "@spacesbot:example.org"},
    "/ping": {"duration_ms": 1},
    "/joined_rooms": {"joined_rooms": [ROOM]},
    "/messages": {"chunk": [], "start": "t0"},
}


class Homeserver:
    """Holds the state of one room, whatever it was sent, and can be made to wait."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.state: dict[tuple[str, str], dict[str, Any]] = {}
        self.messages = 0
        """How many the bridge has wanted to send."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        app = web.Application(client_max_size=1 << 20)
        app.router.add_route("*", "/{path:.*}", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        await self.open.wait()
        path = request.path
        self.messages += "/send/m.room.message/" in path
        if "/devices/" in path or "/profile/" in path:
            return web.json_response({})
        known = next((said for end, said in ANSWERS.items() if path.endswith(end)), None)
        if known is not None:
            return web.json_response(known)
        _, is_state, place = path.partition(f"/rooms/{ROOM}/state/")
        type_, _, key = place.partition("/")
        held = self.state.get((type_, key)) if is_state and request.method == "GET" else None
        if held is not None:
            whole = request.query.get("format") == "event"
            return web.json_response(held if whole else held["content"])
        error = {"errcode": "M_NOT_FOUND", "error": "not here"}
        return web.json_response(error, status=404)

    def learn(self, event: object) -> None:
        """A homeserver lets state have any content, but not any type or key."""
        if not isinstance(event, dict) or not isinstance(event.get("content"), dict):
            return
        type_, key = event.get("type"), event.get("state_key")
        # the room would be lost: that is another test's
        if isinstance(type_, str) and isinstance(key, str) and type_ != "m.room.tombstone":
            self.state[type_, key] = event


class RunningBridge:
    """A bridge with one live space, and a homeserver's way to send it events."""

    def __init__(
        self, bridge: Bridge, homeserver: Homeserver, http: aiohttp.ClientSession
    ) -> None:
        self.bridge = bridge
        self.homeserver = homeserver
        self._http = http
        self._sent = 0

    async def send(self, *sent: object) -> None:
        """One transaction; ids are given to events that have none."""
        self._sent += 1
        named = [
            {"event_id": f"$e{self._sent}-{place}", "room_id": ROOM, **event}
            if isinstance(event, dict)
            else event
            for place, event in enumerate(sent)
        ]
        for event in named:
            self.homeserver.learn(event)
        port = self.bridge.matrix.port
        url = f"http://127.0.0.1:{port}/_matrix/app/v1/transactions/{self._sent}"
        body = json.dumps({"events": named}).encode()
        async with self._http.put(url, data=body) as answer:
            assert answer.status == 200

    async def takes(self, sent: list[object]) -> None:
        """What is sent comes while the room is crowded; at last nothing waits any more."""
        self.homeserver.open.clear()
        await self.send(*crowd(), *sent)
        self.homeserver.open.set()
        await self.handled()

    async def handled(self) -> None:
        """Nothing waits in the inbox, and no task has failed."""

        async def empty() -> bool:
            return not await self.bridge.storage.inbox.pending(0, 1)

        await eventually(empty, "events wait for ever")

    async def hears(self) -> None:
        """What a person says afterwards is still answered."""
        before = self.homeserver.messages
        text = {"msgtype": "m.text", "body": "!space nonsense"}
        await self.send({"type": "m.room.message", "sender": BEN, "content": text})

        def answered() -> bool:
            return self.homeserver.messages > before

        await eventually(answered, "a command is not answered")

    def restarts(self) -> int:
        return sum(self.bridge.tasks.restarts.values())


@asynccontextmanager
async def running_bridge(database: Path | str) -> AsyncIterator[RunningBridge]:
    homeserver = Homeserver()
    async with homeserver.running() as url:
        wanted = MatrixSettings(url, "example.org", "as", "hs", "https://pages", port=0)
        headers = {"Authorization": "Bearer hs"}
        client = aiohttp.ClientSession(headers=headers)
        async with Bridge(wanted, database) as bridge, client as http:
            await bridge.connected()
            await bridge.spaces.create(CREATE)
            names = {HOST: "Ada", BEN: "Ben", EVE: "Eve"}
            for command in (
                cmd.AttachRoom(RoomId(ROOM)),
                cmd.ObserveRoom({UserId(HOST): 90}, names),
                cmd.StartSpace(HOST, 2_000),
            ):
                await bridge.spaces.ask(CREATE.space, command)
            yield RunningBridge(bridge, homeserver, http)


def crowd() -> list[dict[str, Any]]:
    """So many events of the room, the first of which waits, that what presses passes them."""
    text = {"msgtype": "m.text", "body": "hello"}
    first = {"type": "m.room.member", "state_key": BEN, "sender": BEN, "content": {}}
    said = {"type": "m.room.message", "sender": EVE, "content": text}
    return [first, *[said for _ in range(WAITING_MAX + 5)]]


class TestAnything:
    def test_every_field_of_every_event_ends_handled_or_buried(self, tmp_path: Path) -> None:
        with asyncio.Runner() as runner:
            opened = running_bridge(tmp_path / "spaces.db")
            here = runner.run(opened.__aenter__())

            @settings(
                max_examples=60,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                database=None,
            )
            @given(st.lists(st.one_of(events, anything), min_size=1, max_size=12))
            def is_survived(sent: list[object]) -> None:
                runner.run(here.takes(sent))

            try:
                is_survived()
                runner.run(here.hears())
                assert here.restarts() == 0
            finally:
                runner.run(opened.__aexit__(None, None, None))


MEMBER: dict[str, Any] = {"type": "m.room.member", "sender": BEN, "state_key": BEN}


@pytest.mark.parametrize(
    "odd",
    [
        {**MEMBER, "content": {"membership": {"a": 1}}},
        {**MEMBER, "content": {"membership": ["leave"]}},
        {**MEMBER, "content": {"membership": "join", "displayname": ["Ben"]}},
        {**MEMBER, "content": {"membership": "join"}, "state_key": LONG},
        {**MEMBER, "content": {"membership": "join"}, "state_key": "@\ud800:x"},
        {**MEMBER, "content": {"membership": "join"}, "sender": LONG},
        {"type": "m.policy.rule.user", "sender": BEN, "state_key": LONG, "content": {}},
        {"type": "m.reaction", "sender": BEN, "content": {"m.relates_to": {
            "rel_type": "m.annotation", "event_id": "$" + LONG, "key": "✋"}}},
        {"type": "m.room.redaction", "sender": BEN, "content": {"redacts": "$" + LONG}},
    ],
    ids=lambda odd: str(odd)[:0] or None,
)  # fmt: skip
async def test_what_is_odd_stops_nobody(odd: dict[str, Any], tmp_path: Path) -> None:
    async with running_bridge(tmp_path / "spaces.db") as here:
        await here.takes([odd])
        await here.hears()
        assert here.restarts() == 0
