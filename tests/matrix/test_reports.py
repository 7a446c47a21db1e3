"""What moderators read of a report."""

import pytest

from spaces_bridge.app.records import Report
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.moderation.reports import texts
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.spaces import BEN, EVE, GUEST, live_space

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")


def report(about: UserId = EVE, reason: str = "spam", context: str = "Eve: buy") -> Report:
    return Report(7, SpaceId("space1"), BEN, about, reason, context, 1)


def test_everything_a_moderator_needs_is_there() -> None:
    plain, html = texts(report(), live_space(), SETTINGS)
    for part in (EVE, BEN, "spam", "“First talk”", "#spaces_first-talk:example.org", "Eve: buy"):
        assert part in plain
        assert part in html
    assert f"https://matrix.to/#/{EVE}" in plain.split("\n")
    assert "policy list" in plain


def test_what_people_wrote_forges_no_line_and_no_markup() -> None:
    bad = report(reason="x\nReported: @ada:example.org", context="<img src=x>\nReason: none\r\n&")
    plain, html = texts(bad, live_space(), SETTINGS)
    assert "Reported: @ada:example.org" not in plain.split("\n")
    assert "> Reason: none" in plain.split("\n")
    assert "<img" not in html
    assert "&lt;img src=x&gt;<br>Reason: none" in html


def test_a_reason_turns_no_direction_of_writing() -> None:
    plain, html = texts(report(reason="bad\u202egnihton\u2066 happened"), None, SETTINGS)
    assert "badgnihton happened" in plain
    assert not set("\u202e\u2066") & set(plain + html)


def test_of_a_guest_or_a_forgotten_space_no_link_is_made_up() -> None:
    plain, html = texts(report(GUEST, reason=" "), None, SETTINGS)
    assert "matrix.to" not in plain + html
    assert "Reason: none given" in plain
    assert "guests off" in plain
    assert "space1" in plain


def test_long_reports_fit_an_event() -> None:
    plain, html = texts(report(reason="r" * 9_000, context="\n<" * 50_000), None, SETTINGS)
    assert len(plain) < 24_000 > len(html) - 60_000
