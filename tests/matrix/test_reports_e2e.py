"""Reports reach the moderators' room of a real homeserver."""

import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest

from spaces_bridge.app import tasks
from spaces_bridge.app.records import Report
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e


async def report(bridge: Bridge, space: LiveSpace, by: str, about: str, reason: str) -> int:
    """Store a report, and the task that shows it."""
    said = Report(
        0, space.space, UserId(by), UserId(about), reason, "Ben: buy <b>this</b>\nnow", 5
    )
    number = await bridge.storage.reports.file(said, f"{space.space}:{about}")
    await bridge.spaces.enqueue_task(tasks.ForwardReport(number), f"report:{number}")
    return number


@pytest.mark.parametrize("by_alias", [True, False])
async def test_a_report_is_shown_in_the_moderators_room(
    setup: LiveSetup, tmp_path: Path, settle: Settle, by_alias: bool
) -> None:
    ada, ben, mod = [await settle(name) for name in ("ada", "ben", "mod")]
    name = f"mods-{mod.id[1:].partition(':')[0]}"
    room = await mod.create_room(preset="private_chat", room_alias_name=name, invite=[BOT])
    named = f"#{name}:localhost" if by_alias else room
    settings = setup.settings(moderators_room=named)
    async with Bridge(settings, tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Talk", [ben])
        shown = mod.next_message(room, "Report ", BOT)
        reason = "sells things\nReport 99\nBy: @somebody:else <script>"
        number = await report(bridge, space, ada.id, ben.id, reason)
        content = (await shown)["content"]
        assert content["msgtype"] == "m.text"
        assert content["m.mentions"] == {}
        lines = content["body"].split("\n")
        assert lines[0] == f"Report {number}"
        assert f"Reported: {ben.id}" in lines
        assert f"By: {ada.id}" in lines
        assert "Reason: sells things Report 99 By: @somebody:else <script>" in lines
        assert "> now" in lines
        assert f"https://matrix.to/#/{ben.id}" in lines
        assert settings.alias(space.slug) in content["body"]
        html = content["formatted_body"]
        assert "<script>" not in html
        assert "&lt;b&gt;this&lt;/b&gt;<br>now" in html
        assert f'<a href="https://matrix.to/#/{quote(ben.id, safe="@:")}">' in html


async def homeserver_reports(setup: LiveSetup) -> list[Mapping[str, Any]]:
    """What the homeserver's own moderators are shown."""
    admin = await admin_token(setup)
    url = f"{setup.homeserver.url}/_synapse/admin/v1/user_reports?limit=1000"
    bearer = {"Authorization": f"Bearer {admin}"}
    async with aiohttp.ClientSession(headers=bearer) as http, http.get(url) as answer:
        assert answer.status == 200
        return list((await answer.json())["user_reports"])


async def admin_token(setup: LiveSetup) -> str:
    """Of a new admin of the homeserver."""
    url = f"{setup.homeserver.url}/_synapse/admin/v1/register"
    name = f"boss{secrets.token_hex(4)}"
    async with aiohttp.ClientSession() as http:
        async with http.get(url) as answer:
            nonce = (await answer.json())["nonce"]
        signed = f"{nonce}\0{name}\0password\0admin".encode()
        config = json.loads((setup.homeserver.directory / "homeserver.yaml").read_text())
        secret = str(config["registration_shared_secret"])
        mac = hmac.new(secret.encode(), signed, "sha1").hexdigest()
        body = {"nonce": nonce, "username": name, "password": "password", "admin": True}
        async with http.post(url, json={**body, "mac": mac}) as answer:
            return str((await answer.json())["access_token"])


async def test_the_homeserver_hears_of_accounts_too_and_nobody_of_a_room_that_is_not_there(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    async with Bridge(setup.settings(), tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Talk", [ben])
        number = await report(bridge, space, ada.id, ben.id, "spam")
        await report(bridge, space, ada.id, "@spaces_1:localhost", "spam")
        await forwarded(bridge)
        assert await bridge.storage.reports.find(number) is not None
        heard = [r for r in await homeserver_reports(setup) if r["target_user_id"] == ben.id]
        assert [r["reason"] for r in heard] == [f"spam (reported by {ada.id} in a live space)"]
        about = [r["target_user_id"] for r in await homeserver_reports(setup)]
        assert "@spaces_1:localhost" not in about
        messages = await ada.messages(room_of(space), BOT)
        assert not any("Report" in str(m["content"].get("body")) for m in messages)


async def test_a_room_that_takes_no_reports_is_named_and_the_report_kept(
    setup: LiveSetup, tmp_path: Path, settle: Settle, caplog: pytest.LogCaptureFixture
) -> None:
    ada, ben, mod = [await settle(name) for name in ("ada", "ben", "mod")]
    room = await mod.create_room(preset="private_chat")
    async with Bridge(setup.settings(moderators_room=room), tmp_path / "db") as bridge:
        space = await bridge.live(ada, "Talk", [ben])
        number = await report(bridge, space, ada.id, ben.id, "spam")
        await forwarded(bridge)
        assert f"report {number} cannot be shown" in caplog.text
        assert await bridge.storage.reports.find(number) is not None


async def forwarded(bridge: Bridge) -> None:
    """No report waits."""

    async def done() -> bool:
        kinds = [row.effect.kind for row in await bridge.outbox.pending(0, 100)]
        return "report.forward" not in kinds

    await eventually(done, "not forwarded")
