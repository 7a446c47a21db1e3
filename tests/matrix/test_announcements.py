"""Telling all followers, and how it went."""

from typing import Any

import pytest

from spaces_bridge.app import codec
from spaces_bridge.app.records import OutboxRow
from spaces_bridge.app.tasks import (
    AnnounceLive,
    InviteByMessage,
    InviteFollowers,
    SumUpInvitations,
    TellUser,
)
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import NotYetError
from spaces_bridge.matrix.invites import announcements
from spaces_bridge.matrix.invites.announcements import Announcements
from spaces_bridge.matrix.invites.limits import InviteReport
from tests.matrix.dm_setup import ADA, BEN, SETTINGS, SPACE, DmSetup, scheduled
from tests.support.recorder import Recorder

pytestmark = pytest.mark.unit

CAT, DAN = UserId("@cat:x"), UserId("@dan:x")


class Pending(Recorder):
    """An outbox in which a task may have been tried."""

    def __init__(self) -> None:
        super().__init__()
        self.tried: set[str] = set()

    async def pending(self, after_id: int, limit: int) -> list[OutboxRow]:
        rows = await super().pending(after_id, limit)
        return [OutboxRow(r.id, r.effect, 5 * (r.effect.key in self.tried), 0) for r in rows]


class AnnouncementSetup(DmSetup):
    """Announces for Ada."""

    def __init__(self) -> None:
        super().__init__()
        every: Any = self
        self.outbox = Pending()
        self.woken = 0
        self.report = InviteReport(self.notes)
        self.announces = Announcements(
            every, self.outbox, self.followers, self.report, SETTINGS, self.wake
        )

    def wake(self) -> None:
        self.woken += 1

    async def followed_by(self, *people: UserId, host: UserId = ADA) -> None:
        for user in people:
            await self.followers.follow(host, user, 1)

    @property
    def invited(self) -> dict[str, InviteByMessage]:
        wanted = {key: codec.task_from(e) for key, e in self.outbox.effects.items()}
        return {key: w for key, w in wanted.items() if isinstance(w, InviteByMessage)}


async def test_every_follower_is_invited_once_however_often_it_is_begun(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(announcements, "PAGE", 10)
    setup = AnnouncementSetup()
    people = [UserId(f"@p{n:02}:x") for n in range(35)]
    await setup.followed_by(*people, ADA, SETTINGS.bot)
    for _ in range(2):
        await setup.announces.run(AnnounceLive(SPACE), "key")
    assert setup.invited == {
        f"live:{SPACE}:{user}": InviteByMessage(SPACE, user, ADA, announcement=True)
        for user in people
    }
    assert setup.woken
    assert setup.enqueued == [SumUpInvitations(SPACE, ADA)] * 2


async def test_who_asked_to_be_reminded_is_told_too_and_once() -> None:
    setup = AnnouncementSetup()
    setup.space = scheduled()
    for user in (CAT, DAN):
        setup.happen(cmd.WantReminder(user))
    await setup.followed_by(CAT)
    setup.happen(cmd.StartSpace(ADA, 5))
    await setup.announces.run(AnnounceLive(SPACE), "key")
    assert sorted(w.user for w in setup.invited.values()) == [CAT, DAN]


async def test_a_private_one_is_told_only_to_those_who_asked() -> None:
    setup = AnnouncementSetup()
    made = scheduled(private=True)
    setup.space = made
    setup.happen(cmd.WantReminder(DAN))
    await setup.followed_by(CAT)
    await setup.announces.run(AnnounceLive(SPACE), "key")
    assert [w.user for w in setup.invited.values()] == [DAN]
    await setup.announces.run(InviteFollowers(SPACE, ADA), "by hand")
    assert sorted(w.user for w in setup.invited.values()) == [CAT, DAN]


async def test_followers_of_somebody_who_is_here_are_invited_in_their_name() -> None:
    setup = AnnouncementSetup()
    await setup.followed_by(CAT, ADA, host=BEN)
    await setup.followed_by(CAT, host=DAN)
    for by in (BEN, DAN):
        await setup.announces.run(InviteFollowers(SPACE, by), "key")
    (wanted,) = setup.invited.values()
    assert wanted == InviteByMessage(SPACE, CAT, BEN, announcement=True)


async def test_what_is_over_is_announced_to_nobody() -> None:
    setup = AnnouncementSetup()
    await setup.followed_by(CAT)
    setup.happen(cmd.EndSpace(ADA, 9))
    await setup.announces.run(AnnounceLive(SPACE), "key")
    await setup.announces.run(InviteFollowers(SPACE, ADA), "key")
    assert setup.invited == {}


async def test_it_is_summed_up_when_all_were_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "LOOK_EVERY_S", 0.0)
    setup = AnnouncementSetup()
    far = UserId("@far:gone.example")
    await setup.followed_by(CAT, far)
    await setup.announces.run(AnnounceLive(SPACE), "key")
    setup.outbox.tried |= {f"live:{SPACE}:{user}" for user in (CAT, far)}
    await setup.report.note(SPACE, ADA, CAT, tomorrow=False)
    with pytest.raises(NotYetError):
        await setup.announces.run(SumUpInvitations(SPACE, ADA), "sum")
    del setup.outbox.effects[f"live:{SPACE}:{CAT}"]
    await setup.announces.run(SumUpInvitations(SPACE, ADA), "sum")
    text = "About your invitations to “Bread”: 1 follower takes no invitations."
    assert setup.told == [TellUser(ADA, text)]
    await setup.announces.run(SumUpInvitations(SPACE, ADA), "the next one")
    assert len(setup.told) == 1


async def test_when_all_went_well_nothing_is_said() -> None:
    setup = AnnouncementSetup()
    await setup.announces.run(SumUpInvitations(SPACE, ADA), "sum")
    assert setup.told == []
