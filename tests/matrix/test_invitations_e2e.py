"""Invitations, announcements, reminders and the taps on them, on a real Synapse."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.events import Reminder
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.lifecycle import MINUTE_MS
from spaces_bridge_demo.expected import Event
from spaces_bridge_demo.matrix_user import MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import (
    BOT,
    PAGES,
    Bridge,
    LiveSetup,
    SystemClock,
    eventually,
    room_of,
)

pytestmark = pytest.mark.e2e


@pytest.fixture
async def quick(setup: LiveSetup, tmp_path: Path) -> AsyncIterator[Bridge]:
    """A running bridge that invites fast."""
    settings = setup.settings(invitations_per_minute=6000)
    async with Bridge(settings, tmp_path / "spaces.db") as running:
        await running.connected()
        yield running


def user(person: MatrixUser) -> UserId:
    return UserId(person.id)


async def meet(person: MatrixUser) -> str:
    """A direct room in which the bot has greeted; its id."""
    greeted = person.next_event(
        lambda e: e.get("sender") == BOT and "body" in e.get("content", {})
    )
    room = await person.open_dm(BOT)
    await greeted
    return room


async def invite(bridge: Bridge, space: LiveSpace, by: MatrixUser, whom: MatrixUser) -> None:
    await bridge.spaces.ask(space.space, cmd.InvitePerson(user(by), user(whom)))


async def accept(bridge: Bridge, space: LiveSpace, by: MatrixUser, whom: MatrixUser) -> Event:
    """The invitation's message, in the direct room that the invited person has joined."""
    invited = whom.next_invite()
    await invite(bridge, space, by, whom)
    room = (await invited)["room_id"]
    await whom.join(room)
    await bridge.drained()
    (message,) = await whom.messages(room, BOT)
    return message


async def tap(person: MatrixUser, message: Event, emoji: str) -> tuple[str, str]:
    """The reaction's id and the bot's sentence about it."""
    answered = person.next_message(message["room_id"], sender=BOT)
    reaction = await person.react(message["room_id"], message["event_id"], emoji)
    return reaction, str((await answered)["content"]["body"])


async def take_back(person: MatrixUser, message: Event, reaction: str) -> str:
    answered = person.next_message(message["room_id"], sender=BOT)
    await person.redact(message["room_id"], reaction)
    return str((await answered)["content"]["body"])


async def invitations_of(person: MatrixUser, room: str) -> list[str]:
    """The first lines of all invitations in a direct room."""
    bodies = [str(m["content"]["body"]) for m in await person.messages(room, BOT)]
    return [body.splitlines()[0] for body in bodies if "matrix.to" in body]


async def silent(bridge: Bridge, whom: MatrixUser, host: MatrixUser) -> bool:
    return await bridge.storage.followers.is_silent(user(whom), user(host))


async def plan(bridge: Bridge, host: MatrixUser, title: str, *, in_ms: int) -> LiveSpace:
    """A live space that is scheduled."""
    space = await bridge.create(host, title)
    now = SystemClock().now_ms()
    await bridge.spaces.ask(space.space, cmd.Reschedule(user(host), now + in_ms, now))
    return bridge.view(space.space)


async def start(bridge: Bridge, space: LiveSpace, host: MatrixUser) -> None:
    await bridge.spaces.ask(space.space, cmd.StartSpace(user(host), SystemClock().now_ms()))


# --- taps ---------------------------------------------------------------------------------------


