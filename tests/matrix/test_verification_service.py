"""Verifications as people ask for them: several, late, twice, odd, the homeserver away."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.verification_ports import VerificationOutcome
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.crypto.to_device import ToDeviceEvent
from spaces_bridge.matrix.events.verification import REQUEST
from spaces_bridge.matrix.verification.limits import (
    AHEAD_MS,
    ALIVE_OF_SERVER_MAX,
    BEGIN_AFTER_MS,
    LIVES_MS,
    QUEUED_OF_SERVER_MAX,
    REFUSED_OF_SERVER_MAX,
    REQUESTS_MAX,
    SHOWN_MS,
)
from spaces_bridge.matrix.verification.mailbox import VerificationMailbox
from tests.matrix.bare_verifier import BareVerifier
from tests.matrix.test_verification_machine import MESSAGES
from tests.matrix.verifying import ANN, DM, HER_DEVICE_KEY, HER_MASTER, Verifying

pytestmark = pytest.mark.unit

BEN = UserId("@ben:example.org")
CROWD = RoomId("!crowd:example.org")


async def test_in_a_room_a_person_verifies_the_bot_by_what_the_page_shows() -> None:
    world = Verifying()
    her = await world.asked()
    assert world.done.last("ready")["methods"] == ["m.sas.v1"]
    await world.compares(her)
    shown = world.shown()
    assert (list(shown.code.emojis), shown.code.decimals) == (her.emojis, her.decimals)
    assert (shown.user, shown.emojis, shown.numbers) == (ANN, True, True)
    assert shown.outcome is VerificationOutcome.COMPARING
    assert world.done.endorsed == []
    await world.confirms(her)
    assert her.verified == sorted(her.peer_keys)
    assert world.shown().outcome is VerificationOutcome.VERIFIED
    assert world.done.endorsed == [(ANN, HER_MASTER)]
    assert world.done.kinds() == ["ready", "accept", "key", "mac", "done"]
    assert {to for to, _ in world.done.sent} == {DM}


async def test_by_to_device_it_is_the_same() -> None:
    world = Verifying()
    her = await world.asked_by_device()
    await world.compares(her)
    assert list(world.shown().code.emojis) == her.emojis
    await world.confirms(her)
    assert world.done.endorsed == [(ANN, HER_MASTER)]
    assert {to for to, _ in world.done.sent} == {f"{ANN} HERS"}


async def test_a_client_of_before_starts_without_asking() -> None:
    world = Verifying()
    her = BareVerifier(
        ANN,
        "HERS",
        {"ed25519:HERS": HER_DEVICE_KEY},
        ("@m:example.org", "BOTDEVICE"),
        {"ed25519:BOTDEVICE": "d" * 43, "ed25519:" + "M" * 43: "M" * 43},
        {"transaction_id": "txn9"},
        "txn9",
    )
    await world.compares(her)
    await world.says(her, "mac", her.mac())
    her.maced(world.done.last("mac"))
    assert world.done.kinds() == ["accept", "key", "mac"]
    assert world.done.endorsed == []  # she has no master key


async def test_no_message_holds_the_code_that_is_to_be_compared() -> None:
    world = Verifying()
    her = await world.asked()
    await world.compares(her)
    [text] = world.done.told
    assert "/verify/" in text
    assert not any(str(number) in text for number in her.decimals)


async def test_who_waits_is_started() -> None:
    world = Verifying()
    her = await world.asked()
    await world.service.tick()
    assert world.done.kinds() == ["ready"]
    world.clock.at_ms += BEGIN_AFTER_MS
    await world.service.tick()
    await world.says(her, "accept", her.accept(world.done.last("start")))
    her.keyed(world.done.last("key"))
    await world.says(her, "key", her.key_message())
    assert list(world.shown().code.emojis) == her.emojis
    await world.confirms(her)
    assert world.done.endorsed == [(ANN, HER_MASTER)]


# --- time ---------------------------------------------------------------------------------------


async def test_after_ten_minutes_it_is_cancelled_once_and_forgotten_later() -> None:
    world = Verifying()
    her = await world.asked()
    await world.compares(her)
    ticket = world.ticket()
    world.clock.at_ms += LIVES_MS
    await world.service.tick()
    await world.service.tick()
    assert world.done.last("cancel")["code"] == "m.timeout"
    assert world.done.kinds().count("cancel") == 1
    assert world.shown().outcome is VerificationOutcome.CANCELLED
    await world.says(her, "mac", her.mac())
    assert world.done.endorsed == []
    world.clock.at_ms += SHOWN_MS
    await world.service.tick()
    assert world.service.shown(ticket) is None


@pytest.mark.parametrize("off_ms", [-LIVES_MS, AHEAD_MS + 1])
async def test_a_request_of_another_time_is_ignored(off_ms: int) -> None:
    world = Verifying()
    request = world.request()
    world.clock.at_ms -= off_ms
    await world.service.in_room(request)
    now_ms = world.clock.now_ms()
    await world.asked_by_device(timestamp=now_ms + off_ms)
    await world.asked_by_device("txn2", timestamp=None)
    assert world.done.sent == []


# --- who, where, how many -----------------------------------------------------------------------


async def test_in_a_crowds_room_nothing_is_answered() -> None:
    world = Verifying()
    await world.asked(room=CROWD)
    await world.service.in_room(
        world.message("m.key.verification.key", {"key": "x"}, id_="$else", room=CROWD)
    )
    assert world.done.sent == []


async def test_what_belongs_to_another_room_or_person_changes_nothing() -> None:
    world = Verifying()
    world.direct.add(CROWD)
    her = await world.asked()
    start = her.start()
    type_ = "m.key.verification.start"
    await world.service.in_room(world.message(type_, start, id_=her.id, room=CROWD))
    await world.service.in_room(world.message(type_, start, id_=her.id, user=BEN))
    await world.service.to_device(type_, BEN, {**start, "transaction_id": her.id})
    assert not [out for to, out in world.done.sent if to == DM and out.type.endswith(".cancel")]
    assert not [out for to, out in world.done.sent if to == DM and out.type.endswith(".accept")]
    await world.compares(her)
    assert list(world.shown().code.emojis) == her.emojis


async def test_two_requests_at_once_of_one_person_are_both_cancelled_and_a_third_counts() -> None:
    world = Verifying()
    first, second = await world.asked(), await world.asked()
    cancelled = [out.content["m.relates_to"]["event_id"] for _, out in world.done.sent[1:]]
    assert cancelled == [first.id, second.id]
    third = await world.asked()
    await world.compares(third)
    assert list(world.shown().code.emojis) == third.emojis


async def test_one_persons_verification_leaves_anothers_alone() -> None:
    world = Verifying()
    ann, ben = await world.asked(), await world.asked(BEN)
    await world.compares(ann)
    await world.compares(ben)
    assert list(world.shown().code.emojis) == ben.emojis
    await world.confirms(ann)
    await world.confirms(ben)
    assert world.done.endorsed == [(ANN, HER_MASTER), (BEN, HER_MASTER)]


async def test_a_flood_of_requests_is_refused_in_words_and_then_ignored() -> None:
    world = Verifying()
    for _ in range(3 * REQUESTS_MAX):
        her = await world.asked()
        await world.says(her, "cancel", {"code": "m.user", "reason": ""})
    assert world.done.kinds() == ["ready"] * REQUESTS_MAX + ["cancel"]
    world.clock.at_ms += LIVES_MS + 1
    await world.asked()
    assert world.done.kinds()[-1] == "ready"


async def test_one_homeservers_people_leave_places_to_others() -> None:
    world = Verifying()
    for number in range(ALIVE_OF_SERVER_MAX + 1):
        await world.asked(UserId(f"@u{number}:crowd.example"))
    assert world.done.kinds() == ["ready"] * ALIVE_OF_SERVER_MAX + ["cancel"]
    await world.asked()
    assert world.done.kinds()[-1] == "ready"


async def test_many_refusals_to_one_homeservers_people_end_in_silence() -> None:
    world = Verifying()
    for number in range(REFUSED_OF_SERVER_MAX + 5):
        user = UserId(f"@u{number}:evil.example")
        world.done.known[user, "HERS"] = None
        await world.asked(user)
    assert world.done.kinds() == ["cancel"] * REFUSED_OF_SERVER_MAX
    await world.asked()
    assert world.done.kinds()[-1] == "ready"


async def test_messages_by_to_device_wait_in_a_queue_of_their_own_and_bounded() -> None:
    """The key sync hands them in, and goes on while a server does not answer."""
    heard: list[str] = []
    answers, all_heard = asyncio.Event(), asyncio.Event()

    async def slow(event: ToDeviceEvent) -> None:
        await answers.wait()
        heard.append(event.sender)
        if event.content.get("last"):
            all_heard.set()
        if event.content.get("odd"):
            raise ValueError("odd")

    box = VerificationMailbox(slow)
    task = asyncio.ensure_future(box.run())
    eve, ann = UserId("@eve:evil.example"), ANN
    async with asyncio.timeout(20):
        for _ in range(QUEUED_OF_SERVER_MAX + 10):
            await box.put(ToDeviceEvent(eve, REQUEST, {"odd": True}))
        await box.put(ToDeviceEvent(ann, REQUEST, {"last": True}))
        assert heard == []
        answers.set()
        await all_heard.wait()
        assert heard == [eve] * QUEUED_OF_SERVER_MAX + [ann]
        all_heard.clear()
        await box.put(ToDeviceEvent(eve, REQUEST, {"last": True}))
        await all_heard.wait()
    task.cancel()


async def test_a_client_that_only_shows_qr_codes_is_told_so_in_words() -> None:
    world = Verifying()
    await world.service.in_room(world.request(methods=["m.qr_code.show.v1"]))
    assert world.done.last("cancel")["code"] == "m.unknown_method"
    assert "m.qr_code.show.v1" in world.done.told[0]


async def test_a_device_that_the_homeserver_does_not_show_is_not_verified() -> None:
    world = Verifying()
    world.done.known[ANN, "HERS"] = None
    await world.asked()
    assert world.done.last("cancel")["code"] == "m.key_mismatch"


async def test_without_keys_of_its_own_the_bot_answers_nothing() -> None:
    world = Verifying()
    world.own = None
    await world.asked()
    await world.asked_by_device()
    assert world.done.sent == []
    assert world.service.bot_keys() is None


# --- what is unknown, comes twice, or cannot be sent --------------------------------------------


async def test_what_is_unknown_in_a_chat_is_cancelled_once() -> None:
    world = Verifying()
    for _ in range(3):
        await world.service.in_room(
            world.message("m.key.verification.key", {"key": "x"}, id_="$before")
        )
    await world.service.in_room(world.message("m.key.verification.cancel", {}, id_="$else"))
    assert world.done.kinds() == ["cancel"]
    assert world.done.last("cancel")["code"] == "m.unknown_transaction"


async def test_an_event_that_comes_twice_counts_once() -> None:
    world = Verifying()
    request = world.request()
    await world.service.in_room(request)
    await world.service.in_room(request)
    assert world.done.kinds() == ["ready"]


async def test_what_could_not_be_sent_is_sent_when_the_event_comes_again() -> None:
    world = Verifying()
    her = await world.asked()
    start = world.message("m.key.verification.start", her.start(), id_=her.id)
    world.done.away = True
    for _ in range(REQUESTS_MAX + 2):
        with pytest.raises(AdapterError):
            await world.service.in_room(start)
    world.done.away = False
    await world.service.in_room(start)
    assert world.done.kinds() == ["ready", "accept"]
    await world.says(her, "key", her.accepted(world.done.last("accept")))
    her.keyed(world.done.last("key"))
    await world.confirms(her)
    assert world.done.endorsed == [(ANN, HER_MASTER)]


async def test_a_request_during_an_outage_counts_once() -> None:
    world = Verifying()
    request = world.request()
    world.done.away = True
    for _ in range(REQUESTS_MAX + 2):
        with pytest.raises(AdapterError):
            await world.service.in_room(request)
    await world.asked_by_device()  # nothing is raised where nothing comes again
    world.done.away = False
    await world.service.in_room(request)
    assert world.done.kinds() == ["ready"]


async def test_who_says_that_the_emoji_differ_is_warned() -> None:
    world = Verifying()
    her = await world.asked()
    await world.compares(her)
    await world.says(her, "cancel", {"code": "m.mismatched_sas", "reason": ""})
    assert "trust nothing" in world.done.told[-1]
    assert world.shown().outcome is VerificationOutcome.CANCELLED
    await world.says(her, "mac", her.mac())
    assert world.done.endorsed == []


@settings(max_examples=60)
@given(st.lists(MESSAGES, max_size=8), st.booleans())
async def test_generated_messages_never_raise_and_never_verify(
    messages: list[tuple[str, dict[str, Any]]], by_device: bool
) -> None:
    world = Verifying()
    her = await (world.asked_by_device() if by_device else world.asked())
    await world.compares(her)
    for kind, content in messages:
        await world.says(her, kind, {**content, **her.reference})
        await world.service.to_device(f"m.key.verification.{kind}", ANN, content)
        await world.service.in_room(world.message(REQUEST, content))
    assert world.done.endorsed == []
    assert world.shown().outcome is not VerificationOutcome.VERIFIED
