"""Membership in calls, as each generation of clients says it."""

from typing import Any

import pytest

from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.matrix.events import rtc
from spaces_bridge.matrix.events.rtc import (
    CallMember,
    CallReaction,
    member_in,
    plain_address,
)

pytestmark = pytest.mark.unit

ALICE, BOT, ROOM = UserId("@alice:space.test"), UserId("@spacesbot:space.test"), RoomId("!room")
KEY = "_@alice:space.test_ALICEDEV_m.call"
OURS, THEIRS = "https://spaces.example.org/livekit", "https://sfu.elsewhere.net/livekit/jwt"
SFU = "wss://sfu.example.org"
AT_MS = 1_790_000_000_000
HOUR_MS = 3_600_000


def focus(address: str) -> dict[str, str]:
    return {"type": "livekit", "livekit_alias": ROOM, "livekit_service_url": address}


def joined(**changes: object) -> dict[str, Any]:
    """What Element Call 0.26.1 writes when it joins (measured)."""
    return {
        "application": "m.call",
        "call_id": "",
        "scope": "m.room",
        "device_id": "ALICEDEV",
        "membershipID": "@alice:space.test:ALICEDEV",
        "expires": 14_400_000,
        "focus_active": {"type": "livekit", "focus_selection": "multi_sfu"},
        "foci_preferred": [focus(THEIRS), focus(OURS)],
        **changes,
    }


def state(content: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "type": "org.matrix.msc3401.call.member",
        "room_id": ROOM,
        "event_id": "$member",
        "sender": ALICE,
        "state_key": KEY,
        "origin_server_ts": AT_MS,
        "content": content,
        **changes,
    }


def sticky(content: dict[str, Any], **changes: object) -> dict[str, Any]:
    return {
        "type": "org.matrix.msc4143.rtc.member",
        "room_id": ROOM,
        "event_id": "$sticky",
        "sender": ALICE,
        "origin_server_ts": AT_MS,
        "msc4354_sticky": {"duration_ms": HOUR_MS},
        "content": content,
        **changes,
    }


def sticky_join(**changes: object) -> dict[str, Any]:
    """What Element Call 0.26.1 sends in its mode `matrix_2_0` (measured)."""
    return {
        "application": {"type": "m.call"},
        "slot_id": "m.call#ROOM",
        "transports": {
            "published": [{"type": "livekit", "livekit_service_url": THEIRS}],
            "can_subscribe": ["livekit"],
        },
        "member": {"device_id": "ALICEDEV", "user_id": ALICE, "id": "uuid-1"},
        "versions": [],
        "msc4354_sticky_key": "uuid-1",
        **changes,
    }


@pytest.mark.parametrize("type_", sorted(rtc.STATE_TYPES))
@pytest.mark.parametrize("key", [KEY, KEY[1:], "_@alice:space.test_ALICEDEV"])
def test_a_state_event_says_who_where_and_until_when(type_: str, key: str) -> None:
    member = CallMember(
        ALICE,
        "ALICEDEV",
        "@alice:space.test:ALICEDEV",
        there=True,
        publishes_at=(THEIRS,),
        expires_at_ms=AT_MS + 14_400_000,
    )
    assert member_in(state(joined(), type=type_, state_key=key)) == member


def test_the_life_of_a_renewed_membership_counts_from_its_beginning() -> None:
    renewed = member_in(state(joined(created_ts=AT_MS - 9 * HOUR_MS, expires=12 * HOUR_MS)))
    assert renewed is not None
    assert renewed.expires_at_ms == AT_MS + 3 * HOUR_MS
    assert renewed.is_there(AT_MS + 3 * HOUR_MS - 1)
    assert not renewed.is_there(AT_MS + 3 * HOUR_MS)


def test_who_leaves_is_not_there_whoever_wrote_so() -> None:
    gone = CallMember(ALICE, "ALICEDEV", "@alice:space.test:ALICEDEV", there=False)
    assert member_in(state({})) == gone
    assert member_in(state({}, sender=BOT)) == gone
    assert not gone.is_there(0)


