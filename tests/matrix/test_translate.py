"""From Matrix events to what they mean."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.floor import Doubt
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.events import translate as means
from spaces_bridge.matrix.events.translate import losses, meaning_of
from spaces_bridge.matrix.settings import MatrixSettings
from tests.support.spaces import BEN, GUEST, HOST, after, live_space

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
BOT = SETTINGS.bot
ROOM, EVENT = RoomId("!room"), EventId("$event")


def event(
    type_: str, content: dict[str, Any], sender: str = BEN, **more: object
) -> dict[str, Any]:
    head = {"type": type_, "room_id": ROOM, "event_id": EVENT, "sender": sender}
    return {**head, "content": content, **more}


def annotation(key: object, target: object = "$card") -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": "m.annotation", "event_id": target, "key": key}}


@pytest.mark.parametrize(
    ("given_event", "meaning"),
    [
        (
            event("m.room.message", {"msgtype": "m.text", "body": "hi"}),
            means.Message(ROOM, EVENT, BEN, "hi"),
        ),
        (
            event("m.reaction", annotation("✋")),
            means.Reaction(ROOM, EVENT, BEN, EventId("$card"), "✋"),
        ),
        (
            event("m.room.redaction", {"redacts": "$x"}),
            means.Redaction(ROOM, EVENT, BEN, EventId("$x")),
        ),
        (
            event("m.room.redaction", {}, redacts="$x"),
            means.Redaction(ROOM, EVENT, BEN, EventId("$x")),
        ),
        (event("m.room.encrypted", {"ciphertext": "x"}), means.EncryptedMessage(ROOM, EVENT, BEN)),
        (event("m.room.power_levels", {}, state_key=""), means.LevelsChanged(ROOM)),
        (
            event("m.policy.rule.user", {}, state_key="x"),
            means.PolicyRuleChanged(ROOM, "m.policy.rule.user", "x"),
        ),
        (
            event("org.matrix.mjolnir.rule.server", {}, state_key=""),
            means.PolicyRuleChanged(ROOM, "org.matrix.mjolnir.rule.server", ""),
        ),
        (
            event("m.room.member", {"membership": "leave"}, state_key=BEN),
            means.MemberChanged(ROOM, BEN, gone=True),
        ),
        (
            event("m.room.member", {"membership": ["leave"]}, state_key=BEN),
            means.MemberChanged(ROOM, BEN, gone=False),
        ),
        (
            event("m.room.member", {"membership": "invite", "is_direct": True}, state_key=BOT),
            means.BotInvited(ROOM, EVENT, BEN, True),
        ),
        (
            event("m.room.member", {"membership": "join"}, GUEST, state_key=GUEST),
            means.MemberChanged(ROOM, GUEST),
        ),
    ],
)
def test_events_mean_what_they_say(given_event: dict[str, Any], meaning: means.Meaning) -> None:
    assert meaning_of(given_event, SETTINGS) == meaning


@pytest.mark.parametrize(
    "given_event",
    [
        event("m.room.message", {"msgtype": "m.text", "body": "!space end"}, BOT),
        event("m.room.message", {"msgtype": "m.text", "body": "!space end"}, GUEST),
        event("m.room.message", {"msgtype": "m.notice", "body": "!space end"}),
        event("m.room.message", {"msgtype": "m.text", "body": 7}),
        event("m.room.message", {}),
        event(
            "m.room.message",
            {
                "msgtype": "m.text",
                "body": "* !space end",
                "m.relates_to": {"rel_type": "m.replace"},
            },
        ),
        event("m.room.redaction", {"redacts": "$of-ben"}, redacts="$own"),
        event("m.reaction", annotation(5)),
        event("m.reaction", annotation("✋", 5)),
        event("m.reaction", {"m.relates_to": "odd"}),
        event("m.reaction", annotation("✋"), BOT),
        event("m.room.name", {"name": "x"}, state_key=""),
        event("m.room.member", {"membership": "invite"}, BOT, state_key=BOT),
        event("m.room.power_levels", {}, state_key="odd"),
        event("m.policy.rule.user", {}, state_key="x" * 256),
        event("m.policy.rule.user", {}, state_key=7),
        {},
        {"type": 5, "content": []},
        {"type": "m.room.message", "content": {}},
    ],
)
def test_our_own_words_and_odd_events_mean_nothing(given_event: dict[str, Any]) -> None:
    assert meaning_of(given_event, SETTINGS) is None


@given(
    st.dictionaries(
        st.sampled_from(["type", "content", "sender", "state_key", "room_id", "event_id"]),
        st.none() | st.integers() | st.text() | st.dictionaries(st.text(), st.text()),
    )
)
def test_no_event_is_too_odd(odd: dict[str, Any]) -> None:
    assert meaning_of(odd, SETTINGS) is None or odd


ON_AIR = replace(live_space(), microphones=frozenset({HOST, BEN}))


@pytest.mark.parametrize(
    ("hint", "lost"),
    [
        (event("m.room.power_levels", {"users": {HOST: 90, BEN: 10}}, HOST, state_key=""), []),
        (event("m.room.power_levels", {"users": {HOST: 90, BEN: 9}}, HOST, state_key=""), [BEN]),
        (event("m.room.power_levels", {"users": {HOST: 90}}, HOST, state_key=""), [BEN]),
        (event("m.room.power_levels", {"users_default": 50}, HOST, state_key=""), [HOST, BEN]),
        (event("m.room.power_levels", {"users": {HOST: 90}}, BOT, state_key=""), []),
        (event("m.room.member", {"membership": "leave"}, HOST, state_key=BEN), [BEN]),
        (event("m.room.member", {"membership": "ban"}, HOST, state_key=BEN), [BEN]),
        (event("m.room.member", {"membership": "join"}, BEN, state_key=BEN), []),
        (event("m.room.member", {"membership": "leave"}, HOST, state_key="@other:x"), []),
        (event("m.room.message", {"body": "x"}), []),
    ],
)
def test_hints_name_those_who_may_have_lost_the_floor(
    hint: dict[str, Any], lost: list[UserId]
) -> None:
    assert sorted(loss.user for loss in losses(hint, ON_AIR, SETTINGS)) == sorted(lost)


@pytest.mark.parametrize(
    ("hint", "doubt"),
    [
        (event("m.room.power_levels", {"users": {HOST: 90}}, HOST, state_key=""), Doubt.LEVEL),
        (
            event("m.room.member", {"membership": "leave"}, HOST, state_key=BEN),
            Doubt.MEMBERSHIP,
        ),
    ],
)
def test_who_is_silent_on_the_stage_may_have_lost_the_floor_too(
    hint: dict[str, Any], doubt: Doubt
) -> None:
    silent = after(
        live_space(),
        cmd.RequestToSpeak(BEN, 1),
        cmd.ApproveSpeaker(HOST, BEN),
        cmd.ObserveLevels({HOST: 90, BEN: 10}),
    )
    assert losses(hint, silent, SETTINGS) == [cmd.SuspectLoss(BEN, doubt)]
