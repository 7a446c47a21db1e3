"""The command `--check`: check, before the first start, all that an admin can get wrong.

The round trip to the homeserver is a real one: where the bridge's own port is free, a listener
answers there for the time of the check, so that the homeserver's ping reaches something.
Endpoints: Client-Server API `versions` and `account/whoami`, `appservice/{id}/ping` (v1.7).
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from pydantic import SecretStr

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.call_assembly import refuse_missing_livekit
from spaces_bridge.checks.finding import PATIENCE, Finding
from spaces_bridge.checks.ports import (
    answering,
    is_bridge_running,
    media_findings,
    web_findings,
)
from spaces_bridge.checks.public_address import public_findings
from spaces_bridge.config import Config, load
from spaces_bridge.livekit import transports
from spaces_bridge.matrix.client.http import home_connector
from spaces_bridge.matrix.crypto import own_devices
from spaces_bridge.registration import SENDER_LOCALPART, refuse_mismatch
from spaces_bridge.startup import ExitCode

OLDEST_SPEC = (1, 4)
REGISTERED_HINT = """\
Add to homeserver.yaml and restart the homeserver:
  app_service_config_files:
    - {path}"""


async def check(config_path: Path, registration_path: Path | None) -> int:
    """Print the findings, one line each; return the code of the first failure.

    Raises:
        StartUpError: the config or the registration cannot be used at all.
    """
    config = load(config_path)
    refuse_missing_livekit(config)
    print(Finding(f"{config_path} is complete"))
    if registration_path is None:
        print(Finding("no registration was compared: name it with -r", warning=True))
    else:
        refuse_mismatch(registration_path, config)
        print(Finding(f"{registration_path} matches it"))
    failure = ExitCode.OK
    shown = str(registration_path or "/path/to/registration.yaml")
    async for finding in _findings(config, shown):
        print(finding)
        if failure is ExitCode.OK:
            failure = finding.code
    return failure


async def _findings(config: Config, registration: str) -> AsyncIterator[Finding]:
    is_running = await is_bridge_running(config)
    if is_running:
        yield Finding("the bridge is running")
    ports = media_findings(config, is_running=is_running)
    for finding in (*ports, *web_findings(config, is_running=is_running)):
        yield finding
    for finding in await public_findings(config, is_running=is_running):
        yield finding
    if config.media.engine == "livekit":
        yield await livekit_finding(config)
    async with (
        aiohttp.ClientSession(
            config.homeserver.address, connector=home_connector(), timeout=PATIENCE
        ) as session,
        answering(config, is_running=is_running) as note,
    ):
        if note is not None:
            yield note
        steps = (
            _versions,
            _whoami,
            _ping,
            listing_finding,
            openid_finding,
            calls_finding,
            encryption_finding,
        )
        for step in steps:
            finding = await step(session, config, registration)
            yield finding
            if finding.code is not ExitCode.OK:
                return


async def _call(
    session: aiohttp.ClientSession,
    method: str,
    path: str,
    *,
    token: SecretStr | None = None,
    body: object = None,
) -> tuple[int, dict[str, Any]]:
    """Make one request; status 0 with the reason as `error` when nothing answered."""
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"} if token else {}
    try:
        async with session.request(method, path, json=body, headers=headers) as response:
            content = await response.json(content_type=None)
            return response.status, content if isinstance(content, dict) else {}
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return 0, {"error": str(error) or type(error).__name__}


async def _versions(session: aiohttp.ClientSession, config: Config, _: str) -> Finding:
    # Without a token: Synapse refuses a wrong one even here.
    status, answer = await _call(session, "GET", "/_matrix/client/versions")
    if status != 200:
        reason = answer.get("error", f"status {status}")
        return Finding(
            f"no homeserver answers at {config.homeserver.address} ({reason}). Is it running, and "
            "is `homeserver.address` the address of its client API?",
            ExitCode.HOMESERVER_REFUSED,
        )
    newest = newest_spec(answer.get("versions", []))
    if newest < OLDEST_SPEC:
        return Finding(
            f"the homeserver speaks Matrix {newest[0]}.{newest[1]}, the bridge needs "
            f"{OLDEST_SPEC[0]}.{OLDEST_SPEC[1]}: upgrade the homeserver",
            ExitCode.HOMESERVER_TOO_OLD,
        )
    return Finding(f"the homeserver answers at {config.homeserver.address}")


def newest_spec(versions: list[str]) -> tuple[int, int]:
    """Return the newest of `versions` (entries such as v1.12; r0.6.1 counts as 0.6)."""
    found = [(0, 0)]
    for version in versions:
        major, _, rest = version.lstrip("vr").partition(".")
        minor = rest.partition(".")[0]
        if major.isdecimal() and minor.isdecimal():
            found.append((int(major), int(minor)))
    return max(found)


async def _whoami(session: aiohttp.ClientSession, config: Config, registration: str) -> Finding:
    token = config.appservice.as_token
    status, answer = await _call(session, "GET", "/_matrix/client/v3/account/whoami", token=token)
    if status == 401:
        return Finding(
            "the homeserver does not know this bridge's as_token. "
            + REGISTERED_HINT.format(path=registration),
            ExitCode.HOMESERVER_REFUSED,
        )
    user, sender = answer.get("user_id"), f"@{SENDER_LOCALPART}:{config.homeserver.domain}"
    if status == 200 and user == config.bot_mxid:
        return Finding(
            "the homeserver still has a registration of before encrypted chats, in which the bot "
            "is the sender. Write it again with -g (tokens, rooms and chats stay), give it to the "
            f"homeserver in place of the old one, and restart the homeserver:\n{registration}",
            ExitCode.HOMESERVER_WRONG_USER,
        )
    if status == 200 and user != sender:
        return Finding(
            f"the homeserver takes the token for {user}, not {sender}: correct "
            "`homeserver.domain`, and write the registration again",
            ExitCode.HOMESERVER_WRONG_USER,
        )
    if status != 200:
        return Finding(
            f"the homeserver refused the bot ({answer.get('error', status)})",
            ExitCode.HOMESERVER_REFUSED,
        )
    return Finding(f"it knows the bridge; its bot is {config.bot_mxid}")


async def _ping(session: aiohttp.ClientSession, config: Config, _: str) -> Finding:
    path = f"/_matrix/client/v1/appservice/{config.appservice.id}/ping"
    token, body = config.appservice.as_token, {"transaction_id": "check"}
    status, answer = await _call(session, "POST", path, token=token, body=body)
    code = answer.get("errcode")
    if status == 200:
        return Finding(
            f"it reaches the bridge at {config.appservice.address} "
            f"({answer.get('duration_ms', '?')} ms)"
        )
    if status == 404 and code == "M_UNRECOGNIZED":
        return Finding("it cannot try the way back (no ping endpoint)", warning=True)
    if code == "M_BAD_STATUS":
        return Finding(
            "the homeserver reached the bridge with another hs_token: give it the current "
            "registration and restart it",
            ExitCode.HOMESERVER_REFUSED,
        )
    return Finding(
        f"the homeserver cannot reach the bridge at {config.appservice.address} "
        f"({answer.get('error', status)}). From the homeserver's machine that address must lead "
        "to `appservice.hostname` and `appservice.port`.",
        ExitCode.HOMESERVER_REFUSED,
    )


async def listing_finding(session: aiohttp.ClientSession, config: Config, _: str) -> Finding:
    """Return a finding on whether the homeserver lists our rooms.

    The check looks at the directory's room, which a first start makes.
    """
    alias, token = quote(f"#spaces:{config.homeserver.domain}"), config.appservice.as_token
    path = "/_matrix/client/v3/directory"
    status, found = await _call(session, "GET", f"{path}/room/{alias}", token=token)
    if status != 200 or "room_id" not in found:
        return Finding("its list of public rooms is looked at once the bridge has run")
    room = quote(str(found["room_id"]))
    status, answer = await _call(session, "GET", f"{path}/list/room/{room}", token=token)
    if status == 200 and answer.get("visibility") == "public":
        return Finding("its list of public rooms shows live spaces")
    return Finding(
        "live spaces are not in the homeserver's list of public rooms. To list them, add to "
        "homeserver.yaml, restart the homeserver, then the bridge:\n"
        "room_list_publication_rules: [{action: allow}]",
        warning=True,
    )


async def openid_finding(session: aiohttp.ClientSession, config: Config, _: str) -> Finding:
    """Return a finding on whether the homeserver confirms OpenID tokens, as for widgets."""
    path = "/_matrix/federation/v1/openid/userinfo?access_token=check"
    status, _answer = await _call(session, "GET", path)
    if status in {401, 403}:
        return Finding("it says who its people are: the page knows them inside Matrix clients")
    calls = ", and nobody can join a call" if config.livekit.enabled else ""
    return Finding(
        f"the homeserver does not say at {config.homeserver.address} who holds an OpenID token: "
        f"inside Matrix clients people are guests of the page{calls}. For Synapse, add to that "
        "listener in homeserver.yaml and restart it:\nresources: [{names: [client, openid]}]",
        warning=True,
    )


async def encryption_finding(session: aiohttp.ClientSession, config: Config, _: str) -> Finding:
    """Return a finding on whether the bot can read encrypted chats, and its key's fingerprint.

    The homeserver is asked for the bot's devices, which a first start makes.
    """
    if not config.encryption.enabled:
        return Finding("encrypted chats are off (encryption.enabled)")
    bot, token = config.bot_mxid, config.appservice.as_token
    path = f"/_matrix/client/v3/keys/query?user_id={quote(bot)}"
    body: dict[str, dict[str, list[str]]] = {"device_keys": {bot: []}}
    status, answer = await _call(session, "POST", path, token=token, body=body)
    if status in {401, 403}:
        return Finding("whether encrypted chats work is looked at once the bridge has run")
    devices = own_devices.published(answer, bot)
    if status != 200 or not devices:
        return Finding(
            "the bot has no encryption device yet: start the bridge, and look at its log if "
            "encrypted chats do not work then. It needs a homeserver with devices of appservices "
            "(MSC4190; Synapse 1.121 or newer)",
            warning=True,
        )
    if len(devices) > 1:
        names = ", ".join(device.name for device in devices)
        return Finding(
            f"the bot has more than one encryption device ({names}): two bridges, or databases, "
            "are at work for one bot. Let one of them run",
            warning=True,
        )
    [device] = devices
    signed = "cross-signed" if device.is_cross_signed else "not cross-signed yet"
    return Finding(
        f"encrypted chats work: the bot's device {device.name} is {signed}; its fingerprint is "
        f"{device.fingerprint}"
    )


async def livekit_finding(config: Config) -> Finding:
    """Return a finding on whether the LiveKit server takes our key, and what it is to tell us."""
    # not before: it needs packages that the embedded engine does without
    from spaces_bridge.livekit.engine.api import LiveKitApi, LiveKitRefused

    key, secret = config.livekit.api_key, config.livekit.api_secret.get_secret_value()
    api = LiveKitApi(config.livekit.server_url, key, secret)
    try:
        rooms = await api.check()
    except LiveKitRefused:
        text = (
            f"LiveKit at {config.livekit.server_url} does not take `livekit.api_key` and "
            "`livekit.api_secret`: write the same pair as in the `keys` of its config"
        )
        return Finding(text, ExitCode.CONFIG_INVALID)
    except AdapterError as error:
        text = f"{error}. Is it running, and is `livekit.server_url` its address?"
        return Finding(text, ExitCode.CONFIG_INVALID)
    finally:
        await api.close()
    return Finding(
        f"LiveKit answers at {config.livekit.server_url} (rooms: {rooms}). For it to tell the "
        "bridge at once who comes and goes, add to its config, if it has not yet:\n"
        f"webhook:\n    api_key: {key}\n    urls: [{config.call_service_url}/sfu_webhook]"
    )


async def calls_finding(session: aiohttp.ClientSession, config: Config, _: str) -> Finding:
    """Return a finding on whether the homeserver leads clients of calls here."""
    if not config.livekit.enabled:
        return Finding("calls are off (livekit.enabled)")
    token = config.appservice.as_token
    status, answer = await _call(session, "GET", transports.ENDPOINT, token=token)
    ours = transports.CallAddresses(config.call_url, config.call_service_url)
    text, is_warning = transports.advice(status, answer, ours)
    return Finding(text, warning=is_warning)
