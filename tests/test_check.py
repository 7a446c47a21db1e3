"""`--check`: each mistake an admin can make is found, and the line that cures it is named."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from vodozemac import Account

from spaces_bridge import bootstrap, call_assembly
from spaces_bridge.check import check, newest_spec
from spaces_bridge.checks.finding import Finding
from spaces_bridge.checks.ports import media_findings, web_findings
from spaces_bridge.config import Config, load
from spaces_bridge.core.ids import UserId
from spaces_bridge.livekit.transports import ENDPOINT
from spaces_bridge.matrix.crypto.account import OwnAccount
from spaces_bridge.matrix.crypto.cross_signing import CrossSigning
from spaces_bridge.registration import registration_for, text_of
from spaces_bridge.startup import ExitCode, StartUpError
from tests.livekit.livekit_server import livekit_server

pytestmark = pytest.mark.peers

AS_TOKEN, HS_TOKEN = "a-token-of-the-bridge-0001", "a-token-of-the-server-0002"


def published(*devices: str) -> dict[str, object]:
    """The bot's devices, cross-signed, as everybody gets them."""
    account, keys = Account(), CrossSigning.new()
    bot = UserId("@spacesbot:home.test")
    own = {name: OwnAccount(bot, name, account, b"k" * 32, 0).device_keys for name in devices}
    return {
        "device_keys": {bot: {n: keys.sign("self_signing", k, bot) for n, k in own.items()}},
        "self_signing_keys": {bot: keys.upload(bot)["self_signing_key"]},
    }


class Homeserver:
    """The four answers a homeserver gives to a check; the ping really goes to the bridge."""

    def __init__(self) -> None:
        self.versions = ["r0.6.1", "v1.11"]
        self.as_token = AS_TOKEN
        self.hs_token = HS_TOKEN
        self.sender = "@spaces_sender:home.test"
        self.keys: object = published("SPACESABCDEFGH")
        self.knows_ping = True
        self.knows_openid = True
        self.transports: object = [
            {
                "type": "livekit",
                "url": "wss://spaces.home.test/livekit",
                "livekit_service_url": "https://spaces.home.test/livekit",
            }
        ]
        self.bridge_url = ""
        self.address = ""

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/_matrix/client/versions", self._versions)
        application.router.add_get("/_matrix/client/v3/account/whoami", self._whoami)
        application.router.add_post("/_matrix/client/v1/appservice/spaces/ping", self._ping)
        application.router.add_get("/_matrix/federation/v1/openid/userinfo", self._openid)
        application.router.add_get(ENDPOINT, self._transports)
        application.router.add_post("/_matrix/client/v3/keys/query", self._keys)
        return application

    async def _keys(self, request: web.Request) -> web.Response:
        if request.query.get("user_id") != "@spacesbot:home.test":
            return web.json_response({"errcode": "M_FORBIDDEN"}, status=403)
        return web.json_response(self.keys)

    async def _transports(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.as_token}":
            return web.json_response({"errcode": "M_MISSING_TOKEN"}, status=401)
        if self.transports is None:
            return web.json_response({"errcode": "M_UNRECOGNIZED"}, status=404)
        return web.json_response({"rtc_transports": self.transports} if self.transports else {})

    async def _openid(self, _: web.Request) -> web.Response:
        code, status = ("M_UNKNOWN_TOKEN", 401) if self.knows_openid else ("M_UNRECOGNIZED", 404)
        return web.json_response({"errcode": code}, status=status)

    async def _versions(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization", f"Bearer {self.as_token}") != (
            f"Bearer {self.as_token}"
        ):
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401)
        return web.json_response({"versions": self.versions})

    async def _whoami(self, request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Bearer {self.as_token}":
            return web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401)
        return web.json_response({"user_id": self.sender})

    async def _ping(self, _: web.Request) -> web.Response:
        if not self.knows_ping:
            return web.json_response({"errcode": "M_UNRECOGNIZED"}, status=404)
        headers = {"Authorization": f"Bearer {self.hs_token}"}
        url = f"{self.bridge_url}/_matrix/app/v1/ping"
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.post(url, json={"transaction_id": "check"}) as answer,
            ):
                if answer.status != 200:
                    return web.json_response({"errcode": "M_BAD_STATUS"}, status=502)
        except aiohttp.ClientError:
            return web.json_response(
                {"errcode": "M_CONNECTION_FAILED", "error": "connection refused"}, status=502
            )
        return web.json_response({"duration_ms": 7})


