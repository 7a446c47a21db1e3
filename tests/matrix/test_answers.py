"""Taps on the bot's direct messages, and leaving the direct room."""

import asyncio
from typing import Any

import pytest

from spaces_bridge.app.errors import StorageError
from spaces_bridge.app.notes.dms_and_reactions import Invitation, RoomUser, StageInvitationMessage
from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.tasks import Reply
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.dms import store
from spaces_bridge.matrix.dms.reactions import DmReactions
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.events.translate import MemberChanged, Reaction, Redaction
from tests.matrix.dm_setup import ADA, BEN, SETTINGS, SPACE, DmSetup, scheduled

pytestmark = pytest.mark.unit

CAT = UserId("@cat:x")
DM = RoomId("!dm-@cat:x")
MESSAGE, TAP = EventId("$message"), EventId("$tap")


class Counter(DmSetup):
    """Where answers come in; Cat was invited by Ben, a listener of Ada's."""

    def __init__(self) -> None:
        super().__init__()
        every: Any = self
        self.dm_store = DmStore(self.notes)
        self.to_call: set[UserId] = set()
        self.answers = DmReactions(every, self.followers, self.dm_store, SETTINGS, every, every)
        self.space = scheduled(at_ms=self.now_ms() + 2 * 86_400_000)
        self.notes.add(RoomUser(DM, CAT))

    async def call_me(self, space: LiveSpace, user: UserId, source: str) -> bool:
        self.to_call.add(user)
        return False

    async def do_not_call(self, space: SpaceId, user: UserId) -> None:
        self.to_call.discard(user)

    async def invited(self) -> None:
        sent = Invitation(SPACE, CAT, BEN, ADA)
        await self.dm_store.note_last(sent)
        await self.dm_store.note_invitation(MESSAGE, sent)

    async def tap(self, key: str, sender: UserId = CAT, room: RoomId = DM) -> None:
        await self.answers.reacted(Reaction(room, TAP, sender, MESSAGE, key))

    async def take_back(self, sender: UserId = CAT, event: str = "$redaction") -> None:
        await self.answers.took_back(Redaction(DM, EventId(event), sender, TAP))

    @property
    def replies(self) -> list[Reply]:
        return [wanted for wanted in self.enqueued if isinstance(wanted, Reply)]


async def test_a_tap_that_is_faster_than_the_homeservers_answer_counts() -> None:
    setup = Counter()
    with setup.dm_store.sending(DM, "key"):
        tapped = asyncio.create_task(setup.tap("✅"))
        await asyncio.sleep(0)
        assert not setup.replies
        await setup.invited()
    await tapped
    assert CAT in setup.space.reminded
    assert len(setup.replies) == 1
    assert setup.dm_store.on_the_way(DM) == []


async def test_a_message_sent_again_after_an_outage_has_its_taps_of_before() -> None:
    setup = Counter()
    with pytest.raises(Away), setup.dm_store.sending(DM, "key"):
        raise Away("it accepted the message and died")
    tapped = asyncio.create_task(setup.tap("✅"))
    await asyncio.sleep(0)
    with setup.dm_store.sending(DM, "key"):
        await setup.invited()
    await tapped
    assert CAT in setup.space.reminded


async def test_a_refused_message_and_a_lost_one_are_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    setup = Counter()
    with pytest.raises(RequestRefused), setup.dm_store.sending(DM, "refused"):
        raise RequestRefused(403, "M_FORBIDDEN", "")
    assert setup.dm_store.on_the_way(DM) == []
    monkeypatch.setattr(store, "ON_THE_WAY_S", 0.01)
    for lost in (Away("gone"), StorageError("the disk is full")):
        with pytest.raises(type(lost)), setup.dm_store.sending(DM, str(lost)):
            raise lost
    assert len(setup.dm_store.on_the_way(DM)) == 2
    await setup.tap("✅")
    assert setup.dm_store.on_the_way(DM) == []
    assert not setup.replies


async def test_a_check_mark_brings_a_reminder_until_it_is_taken_back() -> None:
    setup = Counter()
    await setup.invited()
    await setup.tap("✅")
    assert CAT in setup.space.reminded
    assert setup.replies[0] == Reply(
        DM, MESSAGE, "I remind you a day and 15 minutes before, and when it starts.", True
    )
    await setup.take_back(BEN)
    assert CAT in setup.space.reminded, "only their own"
    await setup.take_back()
    assert CAT not in setup.space.reminded
    assert setup.replies[1].text == "No reminder, then."
    await setup.take_back()
    assert len(setup.replies) == 2


async def test_who_chose_to_be_rung_is_called_too_until_it_is_taken_back() -> None:
    setup = Counter()
    await setup.invited()
    await setup.tap("✅")
    assert not setup.to_call
    await setup.followers.follow(ADA, CAT, 1)
    await setup.followers.set_alert(ADA, CAT, CallAlert.RING)
    await setup.tap("✅")
    assert setup.to_call == {CAT}
    assert setup.replies[-1].text.endswith("and when it starts. Then I call you, too.")
    await setup.take_back()
    assert not setup.to_call