async def test_a_check_mark_brings_a_reminder_and_the_word_that_it_is_live(
    quick: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await plan(quick, ada, "Tonight", in_ms=60 * MINUTE_MS)
    message = await accept(quick, space, ada, ben)
    assert "It starts on" in message["content"]["body"]
    reactions = [
        e["content"]["m.relates_to"]["key"]
        for e in await ben.timeline(message["room_id"])
        if e["type"] == "m.reaction"
    ]
    assert reactions == ["✅", "🔕", "🚫"]
    _, answer = await tap(ben, message, "✅")
    assert answer == "I remind you 15 minutes before, and when it starts."
    assert user(ben) in quick.view(space.space).reminded
    told = ben.next_message(message["room_id"], "is live: Tonight", BOT)
    await start(quick, space, ada)
    await told
    _, late = await tap(ben, message, "✅️")
    assert late.startswith("It is live already")
    assert f"{PAGES}/s/{space.slug}" in late


async def test_a_check_mark_taken_back_is_no_reminder(quick: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await plan(quick, ada, "Tonight", in_ms=60 * MINUTE_MS)
    message = await accept(quick, space, ada, ben)
    reaction, _ = await tap(ben, message, "✅")
    assert await take_back(ben, message, reaction) == "No reminder, then."
    assert quick.view(space.space).reminded == frozenset()


@pytest.mark.parametrize("emoji", ["🔕", "🚫"])
async def test_a_crossed_out_sign_ends_invitations_until_it_is_taken_back(
    quick: Bridge, settle: Settle, emoji: str
) -> None:
    ada, ben, cat = await settle("ada"), await settle("ben"), await settle("cat")
    dm = await meet(ada)
    first = await quick.live(ada, "First", [cat])
    message = await accept(quick, first, cat, ben)
    reaction, _ = await tap(ben, message, emoji)
    assert await silent(quick, ben, ada)
    assert await silent(quick, ben, cat)
    told = ada.next_message(dm, "they take no invitations", BOT)
    await invite(quick, first, ada, ben)
    await told
    assert await take_back(ben, message, reaction) == "You may be invited again."
    again = ben.next_message(message["room_id"], "invites you: First", BOT)
    await quick.spaces.enqueue_task(
        tasks.InviteByMessage(first.space, user(ben), user(ada)), "again"
    )
    await again


async def test_only_the_person_invited_answers_their_invitation(
    quick: Bridge, settle: Settle
) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    space = await quick.live(ada, "Mine")
    message = await accept(quick, space, ada, ben)
    await ben.request("POST", f"rooms/{message['room_id']}/invite", {"user_id": eve.id})
    await eve.join(message["room_id"])
    await eve.react(message["room_id"], message["event_id"], "🚫")
    _, answer = await tap(ben, message, "🔕")
    assert answer.startswith("Nothing more")
    assert not await silent(quick, eve, ada)
    assert await silent(quick, ben, ada)


async def test_an_offer_to_speak_is_accepted_with_a_tap(quick: Bridge, settle: Settle) -> None:
    ada, ben, cat = await settle("ada"), await settle("ben"), await settle("cat")
    dms = {person.id: await meet(person) for person in (ben, cat)}
    space = await quick.live(ada, "Stage", [ben, cat])
    for person, emoji in ((ben, "✅"), (cat, "❌")):
        asked = person.next_message(dms[person.id], "invites you to speak in “Stage”", BOT)
        await quick.spaces.ask(space.space, cmd.BringSpeaker(user(ada), user(person)))
        offer = await asked
        await quick.drained()
        await tap(person, offer, emoji)
    assert (await ada.levels(room_of(space)))[ben.id] == 10
    assert cat.id not in await ada.levels(room_of(space))
    assert quick.view(space.space).offers == {}


# --- no taps ------------------------------------------------------------------------------------


async def test_declining_is_a_no_to_this_host(quick: Bridge, settle: Settle) -> None:
    ada, ben, cat = await settle("ada"), await settle("ben"), await settle("cat")
    space = await quick.live(ada, "No, thank you")
    await quick.storage.followers.follow(user(ada), user(ben), 1)
    invited = ben.next_invite()
    await invite(quick, space, ada, ben)
    await ben.leave((await invited)["room_id"])

    async def heard() -> bool:
        return await silent(quick, ben, ada)

    await eventually(heard, "the decline was not heard")
    assert not await quick.storage.followers.follows(user(ada), user(ben))
    assert not await silent(quick, ben, cat)


async def test_leaving_the_direct_room_is_a_no_to_who_invited_last(
    quick: Bridge, settle: Settle
) -> None:
    ada, ben, cat = await settle("ada"), await settle("ben"), await settle("cat")
    space, other = await quick.live(ada, "One"), await quick.live(cat, "Two")
    message = await accept(quick, space, ada, ben)
    second = ben.next_message(message["room_id"], "invites you: Two", BOT)
    await invite(quick, other, cat, ben)
    await second
    await ben.leave(message["room_id"])

    async def heard() -> bool:
        return await silent(quick, ben, cat)

    await eventually(heard, "the leave was not heard")
    assert not await silent(quick, ben, ada)


async def test_an_unanswered_invitation_is_a_no_to_the_next(quick: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm = await meet(ada)
    first = await quick.create(ada, "First")
    invited = ben.next_invite()
    await invite(quick, first, ada, ben)
    room = (await invited)["room_id"]
    await quick.drained()
    second = await quick.create(ada, "Second")
    told = ada.next_message(dm, "has not answered an earlier invitation", BOT)
    await invite(quick, second, ada, ben)
    await told
    assert await silent(quick, ben, ada)
    await ben.join(room)
    assert await invitations_of(ben, room) == [
        f"{ada.id[1:].partition(':')[0].capitalize()} invites you: First"
    ]


async def test_who_blocks_invites_is_told_to_the_inviter(quick: Bridge, settle: Settle) -> None:
    ada, ben, cat = await settle("ada"), await settle("ben"), await settle("cat")
    dm = await meet(ada)
    config = "m.invite_permission_config"
    for person in (ben, cat):
        path = f"user/{person.id}/account_data/{config}"
        await person.request("PUT", path, {"default_action": "block"})
        await quick.storage.followers.follow(user(ada), user(person), 1)
    space = await quick.create(ada, "Blocked")
    told = ada.next_message(dm, f"{ben.id} could not be invited: they take no invitations", BOT)
    await invite(quick, space, ada, ben)
    await told
    summed = ada.next_message(dm, "2 followers take no invitations", BOT)
    await start(quick, space, ada)
    await summed
    await quick.drained()
    sentences = [m["content"]["body"] for m in await ada.messages(dm, BOT)]
    assert len([s for s in sentences if "take no invitations" in s]) == 2


async def test_limits_are_told_in_words(setup: LiveSetup, tmp_path: Path, settle: Settle) -> None:
    ada = await settle("ada")
    crowd = [await settle("crowd") for _ in range(3)]
    settings = setup.settings(
        invitations_per_minute=6000, strangers_per_day=2, invitations_per_person=1
    )
    async with Bridge(settings, tmp_path / "db") as bridge:
        await bridge.connected()
        dm = await meet(ada)
        space = await bridge.live(ada, "Limits")
        strange = ada.next_message(dm, f"{crowd[2].id} was not invited: I write to at most 2", BOT)
        for person in crowd:
            await invite(bridge, space, ada, person)
        await strange
        other = await bridge.live(crowd[2], "Enough")
        room = await crowd[0].join(invite_of(crowd[0])["room_id"])
        many = crowd[2].next_invite()
        await invite(bridge, other, crowd[2], crowd[0])
        await crowd[2].join((await many)["room_id"])
        await bridge.drained()
        (word,) = await crowd[2].messages((await many)["room_id"], BOT)
        assert "they have got many invitations today already" in word["content"]["body"]
        assert len(await invitations_of(crowd[0], room)) == 1


def invite_of(person: MatrixUser) -> Event:
    """The invite to the bot's direct room, which has come already."""
    return next(
        event for event in person.seen if "invite_state" in event and event["sender"] == BOT
    )


# --- announcements and reminders ----------------------------------------------------------------


async def test_followers_hear_that_their_host_is_live_and_nobody_else(
    quick: Bridge, settle: Settle
) -> None:
    ada, ben, cat, dan = [await settle(name) for name in ("ada", "ben", "cat", "dan")]
    dms = {person.id: await meet(person) for person in (ben, cat, dan)}
    for person in (ben, cat, dan):
        await quick.storage.followers.follow(user(ada), user(person), 1)
    await quick.storage.followers.silence(user(cat), None, 1)
    space = await quick.create(ada, "On air")
    await dan.join(room_of(space))
    await quick.joined(space.space, dan)
    told = ben.next_message(dms[ben.id], "is live: On air", BOT)
    await start(quick, space, ada)
    body = (await told)["content"]["body"]
    assert f"{PAGES}/s/{space.slug}" in body
    await quick.drained()
    for person in (cat, dan):
        assert await invitations_of(person, dms[person.id]) == []
    assert len(await invitations_of(ben, dms[ben.id])) == 1


async def test_reminders_come_while_it_is_scheduled(quick: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dms = {person.id: await meet(person) for person in (ada, ben)}
    space = await plan(quick, ada, "Soon", in_ms=10 * MINUTE_MS)
    await quick.spaces.ask(space.space, cmd.WantReminder(user(ben)))
    soon = ben.next_message(dms[ben.id], "“Soon” starts in 10 minutes", BOT)
    await quick.spaces.enqueue_task(
        tasks.RemindPerson(space.space, user(ben), Reminder.SOON), "soon"
    )
    await soon
    late = ada.next_message(dms[ada.id], "“Soon” starts in", BOT)
    await quick.spaces.enqueue_task(
        tasks.RemindPerson(space.space, user(ada), Reminder.SOON), "host"
    )
    await late
    await start(quick, space, ada)
    await quick.spaces.enqueue_task(
        tasks.RemindPerson(space.space, user(ben), Reminder.SOON), "late"
    )
    await quick.drained()
    bodies = [m["content"]["body"] for m in await ben.messages(dms[ben.id], BOT)]
    assert len([body for body in bodies if "starts in" in body]) == 1


async def test_when_it_is_time_the_host_is_told_how_to_begin(
    quick: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    dm = await meet(ada)
    space = await plan(quick, ada, "Now", in_ms=100)
    due = ada.next_message(dm, "It is time for “Now”: write `start`", BOT)
    due_at_ms = quick.view(space.space).scheduled_at_ms or 0
    await eventually(lambda: SystemClock().now_ms() >= due_at_ms, "it is never time")
    await quick.spaces.enqueue_task(
        tasks.RemindPerson(space.space, user(ada), Reminder.HOST_DUE), "due"
    )
    await due
