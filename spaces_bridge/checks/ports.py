"""What the check finds of this machine's ports, and whether the bridge is running."""

import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web
from yarl import URL

from spaces_bridge.checks.finding import PATIENCE, Finding
from spaces_bridge.config import Config
from spaces_bridge.media_assembly import worker_count


def media_findings(config: Config, *, is_running: bool = False) -> list[Finding]:
    """Return findings on whether browsers elsewhere can reach the media ports, one per worker.

    A port in use is none where the bridge `is_running`, here and below.
    """
    ports = range(config.media.port, config.media.port + worker_count(config))
    findings = []
    if all(address.is_loopback for address in config.media.addresses):
        findings.append(
            Finding(
                "media.addresses names only this machine: nobody else will hear anything. Add "
                "your public address:\nmedia:\n    addresses: [203.0.113.7]",
                warning=True,
            )
        )
    for kind, name in ((socket.SOCK_DGRAM, "UDP"), (socket.SOCK_STREAM, "TCP")):
        taken = [at for at in ports if not _is_free(str(config.media.hostnames[0]), at, kind)]
        if not taken:
            which = f"port {ports[0]}" if len(ports) == 1 else f"ports {ports[0]} to {ports[-1]}"
            text = f"{name} {which} can be opened; let {'it' if len(ports) == 1 else 'them'} "
            findings.append(Finding(f"{text}through firewalls"))
        elif not is_running:
            findings += [_taken(f"{name} port {at}", "media.port") for at in taken]
    return findings


def web_findings(config: Config, *, is_running: bool = False) -> list[Finding]:
    """Return findings on whether browsers open microphones, and the listeners' ports are free."""
    findings = []
    host = config.web.public_url.partition("://")[2]
    if config.web.public_url.startswith("http:") and not host.startswith(("localhost", "127.")):
        findings.append(
            Finding(
                "web.public_url is not https: browsers will not open microphones. Put a reverse "
                f"proxy with a certificate in front and set:\nweb:\n    public_url: https://{host}",
                warning=True,
            )
        )
    for section, listener in (("web", config.web), ("ops", config.ops)):
        is_free = _is_free(listener.hostname, listener.port, socket.SOCK_STREAM)
        if not (is_free or is_running):
            findings.append(_taken(f"{listener.hostname}:{listener.port}", f"{section}.port"))
    return findings


async def is_bridge_running(config: Config) -> bool:
    """Return whether a bridge answers at the `ops` listener's `/live`."""
    ops = config.ops
    address = URL.build(scheme="http", host=ops.hostname, port=ops.port, path="/live")
    try:
        async with (
            aiohttp.ClientSession(timeout=PATIENCE) as session,
            session.get(address) as answer,
        ):
            content = await answer.json(content_type=None)
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return False
    return isinstance(content, dict) and content.get("live") is True


def _taken(what: str, key: str) -> Finding:
    return Finding(
        f"{what} is in use: fine if the bridge is running, else choose another `{key}`",
        warning=True,
    )


def _is_free(hostname: str, port: int, kind: socket.SocketKind) -> bool:
    family = socket.AF_INET6 if ":" in hostname else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((hostname, port))
        except OSError:
            return False
    return True


@asynccontextmanager
async def answering(config: Config, *, is_running: bool) -> AsyncIterator[Finding | None]:
    """Answer the homeserver's ping where the bridge will listen, unless a bridge runs there."""
    expected = f"Bearer {config.appservice.hs_token.get_secret_value()}".encode()

    async def answer(request: web.Request) -> web.Response:
        given = request.headers.get("Authorization", "").encode()
        known = hmac.compare_digest(given, expected)
        return web.json_response({}, status=200 if known else 403)

    application = web.Application()
    application.router.add_post("/_matrix/app/v1/ping", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    listener = config.appservice
    try:
        try:
            await web.TCPSite(runner, listener.hostname, listener.port).start()
            note = None
        except OSError:
            taken = _taken(f"{listener.hostname}:{listener.port}", "appservice.port")
            note = None if is_running else taken
        yield note
    finally:
        await runner.cleanup()