def test_a_user_id_with_underscores_is_read_to_its_end() -> None:
    user = UserId("@al_ice_m.call:space.test:8448")
    key = rtc.state_key(user, "DEV_1")
    event = state(joined(device_id="DEV_1"), sender=user, state_key=key)
    member = member_in(event)
    assert member is not None
    assert (member.user, member.device) == (user, "DEV_1")
    left = member_in({**event, "content": {}})
    assert left is not None
    assert (left.user, left.device, left.there) == (user, "DEV_1", False)


@pytest.mark.parametrize(
    "event",
    [
        state(joined(), sender="@eve:space.test"),
        state(joined(), state_key=""),
        state(joined(), state_key="_@alice_ALICEDEV_m.call"),
        state(joined(), state_key="_@alice:space.test_OTHER_m.call"),
        state(joined(device_id=None)),
        state(joined(device_id={})),
        state(joined(application="m.whiteboard")),
        state({"memberships": []}),
        state(joined(), type="m.room.member"),
        {**state(joined()), "content": "joined"},
        sticky(sticky_join(), state_key=""),
        sticky(sticky_join(member={"device_id": "D", "user_id": "@eve:space.test", "id": "u"})),
        sticky({"member": []}),
        sticky({"msc4354_sticky_key": 5}),
        {},
    ],
)
def test_what_is_odd_or_about_somebody_else_says_nothing(event: dict[str, Any]) -> None:
    assert member_in(event) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"expires": "soon", "created_ts": True},
        {"focus_active": [], "foci_preferred": {}},
        {"foci_preferred": [None, {"type": "livekit"}, {"type": "other", "url": OURS}]},
        {"membershipID": 7},
    ],
)
def test_odd_parts_of_a_membership_are_left_out(changes: dict[str, object]) -> None:
    member = member_in(state(joined(**changes)))
    assert member is not None
    assert member.member == "@alice:space.test:ALICEDEV"
    assert member.expires_at_ms == AT_MS + rtc.EXPIRES_MS


def test_a_sticky_event_says_the_same() -> None:
    member = CallMember(
        ALICE,
        "ALICEDEV",
        "uuid-1",
        there=True,
        publishes_at=(THEIRS,),
        expires_at_ms=AT_MS + HOUR_MS,
    )
    assert member_in(sticky(sticky_join())) == member
    earlier = sticky_join(
        member={"claimed_device_id": "ALICEDEV", "claimed_user_id": ALICE, "id": "uuid-1"},
        rtc_transports=[{"type": "livekit", "livekit_service_url": THEIRS}],
    )
    del earlier["transports"]
    assert member_in(sticky(earlier)) == member


def test_the_newest_form_says_join_and_leave() -> None:
    join = sticky_join(
        member={"id": "uuid-1", "membership": "join"},
        transports={"published": [{"type": "livekit", "url": "wss://sfu.elsewhere.net/x"}]},
    )
    member = member_in(sticky(join, type="m.rtc.member"))
    assert member is not None
    assert (member.there, member.device, member.member) == (True, "", "uuid-1")
    assert member.publishes_at == ("wss://sfu.elsewhere.net/x",)
    left = member_in(sticky(sticky_join(member={"id": "uuid-1", "membership": "leave"})))
    assert left is not None
    assert not left.there


@pytest.mark.parametrize("content", [{"msc4354_sticky_key": "uuid-1"}, {"sticky_key": "uuid-1"}])
def test_a_sticky_event_with_its_key_alone_is_a_leave(content: dict[str, Any]) -> None:
    assert member_in(sticky(content)) == CallMember(ALICE, "", "uuid-1", there=False)


@pytest.mark.parametrize(
    ("sticks", "life_ms"),
    [({"duration_ms": 1000}, 1000), ({"duration_ms": 10**12}, HOUR_MS), (None, HOUR_MS)],
)
def test_nothing_sticks_longer_than_an_hour(sticks: object, life_ms: int) -> None:
    member = member_in(sticky(sticky_join(), msc4354_sticky=sticks))
    assert member is not None
    assert member.expires_at_ms == AT_MS + life_ms


