"""Asking other servers who somebody is: over real TLS, to addresses of the internet alone."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.matrix.client import discovery, openid
from spaces_bridge.matrix.client.name_servers import (
    DnsResolver,
    NameServers,
    Resolver,
    Service,
)
from spaces_bridge.matrix.client.openid import OpenIdSettings, OpenIdVerifier
from tests.federation.authority import Authority
from tests.matrix.strangers import (
    HOME,
    INSIDE,
    LOOPBACK,
    TOKEN,
    FixedResolver,
    Server,
    connects,
    serving,
)
from tests.support.name_server import SRV, A, NameServer, address, name_server, srv

pytestmark = pytest.mark.peers

# --- a server of one's own, names of one's own, and a look at every connection ------------------


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
async def server(authority: Authority) -> AsyncIterator[Server]:
    async with serving(authority) as running:
        running.says(openid.USERINFO, {"sub": f"@alice:{running.name}"})
        yield running


@asynccontextmanager
async def verifier(
    authority: Authority,
    allowed: tuple[str, ...] = LOOPBACK,
    names: Resolver | None = None,
    homeserver: str = "http://127.0.0.1:1",
) -> AsyncIterator[OpenIdVerifier]:
    settings = OpenIdSettings(homeserver, HOME, allowed, str(authority.root))
    resolver = names or FixedResolver(["127.0.0.1"])
    made = OpenIdVerifier(settings, new_resolver=lambda: resolver)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


# --- who somebody is ----------------------------------------------------------------------------


async def test_a_server_says_who_holds_a_token(authority: Authority, server: Server) -> None:
    async with verifier(authority) as asked:
        assert await asked.verify(server.name, TOKEN) == f"@alice:{server.name}"
        assert await asked.verify(server.name, "another") is None
    assert server.asked == [(openid.USERINFO, server.name)] * 2


@pytest.mark.parametrize(
    "sub",
    [f"@admin:{HOME}", "@alice:localhost", "@alice", "", None, {"a": 1}, "@a b:SELF", "@:SELF"],
)
async def test_an_evil_server_speaks_for_nobody_elses_users(
    authority: Authority, server: Server, sub: object, caplog: pytest.LogCaptureFixture
) -> None:
    said = sub.replace("SELF", server.name) if isinstance(sub, str) else sub
    server.says(openid.USERINFO, {"sub": said})
    async with verifier(authority) as asked:
        assert await asked.verify(server.name, TOKEN) is None
    assert "none of its own" in caplog.text


async def test_our_own_homeserver_is_asked_where_the_config_says(
    authority: Authority, server: Server
) -> None:
    async with serving() as home:
        home.says(openid.USERINFO, {"sub": f"@alice:{HOME}"})
        async with verifier(authority, (), homeserver=f"http://127.0.0.1:{home.port}") as asked:
            assert await asked.verify(HOME, TOKEN) == f"@alice:{HOME}"
            home.says(openid.USERINFO, {"sub": f"@alice:{server.name}"})
            assert await asked.verify(HOME, TOKEN) is None
    assert not server.asked


async def test_a_homeserver_without_the_resource_is_named_in_the_log(
    authority: Authority, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving() as home:
        address = f"http://127.0.0.1:{home.port}"
        async with verifier(authority, (), homeserver=address) as asked:
            with pytest.raises(AdapterError):
                await asked.verify(HOME, TOKEN)
    assert "the resource openid" in caplog.text


@pytest.mark.parametrize("body", ["[]", "{", "[" * 9000, "", '"@alice:x"', "x" * 20_000])
@pytest.mark.parametrize("status", [200, 302, 500])
async def test_nonsense_is_no_answer(
    authority: Authority,
    server: Server,
    body: str,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    headers = {"Location": f"https://{server.name}/elsewhere"}
    server.answers[openid.USERINFO] = web.Response(status=status, text=body, headers=headers)
    async with verifier(authority) as asked:
        with pytest.raises(AdapterError) as failure:
            await asked.verify(server.name, TOKEN)
    assert [path for path, _ in server.asked] == [openid.USERINFO]
    assert TOKEN not in caplog.text + str(failure.value)


async def test_a_silent_server_is_not_waited_for(
    authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "ASK_WITHIN_S", 0.2)
    monkeypatch.setattr(server, "before_answering", asyncio.Event().wait)
    async with verifier(authority) as asked:
        with pytest.raises(AdapterError):
            await asked.verify(server.name, TOKEN)
    assert server.asked


async def test_a_slow_name_server_holds_up_nobody(
    authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "ASK_WITHIN_S", 0.2)
    async with name_server() as dns:
        dns.silent = frozenset(f"slow{n}.example" for n in range(8))
        dns.records = {("quick.example", A): [address("127.0.0.1")]}
        async with verifier(authority, names=asking(dns)) as asked:
            results = await asyncio.gather(
                *(asked.verify(f"slow{n}.example:8448", TOKEN) for n in range(8)),
                return_exceptions=True,
            )
            assert all(isinstance(result, AdapterError) for result in results)
            assert {name for name, _ in dns.asked} == dns.silent
            monkeypatch.setattr(openid, "ASK_WITHIN_S", 10)
            with pytest.raises(AdapterError):  # it is found; its certificate is another's
                await asked.verify(f"quick.example:{server.port}", TOKEN)
            assert ("quick.example", A) in dns.asked


async def test_a_certificate_nobody_vouches_for_ends_it(
    tmp_path: Path, authority: Authority, server: Server
) -> None:
    async with verifier(Authority(tmp_path / "other")) as asked:
        with pytest.raises(AdapterError):
            await asked.verify(server.name, TOKEN)
    names = FixedResolver(["127.0.0.1"])
    async with verifier(authority, names=names) as asked:
        with pytest.raises(AdapterError):
            await asked.verify(f"not-localhost.example:{server.port}", TOKEN)
    assert not server.asked


async def test_only_so_many_questions_are_under_way(
    authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openid, "AT_ONCE_PER_SERVER", 2)
    async with verifier(authority) as asked:
        results = await asyncio.gather(
            *(asked.verify(server.name, TOKEN) for _ in range(5)), return_exceptions=True
        )
        assert sum(isinstance(result, AdapterError) for result in results) == 3
        assert await asked.verify(server.name, TOKEN) is not None
    assert len(server.asked) == 3


async def test_a_certificate_authority_that_is_no_file_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r".+"):
        OpenIdVerifier(OpenIdSettings("http://hs", HOME, (), str(tmp_path / "nothing.pem")))


# --- where a server is --------------------------------------------------------------------------


async def test_a_well_known_file_leads_to_the_server(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(authority, port=0) as site, serving(authority) as server:
        monkeypatch.setattr(discovery, "WELL_KNOWN_PORT", site.port)
        site.answers[discovery.WELL_KNOWN] = web.Response(
            status=301, headers={"Location": "/moved/here"}
        )
        site.says("/moved/here", {"m.server": server.name})
        server.says(openid.USERINFO, {"sub": "@alice:localhost"})
        async with verifier(authority) as asked:
            assert await asked.verify("localhost", TOKEN) == "@alice:localhost"
        assert server.asked == [(openid.USERINFO, server.name)]


@pytest.mark.parametrize(
    "answer",
    [
        web.Response(status=404),
        web.Response(text="{}"),
        web.Response(text='{"m.server": 7}'),
        web.Response(text='{"m.server": "evil/../path"}'),
        web.Response(status=302, headers={"Location": "http://localhost/plain"}),
        web.Response(status=302, headers={"Location": "https://[oops"}),
        web.Response(status=302, headers={"Location": discovery.WELL_KNOWN}),
        web.Response(status=302),
    ],
    ids=lambda answer: f"{answer.status} {answer.text or answer.headers.get('Location')}",
)
async def test_without_a_sensible_file_the_usual_port_is_asked(
    authority: Authority, answer: web.Response, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(authority) as site, serving(authority) as server:
        monkeypatch.setattr(discovery, "WELL_KNOWN_PORT", site.port)
        monkeypatch.setattr(discovery, "FEDERATION_PORT", server.port)
        site.answers[discovery.WELL_KNOWN] = answer
        server.says(openid.USERINFO, {"sub": "@alice:localhost"})
        async with verifier(authority) as asked:
            assert await asked.verify("localhost", TOKEN) == "@alice:localhost"
        assert len(site.asked) <= 1 + discovery.REDIRECTS_MAX
        # by the spec the name alone, though the port is not the scheme's own
        assert server.asked == [(openid.USERINFO, "localhost")]


def asking(dns: NameServer) -> DnsResolver:
    """Looks names up there."""
    return DnsResolver(NameServers(["127.0.0.1"], dns.port))


@pytest.fixture
async def site(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Server, NameServer]]:
    """`localhost` has no file of well-known things, but SRV records."""
    async with serving(authority) as server, name_server() as dns:
        monkeypatch.setattr(discovery, "WELL_KNOWN_PORT", server.port)
        monkeypatch.setattr(discovery, "FEDERATION_PORT", 1)
        server.says(openid.USERINFO, {"sub": "@alice:localhost"})
        yield server, dns


@pytest.mark.parametrize("service", discovery.SERVICES)
async def test_srv_records_lead_to_the_server_which_shows_its_own_name(
    authority: Authority, site: tuple[Server, NameServer], service: str
) -> None:
    server, dns = site
    dns.records = {
        (f"{service}.localhost", SRV): [srv(10, 1, server.port, "matrix.example")],
        ("matrix.example", A): [address("127.0.0.1")],
    }
    async with verifier(authority, names=asking(dns)) as asked:
        assert await asked.verify("localhost", TOKEN) == "@alice:localhost"
    assert server.asked[-1] == (openid.USERINFO, "localhost")


async def test_the_next_of_several_is_tried_when_one_cannot_be_reached(
    authority: Authority, site: tuple[Server, NameServer]
) -> None:
    server, dns = site
    dns.records = {
        ("_matrix-fed._tcp.localhost", SRV): [
            srv(20, 0, server.port, "second.example"),
            srv(10, 5, 1, "first.example"),
        ],
        ("first.example", A): [address("127.0.0.1")],
        ("second.example", A): [address("127.0.0.1")],
    }
    async with verifier(authority, names=asking(dns)) as asked:
        assert await asked.verify("localhost", TOKEN) == "@alice:localhost"
    names = [name for name, kind in dns.asked if kind == A and name.endswith(".example")]
    assert names.index("first.example") < names.index("second.example")


@pytest.mark.parametrize(
    "record",
    [
        srv(0, 0, 0, "."),
        srv(0, 0, 8448, "127.0.0.1"),
        srv(0, 0, 0, "matrix.example"),
        srv(0, 0, 8448, "inside.example"),
    ],
    ids=["none", "an address", "no port", "inside"],
)
async def test_an_srv_record_that_leads_nowhere_is_not_followed(
    authority: Authority, site: tuple[Server, NameServer], record: bytes
) -> None:
    server, dns = site
    dns.records = {
        ("_matrix-fed._tcp.localhost", SRV): [record],
        ("inside.example", A): [address("10.0.0.1")],
        ("matrix.example", A): [address("127.0.0.1")],
    }
    async with verifier(authority, names=asking(dns)) as asked:
        with connects() as seen, pytest.raises(AdapterError):
            await asked.verify("localhost", TOKEN)
    assert [path for path, _ in server.asked] == [discovery.WELL_KNOWN]
    assert "10.0.0.1" not in str(seen)


async def test_the_lower_priority_goes_first_and_all_are_tried() -> None:
    async with name_server() as dns:
        records = [srv(5, 3, port, f"host{port}.example") for port in range(1, 6)]
        dns.records = {("_x._tcp.example", SRV): [srv(9, 9, 9, "last.example"), *records]}
        resolver = asking(dns)
        found = await resolver.services("_x._tcp.example")
        assert await resolver.services("_y._tcp.example") is None
        await resolver.close()
    assert found is not None
    assert found[-1] == Service("last.example", 9)
    assert sorted(service.port for service in found) == [1, 2, 3, 4, 5, 9]


# --- where no server is -------------------------------------------------------------------------


@pytest.mark.parametrize("address", INSIDE)
@pytest.mark.parametrize("port", ["", ":8008"])
async def test_a_name_that_leads_inside_is_never_connected_to(
    authority: Authority, address: str, port: str
) -> None:
    async with verifier(authority, (), FixedResolver([address])) as asked:
        with connects() as seen, pytest.raises(AdapterError):
            await asked.verify(f"rebind.example{port}", TOKEN)
    assert seen == []


@pytest.mark.parametrize("address", INSIDE)
async def test_an_address_inside_is_never_connected_to(authority: Authority, address: str) -> None:
    literal = f"[{address}]" if ":" in address else address
    async with verifier(authority, ()) as asked:
        with connects() as seen:
            for server in (literal, f"{literal}:8008", f"{literal}:443"):
                with pytest.raises(AdapterError):
                    await asked.verify(server, TOKEN)
    assert seen == []


@pytest.mark.parametrize("text", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1", "a/b", ""])
async def test_what_is_no_name_is_not_looked_for(authority: Authority, text: str) -> None:
    async with verifier(authority, (), FixedResolver(["127.0.0.1"])) as asked:
        with connects() as seen:
            assert await asked.verify(text, TOKEN) is None
    assert seen == []


async def test_a_name_that_changes_its_mind_gets_nowhere(
    authority: Authority, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """127.0.0.2 stands for the internet here: the first look-up is harmless, the next is not."""
    async with serving(authority, "127.0.0.2") as site:
        monkeypatch.setattr(discovery, "WELL_KNOWN_PORT", site.port)
        monkeypatch.setattr(discovery, "FEDERATION_PORT", server.port)
        names = FixedResolver(["127.0.0.2"], ["127.0.0.1", "169.254.169.254", "::ffff:127.0.0.1"])
        async with verifier(authority, ("127.0.0.2/32",), names) as asked:
            with connects() as seen, pytest.raises(AdapterError):
                await asked.verify("localhost", TOKEN)
        assert site.asked
    assert seen == [str(("127.0.0.2", site.port))]
    assert not server.asked


@pytest.mark.parametrize("through", ["redirect", "delegation"])
async def test_a_file_that_leads_inside_leads_nowhere(
    authority: Authority, server: Server, through: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(authority, "127.0.0.2") as site:
        monkeypatch.setattr(discovery, "WELL_KNOWN_PORT", site.port)
        inside = f"127.0.0.1:{server.port}"
        if through == "redirect":
            answer = web.Response(status=302, headers={"Location": f"https://{inside}/x"})
        else:
            answer = web.Response(text=json.dumps({"m.server": inside}))
        site.answers[discovery.WELL_KNOWN] = answer
        allowed, names = ("127.0.0.2/32",), FixedResolver(["127.0.0.2"], ["10.0.0.1"])
        async with verifier(authority, allowed, names) as asked:
            with connects() as seen, pytest.raises(AdapterError):
                await asked.verify("localhost", TOKEN)
    assert seen == [str(("127.0.0.2", site.port))]
    assert not server.asked
