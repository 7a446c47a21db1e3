"""What the check finds of calls through the public address: the reverse proxy, seen from outside.

A WebSocket is asked for without a token. The bridge refuses a request that is no upgrade (426)
before it looks at the token (401), so the answer tells what the proxy has made of it. With the
LiveKit engine LiveKit answers there, also by 401.
"""

from typing import Final

import aiohttp

from spaces_bridge.checks.finding import PATIENCE, Finding
from spaces_bridge.config import Config
from spaces_bridge.matrix.client.http import home_connector

ORIGIN: Final = "https://call.element.io"
"""Any other origin: pages of clients are served from elsewhere."""
UPGRADE: Final = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "c3BhY2VzLWJyaWRnZTogYQ==",
}
_LINES: Final = "docs/element-call.md shows the lines under “The reverse proxy”"


async def public_findings(config: Config, *, is_running: bool) -> list[Finding]:
    """Return findings on whether clients of calls get through to the bridge."""
    where = config.call_service_url
    if not config.livekit.enabled:
        return []
    if not is_running:
        return [Finding(f"whether {where} leads to the bridge is looked at while the bridge runs")]
    async with aiohttp.ClientSession(connector=home_connector(), timeout=PATIENCE) as session:
        try:
            refusal = await _service(session, config)
        except aiohttp.ClientSSLError as error:
            return [_warning(f"{where} has no certificate that browsers trust ({error})")]
        except (aiohttp.ClientError, TimeoutError) as error:
            return [_unreached(where, error)]
        if refusal is not None:
            return [refusal]
        return [Finding(f"{where} leads to the bridge"), await _socket(session, config)]


async def _service(session: aiohttp.ClientSession, config: Config) -> Finding | None:
    """Return what is wrong on the way to the authoriser."""
    where, web = config.call_service_url, config.web
    headers = {"Origin": ORIGIN}
    async with session.get(f"{where}/healthz", headers=headers, allow_redirects=False) as answer:
        status, text = answer.status, await answer.text(errors="replace")
        listed = ",".join(answer.headers.getall("Access-Control-Allow-Origin", []))
    if status in {502, 503, 504}:
        return _warning(
            f"the proxy at {where} does not reach the bridge (status {status}). Forward "
            f"{web.path_prefix}/livekit/ to http://{web.hostname}:{web.port}"
        )
    if status != 200 or text.strip() != "ok":
        return _warning(
            f"{where}/healthz does not lead to the bridge (status {status}): nobody can join a "
            f"call. Forward {web.path_prefix}/livekit/ to http://{web.hostname}:{web.port}; "
            f"{_LINES}"
        )
    origins = [origin for origin in listed.split(",") if origin.strip()]
    if len(origins) > 1:
        return _warning(
            f"{where} answers with {len(origins)} headers `Access-Control-Allow-Origin`: browsers "
            "take none of them. The bridge sends its own; take yours out of the proxy"
        )
    if not origins:
        return _warning(
            f"{where} answers without `Access-Control-Allow-Origin`: the proxy takes away what "
            "the bridge sends, and browsers let no page read the answer. Let it through"
        )
    return None


async def _socket(session: aiohttp.ClientSession, config: Config) -> Finding:
    """Return a finding on whether WebSockets come through."""
    where = f"{config.call_url}/rtc"
    address = f"http{where.removeprefix('ws')}"
    try:
        async with session.get(address, headers=UPGRADE, allow_redirects=False) as answer:
            status = answer.status
    except aiohttp.ClientSSLError as error:
        return _warning(f"{where} has no certificate that browsers trust ({error})")
    except (aiohttp.ClientError, TimeoutError) as error:
        return _unreached(where, error)
    if status == 401:  # no token was shown
        return Finding(f"WebSockets come through at {where}")
    if status == 426:
        return _warning(
            f"the proxy lets no WebSockets through at {where}: clients say “Failed to connect to "
            f"Livekit server”. Hand on `Upgrade` and `Connection`; {_LINES}"
        )
    asked = "LiveKit" if config.media.engine == "livekit" else "the bridge"
    return _warning(
        f"{where} does not lead to {asked}, or the proxy lets no WebSockets through (status "
        f"{status}, 401 is expected); {_LINES}"
    )


def _unreached(where: str, error: Exception) -> Finding:
    reason = str(error) or type(error).__name__
    return Finding(
        f"{where} was not reached from this machine ({reason}), which may be so behind NAT: look "
        "from another one, as docs/element-call.md says under “Look”"
    )


def _warning(text: str) -> Finding:
    return Finding(text, warning=True)