@pytest.mark.parametrize(
    ("addresses", "elsewhere"),
    [
        ([THEIRS], True),
        ([THEIRS, OURS], True),
        ([OURS, THEIRS], False),
        ([f"{OURS}/"], False),
        (["wss://spaces.example.org/livekit"], False),
        ([SFU], False),
        (["HTTPS://Spaces.Example.org:443/livekit"], False),
        ([], False),
    ],
)
def test_who_publishes_elsewhere_is_told_from_who_publishes_here(
    addresses: list[str], elsewhere: bool
) -> None:
    member = member_in(state(joined(foci_preferred=[focus(a) for a in addresses])))
    assert member is not None
    assert member.publishes_elsewhere([OURS, SFU]) is elsewhere


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("https://sfu.example", "https://sfu.example"),
        ("HTTPS://SFU.Example./", "https://sfu.example"),
        ("wss://sfu.example:443/jwt//", "https://sfu.example/jwt"),
        ("http://sfu.example:8080/jwt", "http://sfu.example:8080/jwt"),
        ("https://[2001:DB8::1]:444", "https://[2001:db8::1]:444"),
        ("home", None),
        ("sfu:home", None),
        ("ftp://sfu.example", None),
        ("https://", None),
        ("https:///jwt", None),
        ("https://me:pw@sfu.example", None),
        ("https://@sfu.example", None),
        ("https://sfu.example?x", None),
        ("https://sfu.example#x", None),
        ("https://sfu.example:99999", None),
        ("https://[::1", None),
    ],
)
def test_an_address_is_written_in_one_way(written: str, plain: str | None) -> None:
    assert plain_address(written) == plain


def test_who_follows_the_oldest_member_does_not_say_where_they_publish() -> None:
    follower = {"type": "livekit", "focus_selection": "oldest_membership"}
    member = member_in(state(joined(focus_active=follower)))
    assert member is not None
    assert not member.publishes_elsewhere([OURS, SFU])


def test_the_bots_own_is_read_as_a_membership_here() -> None:
    content = rtc.own_member(BOT, "SPACESBOT", ROOM, OURS, AT_MS, AT_MS)
    key = rtc.state_key(BOT, "SPACESBOT")
    member = member_in(state(content, sender=BOT, state_key=key))
    assert member is not None
    assert (member.user, member.device) == (BOT, "SPACESBOT")
    assert member.member == "@spacesbot:space.test:SPACESBOT"
    assert not member.publishes_elsewhere([OURS, SFU])
    assert member.is_there(AT_MS)
    assert content.keys() - {"created_ts", "m.call.intent"} == joined().keys()


@pytest.mark.parametrize("past_h", [-1, 0, 2.9, 3, 6.9, 7, 23.5, 100])
def test_the_bots_own_never_lapses_and_is_rarely_another_one(past_h: float) -> None:
    def at(hours: float) -> dict[str, Any]:
        now_ms = AT_MS + int(hours * HOUR_MS)
        return rtc.own_member(BOT, "SPACESBOT", ROOM, OURS, AT_MS, now_ms)

    left_ms = AT_MS + at(past_h)["expires"] - (AT_MS + int(past_h * HOUR_MS))
    assert left_ms >= rtc.RENEWED_BEFORE_MS
    assert left_ms <= rtc.EXPIRES_MS + HOUR_MS
    assert len({at(n / 6)["expires"] for n in range(24 * 6)}) <= 7


def reaction(**changes: object) -> dict[str, Any]:
    content = {
        "m.relates_to": {"rel_type": "m.reference", "event_id": "$member"},
        "emoji": "🎉",
        "name": "party",
    }
    return sticky({**content, **changes}, type="io.element.call.reaction", event_id="$r")


def test_a_reaction_in_a_call_names_the_membership_it_goes_with() -> None:
    said = CallReaction(ROOM, EventId("$r"), ALICE, EventId("$member"), "🎉")
    assert rtc.call_reaction_in(reaction()) == said


@pytest.mark.parametrize(
    "event",
    [
        reaction(emoji=None),
        reaction(**{"m.relates_to": {"rel_type": "m.annotation", "event_id": "$member"}}),
        reaction(**{"m.relates_to": {"rel_type": "m.reference", "event_id": ["$member"]}}),
        reaction(**{"m.relates_to": []}),
        {**reaction(), "state_key": ""},
        {**reaction(), "type": "m.reaction"},
        {},
    ],
)
def test_what_is_no_reaction_in_a_call_is_none(event: dict[str, Any]) -> None:
    assert rtc.call_reaction_in(event) is None
