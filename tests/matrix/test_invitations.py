"""Invitations by direct message: who gets one, what it says, and what an inviter is told."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from spaces_bridge.app.notes.dms_and_reactions import Invitation
from spaces_bridge.app.notes.invite_counts import Counted, DayCount
from spaces_bridge.app.notes.record import Note
from spaces_bridge.app.tasks import InviteByMessage
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.pace import Pacer
from spaces_bridge.matrix.dms.rooms import ChatStanding
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.invites.limits import DAY_MS, InviteLimits, InviteReport
from spaces_bridge.matrix.invites.policy import InvitePolicy
from spaces_bridge.matrix.invites.sender import InvitationSender
from spaces_bridge.matrix.invites.throttle import REST_S, ServerThrottle
from spaces_bridge.pacing.fair_queue import FairQueue
from tests.matrix.dm_setup import ADA, BEN, SETTINGS, SPACE, DmSetup, scheduled, started

pytestmark = pytest.mark.unit

CAT, DAN = UserId("@cat:x"), UserId("@dan:x")
STRANGERS = SETTINGS.strangers_per_day
FAST = 60_000


class InvitationSetup(DmSetup):
    """Where invitations are written."""

    def __init__(self, **settings: object) -> None:
        super().__init__()
        every: Any = self
        chosen = replace(SETTINGS, **settings)  # type: ignore[arg-type]  # a test's choice
        clock = asyncio.get_running_loop().time
        self.dm_store = DmStore(self.notes)
        self.report = InviteReport(self.notes)
        self.loop_time = 0.0
        self.writes = InvitationSender(
            every,
            every,
            every,
            self.dm_store,
            InvitePolicy(
                every, self.followers, InviteLimits(self.notes, every, chosen), chosen, every
            ),
            self.report,
            chosen,
            ServerThrottle(Pacer(FAST, clock), "x", lambda: self.loop_time),
            FairQueue(10_000.0, clock),
        )

    async def invite(
        self, user: UserId, key: str, by: UserId = ADA, *, announcement: bool = False
    ) -> bool:
        """Whether they were written to."""
        wanted = InviteByMessage(self.space.space, user, by, announcement)
        return await self.writes.run(wanted, key) is not None


async def test_it_says_when_and_where_and_what_a_tap_does() -> None:
    setup = InvitationSetup()
    assert await setup.invite(CAT, "live")
    (text,) = setup.texts[CAT]
    assert text.splitlines() == [
        "Ada invites you: Bread",
        "It is live now.",
        "Listen in your browser: https://pages/s/bread",
        "Or join the room: https://matrix.to/#/#spaces_bread:x",
        "Tap 🔕 nothing more from Ada · 🚫 no invitations at all.",
    ]
    assert setup.seeds["$live"] == ["🔕", "🚫"]


async def test_a_scheduled_one_names_its_time_and_offers_a_reminder() -> None:
    setup = InvitationSetup()
    setup.space = scheduled(at_ms=86_400_000)
    assert await setup.invite(CAT, "k")
    assert "It starts on Fri 2 January 1970, 00:00 UTC." in setup.texts[CAT][0]
    assert setup.seeds["$k"] == ["✅", "🔕", "🚫"]


async def test_an_announcement_says_that_the_host_is_live() -> None:
    setup = InvitationSetup()
    assert await setup.invite(CAT, "k", announcement=True)
    assert setup.texts[CAT][0].startswith("🔴 Ada is live: Bread\nListen in your browser: ")


@pytest.mark.parametrize(
    ("errcode", "part"),
    [
        ("M_FORBIDDEN", "take no invitations"),
        ("M_INVITE_BLOCKED", "take no invitations"),
        ("M_INVALID_PARAM", "Is that Matrix ID right?"),
    ],
)
async def test_a_refused_invitation_is_told_to_the_inviter(errcode: str, part: str) -> None:
    setup = InvitationSetup()
    await setup.writes.refused(
        InviteByMessage(SPACE, CAT, ADA), RequestRefused(403, errcode, "no")
    )
    (told,) = setup.told
    assert told.user == ADA
    assert part in told.text
    assert CAT in told.text


async def test_refused_followers_are_told_in_one_sum() -> None:
    setup = InvitationSetup(invitations_per_person=0)
    for user in (CAT, DAN):
        wanted = InviteByMessage(SPACE, user, ADA, announcement=True)
        await setup.writes.refused(wanted, RequestRefused(403, "M_FORBIDDEN", "no"))
        await setup.writes.refused(
            wanted, RequestRefused(403, "M_FORBIDDEN", "again, after a crash")
        )
    assert not await setup.invite(UserId("@eve:x"), "k", announcement=True)
    assert setup.told == []
    told = await setup.report.told(SPACE, ADA)
    assert told == "2 followers take no invitations, 1 follower was invited often today"
    assert await setup.report.told(SPACE, BEN) == ""


async def test_an_inviter_reaches_only_so_many_strangers_a_day() -> None:
    setup = InvitationSetup()
    people = [UserId(f"@p{n}:x") for n in range(STRANGERS + 1)]
    reached = [await setup.invite(user, f"k{user}") for user in people]
    assert reached == [True] * STRANGERS + [False]
    (told,) = setup.told
    assert told.user == ADA
    assert f"at most {STRANGERS} people a day" in told.text
    assert await setup.invite(people[0], f"k{people[0]}"), "a retry is not counted again"
    assert await setup.invite(people[-1], "by another", by=BEN)
    setup.standings[UserId("@friend:x")] = ChatStanding.KNOWN
    assert await setup.invite(UserId("@friend:x"), "friend")
    setup.now += DAY_MS
    assert await setup.invite(people[-1], "tomorrow")


async def test_followers_are_no_strangers() -> None:
    setup = InvitationSetup(strangers_per_day=0, invitations_per_inviter=0)
    assert await setup.invite(CAT, "k", announcement=True)
    assert not await setup.invite(DAN, "k2")


async def test_an_inviter_has_so_many_invitations_a_day() -> None:
    setup = InvitationSetup(invitations_per_inviter=1)
    assert await setup.invite(CAT, "one")
    assert await setup.invite(CAT, "one"), "again after a crash"
    assert not await setup.invite(DAN, "two")
    assert "at most 1 invitations a day" in setup.told[0].text
    assert await setup.invite(DAN, "by another", by=BEN)


async def test_a_person_gets_so_many_invitations_a_day_from_everybody_together() -> None:
    setup = InvitationSetup(invitations_per_person=2)
    setup.standings[CAT] = ChatStanding.KNOWN
    assert await setup.invite(CAT, "one")
    assert await setup.invite(CAT, "two", by=BEN)
    assert not await setup.invite(CAT, "three", by=DAN)
    assert setup.told[0].user == DAN
    assert "many invitations today" in setup.told[0].text
    setup.now += DAY_MS
    assert await setup.invite(CAT, "three", by=DAN)


async def test_what_a_person_may_get_no_more_takes_nothing_of_the_inviters_day() -> None:
    setup = InvitationSetup(
        strangers_per_day=1, invitations_per_inviter=1, invitations_per_person=1
    )
    assert await setup.invite(CAT, "one", by=BEN)
    assert not await setup.invite(CAT, "two")
    assert "many invitations today" in setup.told[0].text
    assert await setup.invite(DAN, "three"), "neither a stranger nor an invitation was counted"


async def test_an_invitation_above_the_inviters_limit_counts_no_stranger() -> None:
    setup = InvitationSetup(invitations_per_inviter=0)
    assert not await setup.invite(CAT, "one")
    assert "at most 0 invitations a day" in setup.told[0].text
    assert await setup.notes.get(DayCount.key(Counted.STRANGERS_MET, ADA)) is None
    assert await setup.notes.get(DayCount.key(Counted.INVITATIONS_GOT, CAT)) is None


async def test_a_crash_between_the_counts_counts_nothing_twice() -> None:
    setup = InvitationSetup(
        strangers_per_day=2, invitations_per_inviter=2, invitations_per_person=2
    )
    put = setup.notes.put
    counted: list[DayCount] = []

    async def put_one_and_crash(note: Note) -> None:
        if counted:
            raise ConnectionError("the bridge is killed here")
        if isinstance(note, DayCount):
            counted.append(note)
        await put(note)

    setup.notes.put = put_one_and_crash  # type: ignore[method-assign]  # a crash
    with pytest.raises(ConnectionError):
        await setup.invite(CAT, "one")
    assert [note.counted for note in counted] == [Counted.STRANGERS_MET]
    setup.notes.put = put  # type: ignore[method-assign]  # the bridge is back
    assert await setup.invite(CAT, "one")
    assert await setup.invite(DAN, "two"), "the first one took one place"
    assert not await setup.invite(UserId("@eve:x"), "three")


async def test_the_same_inviter_invites_somebody_once() -> None:
    setup = InvitationSetup()
    assert await setup.invite(CAT, "first")
    assert await setup.invite(CAT, "first"), "the same task once more, after a crash"
    assert not await setup.invite(CAT, "second")
    assert "already" in setup.told[0].text


async def test_that_it_is_live_is_news_to_invited_followers_once() -> None:
    setup = InvitationSetup()
    setup.space = scheduled()
    assert await setup.invite(CAT, "before", announcement=True)
    assert not await setup.invite(CAT, "again", announcement=True)
    setup.space = started()
    assert await setup.invite(CAT, "live", announcement=True)
    assert not await setup.invite(CAT, "once more", announcement=True)
    assert setup.told == []
    assert await setup.report.told(SPACE, ADA) == ""


async def test_who_left_the_direct_messages_is_not_asked_back_by_an_invitation() -> None:
    setup = InvitationSetup()
    setup.standings[CAT] = ChatStanding.LEFT
    assert not await setup.invite(CAT, "k")
    assert not setup.texts
    assert "has left my direct messages" in setup.told[0].text
    assert "https://pages" in setup.told[0].text
    assert not await setup.invite(CAT, "live", announcement=True)
    await setup.followers.follow(ADA, CAT, 1)
    assert await setup.invite(CAT, "live again", announcement=True), "they follow this host"


async def test_an_unanswered_invitation_is_a_no_to_the_next_one_of_this_host() -> None:
    setup = InvitationSetup()
    assert await setup.invite(CAT, "first")
    setup.standings[CAT] = ChatStanding.ASKED
    assert await setup.invite(CAT, "first"), "again after a crash"
    setup.space = replace(setup.space, space=SpaceId("next"))
    assert not await setup.invite(CAT, "second")
    assert "has not answered" in setup.told[0].text
    assert await setup.followers.is_silent(CAT, ADA)
    assert not await setup.invite(CAT, "third"), "from now on they count as silent"
    assert len(setup.texts[CAT]) == 2


async def test_an_unanswered_invitation_is_no_word_about_another_host() -> None:
    setup = InvitationSetup()
    assert await setup.invite(CAT, "first")
    setup.standings[CAT] = ChatStanding.ASKED
    setup.space = replace(setup.space, space=SpaceId("next"), host=DAN)
    assert await setup.invite(CAT, "second", by=DAN)


@pytest.mark.parametrize("host", [ADA, None])
async def test_who_wants_none_gets_none(host: UserId | None) -> None:
    setup = InvitationSetup()
    await setup.followers.silence(CAT, host, 1)
    assert not await setup.invite(CAT, "k")
    assert "they take no invitations" in setup.told[0].text
    assert not await setup.invite(CAT, "by a listener of hers", by=BEN)
    assert not await setup.invite(CAT, "live", announcement=True)
    assert not setup.texts


@pytest.mark.parametrize("who", [BEN, SETTINGS.bot, UserId("@spaces_guest:x")])
async def test_who_is_here_or_is_ours_is_not_invited(who: UserId) -> None:
    setup = InvitationSetup()
    assert not await setup.invite(who, "k", announcement=True)
    assert setup.enqueued == []


async def test_nobody_is_invited_to_what_is_over_locked_or_closed_to_them() -> None:
    setup = InvitationSetup()
    setup.happen(cmd.RemovePerson(ADA, BEN))
    assert not await setup.invite(BEN, "removed", announcement=True)
    setup.happen(cmd.LockSpace(ADA))
    assert not await setup.invite(CAT, "locked")
    setup.happen(cmd.UnlockSpace(ADA))
    setup.happen(cmd.EndSpace(ADA, 9))
    assert not await setup.invite(CAT, "over")
    assert not setup.texts


async def test_it_is_noted_what_a_message_was_about() -> None:
    setup = InvitationSetup()
    wanted = InviteByMessage(SPACE, CAT, BEN)
    event = await setup.writes.run(wanted, "k")
    assert event is not None
    sent = Invitation(SPACE, CAT, BEN, ADA)
    assert await setup.dm_store.invitation(event) == sent
    assert await setup.dm_store.last(CAT) == sent
    assert sent.senders == (BEN, ADA)


async def test_a_server_that_does_not_answer_is_left_alone() -> None:
    setup = InvitationSetup()
    far, near = UserId("@far:gone.example"), UserId("@near:gone.example")
    setup.away = [Away("502", broken=True)]
    with pytest.raises(Away) as first:
        await setup.invite(far, "far", announcement=True)
    assert first.value.retry_after_s == REST_S
    with pytest.raises(Away) as second:
        await setup.invite(near, "near", announcement=True)
    assert second.value.retry_after_s == REST_S
    assert await setup.invite(CAT, "here", announcement=True)
    setup.loop_time += REST_S
    setup.away = [Away("502", broken=True)]
    with pytest.raises(Away) as third:
        await setup.invite(far, "far", announcement=True)
    assert third.value.retry_after_s == 2 * REST_S
    setup.loop_time += 2 * REST_S
    assert await setup.invite(far, "far", announcement=True)
    assert await setup.invite(near, "near", announcement=True)


async def test_when_nobody_knows_who_is_away_the_rest_does_not_grow() -> None:
    setup = InvitationSetup()
    far = UserId("@far:gone.example")
    for _ in range(3):
        setup.away = [Away("no answer", unreached=True)]
        with pytest.raises(Away) as away:
            await setup.invite(far, "far", announcement=True)
        assert away.value.retry_after_s == REST_S
        setup.loop_time += REST_S


async def test_the_own_homeserver_is_waited_for_as_ever() -> None:
    setup = InvitationSetup()
    setup.away = [Away("no", unreached=True)]
    with pytest.raises(Away) as away:
        await setup.invite(CAT, "k")
    assert away.value.retry_after_s is None
