"""The page on which people compare the bot's keys, and the emoji of a verification."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.app.verification_ports import (
    BotKeys,
    SasCode,
    ShownVerification,
    VerificationOutcome,
)
from tests.web.world import ALICE, BOT, WebWorld, web_world

pytestmark = pytest.mark.peers

KEYS = BotKeys(BOT, "SPACESABCD", "abcdEFGH" * 5 + "xyz", "mnopQRST" * 5 + "uvw")
TICKET = "Abc_123-xyz"
CODE = SasCode((0, 7, 21, 31, 42, 50, 63), (1234, 5678, 9012))


class Desk:
    """A desk with the bot's keys and one verification. Implements `VerificationDesk`."""

    def __init__(self) -> None:
        self.keys: BotKeys | None = KEYS
        self.emojis, self.numbers = True, True
        self.outcome = VerificationOutcome.COMPARING

    def bot_keys(self) -> BotKeys | None:
        return self.keys

    def shown(self, ticket: str) -> ShownVerification | None:
        if ticket != TICKET:
            return None
        return ShownVerification(ALICE, CODE, self.emojis, self.numbers, self.outcome)


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
async def world(desk: Desk, tmp_path: Path) -> AsyncIterator[WebWorld]:
    async with web_world(tmp_path, desk=desk) as made:
        yield made


async def page(world: WebWorld, path: str, status: int = 200, language: str = "en") -> str:
    headers = {"Accept": "text/html", "Accept-Language": language}
    async with world.http.get(world.base + path, headers=headers) as response:
        assert response.status == status
        assert response.headers["Cache-Control"] == "no-store"
        return await response.text()


async def test_the_bots_keys_are_shown_for_comparing_by_hand(world: WebWorld) -> None:
    text = await page(world, "/verify")
    assert BOT in text
    assert "SPACESABCD" in text
    assert "abcd EFGH abcd" in text
    assert "mnop QRST mnop" in text


async def test_a_ticket_shows_its_code_and_who_it_is_with(world: WebWorld) -> None:
    text = await page(world, f"/verify/{TICKET}")
    numbers = [int(n) for n in re.findall(r'<li data-emoji="(\d+)">', text)]
    assert tuple(numbers) == CODE.emojis
    for shown in ("🐶", "Dog", "🤖", "Robot", "1234 – 5678 – 9012", ALICE):
        assert shown in text


async def test_the_emoji_are_named_in_the_readers_language(world: WebWorld) -> None:
    assert "Roboter" in await page(world, f"/verify/{TICKET}", language="de")
    assert "رُوبُوت" in await page(world, f"/verify/{TICKET}", language="ar")


async def test_only_what_both_can_show_is_shown(world: WebWorld, desk: Desk) -> None:
    desk.emojis = False
    text = await page(world, f"/verify/{TICKET}")
    assert "data-emoji" not in text
    assert "1234" in text
    desk.emojis, desk.numbers = True, False
    assert "1234" not in await page(world, f"/verify/{TICKET}")


async def test_how_it_ended_is_said(world: WebWorld, desk: Desk) -> None:
    asks = "If all are the same"
    assert asks in await page(world, f"/verify/{TICKET}")
    for outcome in (VerificationOutcome.VERIFIED, VerificationOutcome.CANCELLED):
        desk.outcome = outcome
        text = await page(world, f"/verify/{TICKET}")
        assert asks in text, "whose client confirmed, only comparing says"
        assert '<p role="status">' in text
    desk.outcome = VerificationOutcome.VERIFIED
    assert "If these differ from yours, that was not you" in await page(world, f"/verify/{TICKET}")


@pytest.mark.parametrize("language", ["en", "de", "es", "fr", "ar"])
async def test_a_preview_of_the_link_in_the_chat_shows_no_code(
    world: WebWorld, language: str
) -> None:
    """Homeservers quote the page's text where it has no description of its own."""
    text = await page(world, f"/verify/{TICKET}", language=language)
    found = re.findall(r'<meta (?:name|property)="(\S+)" content="(.*)">', text)
    metas = {name: told for name, told in found if name.startswith(("og:", "description"))}
    assert {"og:title", "og:description", "description"} <= metas.keys()
    whole = " ".join(metas.values())
    names = re.findall(r"<li data-emoji.*</span> (.*)</li>", text)
    assert len(names) == len(CODE.emojis)
    for secret in (*names, "🐶", "🤖", "1234", "5678", "9012", ALICE):
        assert secret not in whole
    unknown = await page(world, "/verify/nobodys", 404, language)
    assert metas["og:description"] in unknown, "it says nothing of the ticket"


async def test_a_ticket_that_is_unknown_shows_no_code(world: WebWorld) -> None:
    text = await page(world, "/verify/nobodys", 404)
    assert "data-emoji" not in text
    assert "Begin again" in text


async def test_without_keys_there_is_no_such_page(world: WebWorld, desk: Desk) -> None:
    desk.keys = None
    for path in ("/verify", f"/verify/{TICKET}"):
        assert "leads nowhere" in await page(world, path, 404)