@pytest.mark.parametrize(
    ("in_minutes", "promise"),
    [
        (24 * 60 + 1, "I remind you a day and 15 minutes before, and when it starts."),
        (24 * 60, "I remind you 15 minutes before, and when it starts."),
        (16, "I remind you 15 minutes before, and when it starts."),
        (15, "I write to you when it starts."),
    ],
)
async def test_only_reminders_that_are_to_come_are_promised(in_minutes: int, promise: str) -> None:
    setup = Counter()
    setup.space = scheduled(at_ms=setup.now_ms() + in_minutes * 60_000)
    await setup.invited()
    await setup.tap("✅")
    assert setup.replies[0].text == promise


async def test_without_a_time_the_promise_names_none() -> None:
    setup = Counter()
    setup.space = scheduled()
    await setup.invited()
    await setup.tap("✅")
    assert setup.replies[0].text == "I write to you when it starts."


async def test_a_check_mark_that_comes_late_is_answered_with_the_way_in() -> None:
    setup = Counter()
    await setup.invited()
    setup.happen(cmd.StartSpace(ADA, 5))
    await setup.tap("✅")
    (reply,) = setup.replies
    assert reply.ok
    assert reply.text == "It is live already: come in! https://pages/s/bread"
    setup.happen(cmd.EndSpace(ADA, 9))
    await setup.tap("✅")
    assert not setup.replies[1].ok
    assert "has ended" in setup.replies[1].text


async def test_a_crossed_bell_silences_who_invited_and_the_host_until_it_is_taken_back() -> None:
    setup = Counter()
    await setup.invited()
    await setup.tap("🔕")
    assert setup.followers.silent == {(CAT, BEN), (CAT, ADA)}
    assert len(setup.replies) == 1
    await setup.take_back()
    assert setup.followers.silent == set()
    assert setup.replies[1].text == "You may be invited again."


async def test_a_no_entry_sign_silences_everybody_until_it_is_taken_back() -> None:
    setup = Counter()
    await setup.invited()
    await setup.tap("🚫")
    assert setup.followers.silent == {(CAT, None)}
    await setup.take_back()
    assert setup.followers.silent == set()


@pytest.mark.parametrize("key", ["✅", "🔕", "🚫"])
async def test_nobody_else_and_nowhere_else_answers_for_them(key: str) -> None:
    setup = Counter()
    await setup.invited()
    await setup.tap(key, sender=BEN)
    await setup.tap(key, room=RoomId("!elsewhere"))
    assert setup.followers.silent == set()
    assert setup.asked == []
    assert setup.replies == []


async def test_other_emoji_and_other_messages_mean_nothing() -> None:
    setup = Counter()
    await setup.tap("🔕")
    await setup.invited()
    await setup.tap("👏")
    await setup.tap("no emoji")
    assert setup.replies == []
    assert setup.asked == []


@pytest.mark.parametrize("gone", [True, False])
async def test_leaving_the_direct_room_is_a_no_to_who_invited_last(gone: bool) -> None:
    setup = Counter()
    await setup.answers.member_changed(MemberChanged(DM, CAT, gone=True))
    assert setup.followers.silent == set(), "nobody has invited them"
    await setup.invited()
    await setup.answers.member_changed(MemberChanged(DM, BEN, gone=True))
    await setup.answers.member_changed(MemberChanged(RoomId("!other"), CAT, gone=True))
    assert setup.followers.silent == set()
    await setup.answers.member_changed(MemberChanged(DM, CAT, gone=gone))
    assert setup.followers.silent == ({(CAT, BEN), (CAT, ADA)} if gone else set())


@pytest.mark.parametrize(
    ("key", "command"), [("✅", cmd.AcceptInvitation(CAT)), ("❌", cmd.DeclineInvitation(CAT))]
)
async def test_an_offer_to_speak_is_answered_by_who_got_it(key: str, command: cmd.Command) -> None:
    setup = Counter()
    setup.happen(cmd.StartSpace(ADA, 5))
    setup.happen(cmd.ObserveMember(CAT, True, "Cat"))
    setup.happen(cmd.BringSpeaker(ADA, CAT))
    await setup.dm_store.note_offer(StageInvitationMessage(MESSAGE, SPACE, CAT))
    await setup.tap(key, sender=BEN)
    assert setup.asked == []
    await setup.tap(key)
    assert setup.asked == [command]
    assert setup.replies[0].ok
    await setup.tap(key)
    assert not setup.replies[1].ok


@pytest.mark.parametrize(
    ("key", "part"), [("✅", "The floor goes to Cat."), ("❌", "Declined: Cat.")]
)
async def test_a_prompt_about_a_hand_is_answered_by_a_moderator(key: str, part: str) -> None:
    setup = Counter()
    setup.happen(cmd.StartSpace(ADA, 5))
    setup.happen(cmd.ObserveMember(CAT, True, "Cat"))
    setup.happen(cmd.RequestToSpeak(CAT, 6))
    await setup.dm_store.note_prompt(MESSAGE, SPACE, CAT)
    await setup.tap(key, sender=CAT)
    assert not setup.replies[0].ok
    await setup.tap(key, sender=ADA)
    assert setup.replies[1].text == part
