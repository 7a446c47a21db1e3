"""Which events of rooms are about verifying the bot, and which are not."""

from typing import Any

import pytest

from spaces_bridge.matrix.events.translate import Message, meaning_of
from spaces_bridge.matrix.events.verification import REQUEST, VerificationMessage
from spaces_bridge.matrix.settings import MatrixSettings

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://homeserver", "example.org", "as", "hs", "https://spaces")
BOT = SETTINGS.bot
REFERENCE = {"rel_type": "m.reference", "event_id": "$request"}


def meaning(type_: str, content: Any, **changed: Any) -> Any:  # noqa: ANN401 - JSON
    event = {
        "type": type_,
        "room_id": "!dm:example.org",
        "event_id": "$event",
        "sender": "@ann:example.org",
        "origin_server_ts": 1_700_000_000_000,
        "content": content,
    }
    return meaning_of({**event, **changed}, SETTINGS)


def test_a_request_to_the_bot_begins_a_verification_named_by_its_event() -> None:
    said = meaning("m.room.message", {"msgtype": REQUEST, "to": BOT, "body": "verify me"})
    assert isinstance(said, VerificationMessage)
    assert said.is_request
    assert (said.id, said.event, said.at_ms) == ("$event", "$event", 1_700_000_000_000)


def test_what_refers_to_a_request_belongs_to_it() -> None:
    said = meaning("m.key.verification.start", {"m.relates_to": REFERENCE})
    assert isinstance(said, VerificationMessage)
    assert not said.is_request
    assert said.id == "$request"


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("m.room.message", {"msgtype": REQUEST, "to": "@ben:example.org", "body": "verify"}),
        ("m.room.message", {"msgtype": REQUEST, "body": "verify"}),
        ("m.key.verification.start", {}),
        ("m.key.verification.start", {"m.relates_to": "$request"}),
        ("m.key.verification.start", {"m.relates_to": {**REFERENCE, "rel_type": "m.thread"}}),
        ("m.key.verification.start", {"m.relates_to": {**REFERENCE, "event_id": 7}}),
        ("m.key.verification.request", {"m.relates_to": REFERENCE}),
    ],
)
def test_what_asks_others_or_refers_to_nothing_means_nothing(
    type_: str, content: dict[str, Any]
) -> None:
    assert meaning(type_, content) is None


def test_our_own_messages_mean_nothing_and_text_stays_text() -> None:
    assert meaning("m.key.verification.ready", {"m.relates_to": REFERENCE}, sender=BOT) is None
    assert isinstance(meaning("m.room.message", {"msgtype": "m.text", "body": "help"}), Message)


@pytest.mark.parametrize("odd", [None, True, "now", 1.5])
def test_a_time_that_is_none_is_left_out(odd: object) -> None:
    said = meaning("m.room.message", {"msgtype": REQUEST, "to": BOT}, origin_server_ts=odd)
    assert isinstance(said, VerificationMessage)
    assert said.at_ms is None
