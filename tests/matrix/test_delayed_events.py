"""Delayed events at people's own homeservers: over TLS, at addresses of the internet alone."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from spaces_bridge.app.call_ports import DelayedEventGone
from spaces_bridge.app.errors import AdapterError
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client import client_api, delayed_events
from spaces_bridge.matrix.client.delayed_events import EVENTS, DelayedEventsClient
from spaces_bridge.matrix.client.name_servers import Resolver
from spaces_bridge.matrix.client.openid import OpenIdSettings
from tests.federation.authority import Authority
from tests.matrix.strangers import (
    HOME,
    INSIDE,
    LOOPBACK,
    FixedResolver,
    Server,
    connects,
    serving,
)

pytestmark = pytest.mark.peers

ALICE, BOB = UserId(f"@alice:{HOME}"), UserId("@bob:localhost")
RESTART = f"/{EVENTS}/syd_1/restart"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@asynccontextmanager
async def client(
    authority: Authority,
    allowed: tuple[str, ...] = LOOPBACK,
    names: Resolver | None = None,
    homeserver: str = "http://127.0.0.1:1",
) -> AsyncIterator[DelayedEventsClient]:
    settings = OpenIdSettings(homeserver, HOME, allowed, str(authority.root))
    resolver = names or FixedResolver(["127.0.0.1"])
    made = DelayedEventsClient(settings, new_resolver=lambda: resolver)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def site(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    """The site of `localhost`, whose file tests write."""
    async with serving(authority) as running:
        monkeypatch.setattr(client_api, "HTTPS_PORT", running.port)
        yield running


@pytest.mark.parametrize("action", ["restart", "send", "cancel"])
async def test_our_own_homeserver_is_asked_where_the_config_says(
    authority: Authority, action: str
) -> None:
    async with serving() as home:
        home.says(f"/{EVENTS}/syd_1/{action}", {})
        async with client(authority, (), homeserver=f"http://127.0.0.1:{home.port}") as events:
            await getattr(events, action)(ALICE, "syd_1")
        assert [path for path, _ in home.asked] == [f"/{EVENTS}/syd_1/{action}"]


async def test_other_servers_are_found_by_their_own_file_which_is_asked_for_once(
    authority: Authority, site: Server
) -> None:
    async with serving(authority) as api:
        base = {"base_url": f"https://{api.name}/"}
        site.says(client_api.WELL_KNOWN, {"m.homeserver": base})
        api.says(RESTART, {})
        async with client(authority) as events:
            await events.restart(BOB, "syd_1")
            await events.restart(BOB, "syd_1")
        assert [path for path, _ in api.asked] == [RESTART] * 2
        assert [path for path, _ in site.asked] == [client_api.WELL_KNOWN]


async def test_a_file_may_have_moved_and_name_a_path(authority: Authority, site: Server) -> None:
    site.answers[client_api.WELL_KNOWN] = web.Response(status=301, headers={"Location": "/moved"})
    site.says("/moved", {"m.homeserver": {"base_url": f"https://{site.name}/below"}})
    site.says(f"/below{RESTART}", {})
    async with client(authority) as events:
        await events.restart(BOB, "syd_1")


async def test_an_id_is_one_part_of_the_path_whatever_it_is(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with serving() as home:
        async with client(authority, (), homeserver=f"http://127.0.0.1:{home.port}") as events:
            for delay_id in ("../../v3/logout", "a/b?c#d", "..", "%2e%2e"):
                with pytest.raises(DelayedEventGone):
                    await events.send(ALICE, delay_id)
                assert delay_id not in caplog.text
        assert len(home.raw_paths) == 3
        for path in home.raw_paths:
            delay_id, action = path.removeprefix(f"/{EVENTS}/").split("/")
            assert (bool(delay_id), action) == (True, "send")


@pytest.mark.parametrize("errcode", ["M_NOT_FOUND", "M_UNRECOGNIZED"])
async def test_an_event_that_is_not_there_is_told_apart(
    authority: Authority, errcode: str
) -> None:
    async with serving() as home:
        home.says(RESTART, {"errcode": errcode}, status=404)
        async with client(authority, (), homeserver=f"http://127.0.0.1:{home.port}") as events:
            with pytest.raises(DelayedEventGone):
                await events.restart(ALICE, "syd_1")


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "lost"), (404, "[" * 9000), (429, "{}"), (500, "{}"), (302, ""), (404, "x" * 70_000)],
)
async def test_whatever_else_is_answered_is_asked_again_later(
    authority: Authority, status: int, body: str
) -> None:
    async with serving() as home:
        headers = {"Location": "/elsewhere"}
        home.answers[RESTART] = web.Response(status=status, text=body, headers=headers)
        async with client(authority, (), homeserver=f"http://127.0.0.1:{home.port}") as events:
            with pytest.raises(AdapterError) as failure:
                await events.restart(ALICE, "syd_1")
            assert not isinstance(failure.value, DelayedEventGone)
        assert len(home.asked) == 1


async def test_a_server_is_asked_only_so_much_at_once_and_our_own_as_much_as_there_is(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delayed_events, "AT_ONCE_PER_SERVER", 0)
    async with serving() as home:
        home.says(RESTART, {})
        async with client(authority, homeserver=f"http://127.0.0.1:{home.port}") as events:
            with pytest.raises(AdapterError, match="too much"):
                await events.restart(BOB, "syd_1")
            await events.restart(ALICE, "syd_1")


# --- addresses inside ---------------------------------------------------------------------------


@pytest.mark.parametrize("address", INSIDE)
async def test_a_server_inside_is_never_connected_to(authority: Authority, address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    for user, names in (
        (f"@eve:{literal}", FixedResolver([address])),
        (f"@eve:{literal}:8008", FixedResolver([address])),
        ("@eve:rebind.example", FixedResolver([address])),
    ):
        async with client(authority, (), names) as events:
            with connects() as seen, pytest.raises(AdapterError):
                await events.restart(UserId(user), "syd_1")
        assert seen == []


@pytest.mark.parametrize("through", ["redirect", "file"])
async def test_a_file_that_leads_inside_leads_nowhere(
    authority: Authority, monkeypatch: pytest.MonkeyPatch, through: str
) -> None:
    """127.0.0.2 stands for the internet here."""
    async with serving(authority, "127.0.0.2") as site, serving(authority) as inside:
        monkeypatch.setattr(client_api, "HTTPS_PORT", site.port)
        secret = f"https://127.0.0.1:{inside.port}"
        site.answers[client_api.WELL_KNOWN] = (
            web.Response(status=302, headers={"Location": f"{secret}/x"})
            if through == "redirect"
            else web.Response(text=json.dumps({"m.homeserver": {"base_url": secret}}))
        )
        names = FixedResolver(["127.0.0.2"], ["10.0.0.1"])
        async with client(authority, ("127.0.0.2/32",), names) as events:
            with connects() as seen, pytest.raises(AdapterError):
                await events.restart(BOB, "syd_1")
        assert seen == [str(("127.0.0.2", site.port))]
        assert not inside.asked


@pytest.mark.parametrize(
    "file",
    [
        [],
        {},
        {"m.homeserver": "https://localhost"},
        {"m.homeserver": {"base_url": 7}},
        {"m.homeserver": {"base_url": "http://localhost"}},
        {"m.homeserver": {"base_url": "file:///etc/passwd"}},
        {"m.homeserver": {"base_url": "https://"}},
        {"m.homeserver": {"base_url": "https://[oops"}},
        {"m.homeserver": {"base_url": "https://u:p@localhost"}},
        {"m.homeserver": {"base_url": "https://localhost/" + "x" * 1000}},
    ],
)
async def test_a_file_that_names_no_address_leads_nowhere(
    authority: Authority, site: Server, file: object
) -> None:
    site.says(client_api.WELL_KNOWN, file)
    async with client(authority) as events:
        with pytest.raises(AdapterError):
            await events.restart(BOB, "syd_1")
    assert [path for path, _ in site.asked] == [client_api.WELL_KNOWN]


async def test_before_the_start_nothing_is_asked(authority: Authority) -> None:
    settings = OpenIdSettings("http://127.0.0.1:1", HOME, (), str(authority.root))
    with pytest.raises(AdapterError):
        await DelayedEventsClient(settings).restart(ALICE, "syd_1")