@pytest.fixture
async def homeserver(unused_tcp_port_factory: Callable[[], int]) -> AsyncIterator[Homeserver]:
    """A homeserver on loopback that answers as a well set up one does."""
    fake = Homeserver()
    async with TestServer(fake.application()) as server:
        fake.bridge_url = f"http://127.0.0.1:{unused_tcp_port_factory()}"
        fake.address = str(server.make_url("")).rstrip("/")
        yield fake


@pytest.fixture
def files(
    homeserver: Homeserver, tmp_path: Path, unused_tcp_port_factory: Callable[[], int]
) -> tuple[Path, Path]:
    """Config and registration that fit each other and the homeserver."""
    path = tmp_path / "config.yaml"
    web_port, ops_port, media_port = (unused_tcp_port_factory() for _ in range(3))
    path.write_text(
        f"homeserver: {{address: '{homeserver.address}', domain: home.test}}\n"
        f"appservice: {{address: '{homeserver.bridge_url}', as_token: {AS_TOKEN}, hs_token: "
        f"{HS_TOKEN}, port: {homeserver.bridge_url.rpartition(':')[2]}}}\n"
        f"web: {{public_url: 'https://spaces.home.test', port: {web_port}}}\n"
        f"ops: {{port: {ops_port}}}\n"
        f"media: {{addresses: [192.0.2.1], port: {media_port}, hostnames: [127.0.0.1]}}\n"
    )
    registration = tmp_path / "registration.yaml"
    registration.write_text(text_of(registration_for(load(path, {}))))
    return path, registration


async def test_a_good_set_up_is_good_in_every_line(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await check(*files) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("ok ") for line in lines), lines
    assert any("7 ms" in line for line in lines)


