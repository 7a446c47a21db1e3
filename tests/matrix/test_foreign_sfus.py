"""Tokens of other servers' SFUs: over TLS, at addresses of the internet alone."""

import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.remote_ports import SfuToken
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.foreign_sfus import JWT_MAX, ForeignSfuClient
from spaces_bridge.matrix.client.name_servers import Resolver
from spaces_bridge.matrix.client.openid import OpenIdSettings
from tests.federation.authority import Authority
from tests.matrix.strangers import HOME, INSIDE, LOOPBACK, FixedResolver, Server, connects, serving

pytestmark = pytest.mark.peers

BOT, ROOM = UserId(f"@spacesbot:{HOME}"), RoomId("!room")
CREDENTIALS = {"access_token": "a-secret", "matrix_server_name": HOME}
GIVEN = {"url": "wss://localhost:7880/sfu", "jwt": "a.j.wt"}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


async def credentials() -> Mapping[str, Any]:
    return CREDENTIALS


@asynccontextmanager
async def client(
    authority: Authority, allowed: tuple[str, ...] = LOOPBACK, names: Resolver | None = None
) -> AsyncIterator[ForeignSfuClient]:
    settings = OpenIdSettings("http://127.0.0.1:1", HOME, allowed, str(authority.root))
    resolver = names or FixedResolver(["127.0.0.1"])
    made = ForeignSfuClient(settings, BOT, credentials, new_resolver=lambda: resolver)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Server]:
    async with serving(authority) as running:
        yield running


@pytest.mark.parametrize("path", ["/jwt/get_token", "/jwt/sfu/get"])
async def test_an_authoriser_of_either_form_gives_a_token(
    authority: Authority, server: Server, path: str
) -> None:
    server.says(path, GIVEN)
    async with client(authority) as asked:
        token = await asked.token(f"https://{server.name}/jwt", ROOM, "SPACESBOT")
    assert token == SfuToken(GIVEN["url"], GIVEN["jwt"])
    assert server.asked[-1][0] == path


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"errcode": "M_FORBIDDEN"}, 403),
        ({"url": "wss://localhost", "jwt": 7}, 200),
        ({"url": "wss://localhost", "jwt": "x" * (JWT_MAX + 1)}, 200),
        ({"url": "ftp://localhost", "jwt": "a"}, 200),
        ({"url": "wss://user:word@localhost", "jwt": "a"}, 200),
        ({"url": "wss:///nowhere", "jwt": "a"}, 200),
        ({"url": "wss://localhost", "jwt": "a", "padding": "x" * 20_000}, 200),
        ([], 200),
    ],
)
async def test_odd_answers_are_none_and_no_secret_is_logged(
    authority: Authority,
    server: Server,
    answer: object,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    server.says("/get_token", answer, status)
    async with client(authority) as asked:
        with caplog.at_level(logging.DEBUG), pytest.raises(AdapterError):
            await asked.token(f"https://{server.name}", ROOM, "D")
    assert "a-secret" not in caplog.text


async def test_redirects_are_refused(authority: Authority, server: Server) -> None:
    server.answers["/get_token"] = web.Response(
        status=307, headers={"Location": f"https://{server.name}/elsewhere"}
    )
    server.says("/elsewhere", GIVEN)
    async with client(authority) as asked:
        with pytest.raises(AdapterError):
            await asked.token(f"https://{server.name}", ROOM, "D")
    assert [path for path, _ in server.asked] == ["/get_token"]


@pytest.mark.parametrize("address", INSIDE)
async def test_nobody_makes_the_bridge_connect_inwards(authority: Authority, address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with connects() as seen:
        async with client(authority, allowed=(), names=FixedResolver([address])) as asked:
            for service in (f"https://{host}", "https://inside.example", "http://inside.example"):
                with pytest.raises(AdapterError):
                    await asked.token(service, ROOM, "D")
    assert not seen


@pytest.mark.parametrize("address", INSIDE[3:6])
async def test_an_sfu_that_is_named_inwards_is_not_joined(
    authority: Authority, server: Server, address: str
) -> None:
    host = f"[{address}]" if ":" in address else address
    server.says("/get_token", {"url": f"wss://{host}", "jwt": "a"})
    async with client(authority) as asked:
        with pytest.raises(AdapterError):
            await asked.token(f"https://{server.name}", ROOM, "D")
    assert server.asked


async def test_without_tls_only_addresses_that_the_config_allows_are_asked(
    authority: Authority,
) -> None:
    async with serving() as plain:
        plain.says("/get_token", {"url": "ws://127.0.0.1:7880", "jwt": "a"})
        async with client(authority) as asked:
            token = await asked.token(f"http://{plain.name}", ROOM, "D")
        assert token == SfuToken("ws://127.0.0.1:7880", "a")
        async with client(authority, names=FixedResolver(["93.184.216.34"])) as asked:
            with connects() as seen, pytest.raises(AdapterError):
                await asked.token("http://public.example", ROOM, "D")
    assert not seen