async def test_the_missing_line_in_homeserver_yaml_is_named(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.as_token = "another"
    assert await check(*files) == ExitCode.HOMESERVER_REFUSED
    out = capsys.readouterr().out
    assert "app_service_config_files:" in out
    assert f"- {files[1]}" in out
    assert AS_TOKEN not in out


async def test_a_registration_the_homeserver_has_not_reloaded_is_found(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.hs_token = "yesterday's"
    assert await check(*files) == ExitCode.HOMESERVER_REFUSED
    assert "another hs_token" in capsys.readouterr().out


async def test_a_bridge_the_homeserver_cannot_reach_is_found(
    homeserver: Homeserver,
    files: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    unused_tcp_port: int,
) -> None:
    homeserver.bridge_url = f"http://127.0.0.1:{unused_tcp_port}"
    assert await check(*files) == ExitCode.HOMESERVER_REFUSED
    assert "cannot reach the bridge" in capsys.readouterr().out


async def test_a_homeserver_that_is_away_is_found(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    path = files[0]
    text = path.read_text().splitlines()
    text[0] = f"homeserver: {{address: 'http://127.0.0.1:{unused_tcp_port}', domain: home.test}}"
    path.write_text("\n".join(text))
    assert await check(*files) == ExitCode.HOMESERVER_REFUSED
    assert "no homeserver answers" in capsys.readouterr().out


async def test_somebody_elses_token_is_found(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.sender = "@other:home.test"
    assert await check(*files) == ExitCode.HOMESERVER_WRONG_USER
    assert "@other:home.test" in capsys.readouterr().out


async def test_a_registration_of_before_encrypted_chats_is_found_in_the_homeserver(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.sender = "@spacesbot:home.test"
    assert await check(*files) == ExitCode.HOMESERVER_WRONG_USER
    printed = capsys.readouterr().out
    assert "Write it again with -g (tokens, rooms and chats stay)" in printed
    assert str(files[1]) in printed


async def test_a_registration_of_before_encrypted_chats_is_explained(
    files: tuple[Path, Path],
) -> None:
    text = files[1].read_text().replace("localpart: spaces_sender", "localpart: spacesbot")
    files[1].write_text(text.replace("io.element.msc4190: true\n", ""))
    with pytest.raises(StartUpError, match="the bot was `sender_localpart` itself") as refused:
        await check(*files)
    assert "`io.element.msc4190` is None, the config wants True" in refused.value.text


async def test_a_homeserver_of_long_ago_is_found(
    homeserver: Homeserver, files: tuple[Path, Path]
) -> None:
    homeserver.versions = ["r0.6.1", "v1.1"]
    assert await check(*files) == ExitCode.HOMESERVER_TOO_OLD


async def test_a_homeserver_without_ping_gets_a_warning_only(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.knows_ping = False
    assert await check(files[0], None) == ExitCode.OK
    assert capsys.readouterr().out.count("warn") == 2


async def test_a_homeserver_that_vouches_for_nobody_is_named_with_the_line_to_add(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.knows_openid = False
    assert await check(*files) == ExitCode.OK
    printed = capsys.readouterr().out
    assert printed.count("warn") == 1
    assert "names: [client, openid]" in printed
    assert "guests of the page, and nobody can join a call." in printed
    files[0].write_text(files[0].read_text() + "livekit: {enabled: false}\n")
    await check(*files)
    assert "nobody can join a call" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"device_keys": {}}, "the bot has no encryption device yet"),
        ({"device_keys": 7, "self_signing_keys": []}, "the bot has no encryption device yet"),
        (published("ELEMENT"), "the bot has no encryption device yet"),
        (published("SPACESA", "SPACESB"), "(SPACESA, SPACESB): two bridges"),
    ],
)
async def test_a_bot_without_one_device_for_encrypted_chats_is_found(
    homeserver: Homeserver,
    files: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    keys: object,
    words: str,
) -> None:
    homeserver.keys = keys
    assert await check(*files) == ExitCode.OK
    printed = capsys.readouterr().out
    assert printed.count("warn") == 1
    assert words in printed


async def test_the_fingerprint_of_the_bots_device_is_shown(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert await check(*files) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "the bot's device SPACESABCDEFGH is cross-signed; its fingerprint is" in printed
    files[0].write_text(files[0].read_text() + "encryption: {enabled: false}\n")
    await check(*files)
    assert "encrypted chats are off" in capsys.readouterr().out


OURS = {
    "type": "livekit",
    "url": "wss://spaces.home.test/livekit",
    "livekit_service_url": "https://spaces.home.test/livekit",
}
SLASHED = {**OURS, "livekit_service_url": "https://spaces.home.test/livekit/"}
OTHER = {"type": "livekit", "livekit_service_url": "https://sfu.other.test"}


@pytest.mark.parametrize(
    ("transports", "words"),
    [
        (None, "does not tell clients where calls are"),
        ([], "worse than nothing"),
        ([{"type": "sip"}], "worse than nothing"),
        ("nonsense", "worse than nothing"),
        ([OTHER], "sends calls elsewhere (https://sfu.other.test)"),
        ([OTHER, OURS], "Put it first"),
        ([{**OURS, "url": None}], "not its url"),
        ([{**OURS, "livekit_service_url": ""}], "not its livekit_service_url"),
        (
            [{**OURS, "url": None}],
            "Found: url: nothing, wanted: url: wss://spaces.home.test/livekit",
        ),
        ([{**OURS, "url": "wss://spaces.home.test"}], "another url"),
        ([{**OURS, "url": "wss://spaces.home.test"}], "Found: url: wss://spaces.home.test, "),
        ([SLASHED], "livekit_service_url for calls ends in a slash"),
        ([SLASHED], "If the file says so already, restart the homeserver"),
    ],
)
async def test_where_clients_look_for_calls_is_told_apart_with_what_to_add(
    homeserver: Homeserver,
    files: tuple[Path, Path],
    capsys: pytest.CaptureFixture[str],
    transports: object,
    words: str,
) -> None:
    homeserver.transports = transports
    assert await check(*files) == ExitCode.OK
    printed = capsys.readouterr().out
    assert printed.count("warn") == 1
    assert words in printed
    if words != "Put it first":
        for line in (
            "msc4143_enabled: true",
            "max_event_delay_duration: 24h",
            "url: wss://spaces.home.test/livekit",
            "livekit_service_url: https://spaces.home.test/livekit",
            '"org.matrix.msc4143.rtc_foci": [{"type": "livekit",',
            '"livekit": {"livekit_service_url": "https://spaces.home.test/livekit"}',
        ):
            assert line in printed


async def test_calls_that_are_here_or_off_are_no_matter(
    homeserver: Homeserver, files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    homeserver.transports = [OURS, OTHER]
    assert await check(*files) == ExitCode.OK
    assert "tells clients that calls are here" in capsys.readouterr().out
    files[0].write_text(files[0].read_text() + "livekit: {enabled: false}\n")
    homeserver.transports = None
    assert await check(*files) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "calls are off" in printed
    assert "warn" not in printed


def _with_livekit(config: Path, url: str, key: str, secret: str) -> None:
    text = config.read_text().replace("media: {", "media: {engine: livekit, ")
    livekit = f"livekit: {{server_url: '{url}', api_key: {key}, api_secret: {secret}}}\n"
    config.write_text(text + livekit)


async def test_a_livekit_server_that_is_away_is_found(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], unused_tcp_port: int
) -> None:
    _with_livekit(files[0], f"http://127.0.0.1:{unused_tcp_port}", "spaces", "s" * 32)
    assert await check(*files) == ExitCode.CONFIG_INVALID
    assert "is `livekit.server_url` its address?" in capsys.readouterr().out


@pytest.mark.needs("livekit-server")
async def test_a_livekit_server_is_asked_and_what_it_needs_is_named(
    files: tuple[Path, Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    async with livekit_server(tmp_path) as server:
        before = files[0].read_text()
        _with_livekit(files[0], server.url, server.key, server.secret)
        await check(*files)
        printed = capsys.readouterr().out
        assert f"ok   LiveKit answers at {server.url} (rooms: 0)" in printed
        assert "if it has not yet:" in printed
        assert "urls: [https://spaces.home.test/livekit/sfu_webhook]" in printed
        files[0].write_text(before)
        _with_livekit(files[0], server.url, server.key, "another" * 8)
        assert await check(*files) == ExitCode.CONFIG_INVALID
        assert "does not take `livekit.api_key`" in capsys.readouterr().out


async def test_without_its_packages_the_livekit_engine_is_refused(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    _with_livekit(files[0], "http://127.0.0.1:7880", "spaces", "s" * 32)
    monkeypatch.setattr(call_assembly, "LIVEKIT_API", "livekit.nothing")
    with pytest.raises(StartUpError) as refused:
        async with bootstrap.running_bridge(load(files[0], {})):
            pass
    assert refused.value.code is ExitCode.CONFIG_INVALID
    assert "pip install --require-hashes -r requirements/livekit.txt" in refused.value.text


def test_remote_speakers_need_the_sdk_alone(
    files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    files[0].write_text(files[0].read_text() + "livekit: {remote_speakers: true}\n")
    monkeypatch.setattr(call_assembly, "LIVEKIT_API", "livekit.nothing")
    call_assembly.refuse_missing_livekit(load(files[0], {}))
    monkeypatch.setattr(call_assembly, "is_sdk_installed", lambda: False)
    with pytest.raises(StartUpError, match="remote_speakers` is true"):
        call_assembly.refuse_missing_livekit(load(files[0], {}))


async def test_a_registration_that_does_not_match_is_refused_before_anything_is_asked(
    files: tuple[Path, Path],
) -> None:
    files[1].write_text(files[1].read_text().replace("id: spaces", "id: other"))
    with pytest.raises(StartUpError, match="does not match"):
        await check(*files)


def test_ports_in_use_and_addresses_nobody_reaches_are_warnings() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
    ):
        udp.bind(("127.0.0.1", 0))
        tcp.bind(("127.0.0.1", 0))
        media = {"port": udp.getsockname()[1], "hostnames": ["127.0.0.1"]}
        page = {"port": tcp.getsockname()[1], "public_url": "http://spaces.home.test"}
        config = Config.model_validate({"media": media, "web": page})
        texts = [str(found) for found in (*media_findings(config), *web_findings(config))]
    assert all(text.startswith(("warn", "ok")) for text in texts)
    warnings = "\n".join(text for text in texts if text.startswith("warn"))
    for words in ("only this machine", "UDP port", "`web.port`", "https://spaces.home.test"):
        assert words in warnings


def test_the_port_of_each_media_worker_is_looked_at() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
    ):
        first.bind(("127.0.0.1", 0))
        port = first.getsockname()[1]
        with contextlib.suppress(OSError):  # somebody else's is as good
            second.bind(("127.0.0.1", port + 1))
        media = {"port": port, "workers": 2, "hostnames": ["127.0.0.1"]}
        config = Config.model_validate({"media": media})
        texts = [str(found) for found in media_findings(config)]
        free = [str(found) for found in media_findings(config, is_running=True)]
    assert any(f"UDP port {port} is in use" in text for text in texts)
    assert any(f"UDP port {port + 1} is in use" in text for text in texts)
    assert not any("UDP" in text for text in free)


@pytest.mark.parametrize(
    ("versions", "newest"),
    [(["r0.6.1", "v1.2", "v1.11"], (1, 11)), ([], (0, 0)), (["odd", "v2.x"], (0, 0))],
)
def test_the_newest_spec_version_counts(versions: list[str], newest: tuple[int, int]) -> None:
    assert newest_spec(versions) == newest


def test_a_finding_reads_well_over_several_lines() -> None:
    assert str(Finding("add:\nkey: 1", ExitCode.LISTENER)) == "FAIL add:\n     key: 1"
