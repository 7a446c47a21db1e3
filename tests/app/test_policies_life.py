"""What follows from the life of a live space as a whole."""

from dataclasses import replace

import pytest

from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from tests.app.support import SPACE, cohost, seat
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, HOST, ROOM

pytestmark = pytest.mark.unit


async def test_a_missed_host_is_called_and_welcomed_back(
    spaces: Spaces, recorder: Recorder
) -> None:
    await cohost(spaces)
    await spaces.ask(SPACE, cmd.ObserveMember(HOST, joined=False))
    await spaces.ask(SPACE, cmd.PassTime(20_000, 300_000))
    assert "Ben takes over" in str(recorder.enqueued("notice.post")[-1]["text"])
    assert recorder.enqueued("person.tell")[-1]["user"] == HOST
    await spaces.ask(SPACE, cmd.ObserveMember(HOST, joined=True, name="Ada"))
    await spaces.ask(SPACE, cmd.PassTime(30_000, 300_000))
    assert recorder.enqueued("notice.post")[-1]["text"] == "Ada is back."


async def test_without_heirs_the_end_is_announced(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.ObserveMember(HOST, joined=False))
    await spaces.ask(SPACE, cmd.PassTime(20_000, 0))
    assert "the live space ends" in str(recorder.enqueued("notice.post")[-1]["text"])
    await spaces.ask(SPACE, cmd.PassTime(20_001, 0))
    assert "the host is gone" in str(recorder.enqueued("notice.post")[-1]["text"])


async def test_schedules_are_reminded_of_moved_and_called_off(recorder: Recorder) -> None:
    spaces = Spaces(recorder.context())
    day = 86_400_000
    await spaces.create(replace(CREATE, scheduled_at_ms=3 * day, community=RoomId("!town")))
    await spaces.ask(SPACE, cmd.AttachRoom(ROOM))
    await spaces.ask(SPACE, cmd.WantReminder(BEN))
    await spaces.ask(SPACE, cmd.PassTime(2 * day, 0))
    reminded = [(w["user"], w["kind"]) for w in recorder.enqueued("reminder.send")]
    assert reminded == [(HOST, "day"), (BEN, "day")]
    await spaces.ask(SPACE, cmd.PassTime(3 * day, 0))
    assert [w["user"] for w in recorder.enqueued("reminder.send")][2:] == [HOST]
    await spaces.ask(SPACE, cmd.Reschedule(HOST, 4 * day, 3 * day))
    assert "new time: Mon 5 January 1970" in str(recorder.enqueued("person.tell")[-1]["text"])
    assert recorder.enqueued("community_card.refresh")
    assert recorder.enqueued("directory.update")
    await spaces.ask(SPACE, cmd.PassTime(5 * day, 0))
    told = [w["user"] for w in recorder.enqueued("person.tell")][1:]
    assert told == [BEN, HOST]
    await spaces.stop()


async def test_a_start_is_announced_to_followers_unless_private(recorder: Recorder) -> None:
    spaces = Spaces(recorder.context())
    for number, private in enumerate((False, True)):
        space = SpaceId(f"s{number}")
        host = UserId(f"@host{number}:example.org")
        await spaces.create(cmd.CreateSpace(space, space, "T", host, "H", 1, private=private))
        await spaces.ask(space, cmd.AttachRoom(RoomId(f"!{space}")))
        await spaces.ask(space, cmd.StartSpace(host, 2))
    assert recorder.enqueued("followers.announce_live") == [{"space": "s0"}]
    assert recorder.enqueued("directory.update") == [{"space": "s0"}]
    await spaces.stop()


async def test_posts_are_pinned_and_captions_switched(spaces: Spaces, recorder: Recorder) -> None:
    await spaces.ask(SPACE, cmd.SharePost(HOST, "https://example.org", 1))
    assert recorder.enqueued("post.pin") == [{"space": SPACE, "number": 1}]
    await seat(spaces)
    await spaces.ask(SPACE, cmd.OpenMicrophone(BEN))
    await spaces.ask(SPACE, cmd.SetCaptions(HOST, on=False))
    await spaces.ask(SPACE, cmd.SetCaptions(HOST, on=True, language="pt"))
    assert recorder.called("close_track") == [(BEN,)]
    assert recorder.called("open_track") == [(BEN, "auto"), (BEN, "pt")]
    await spaces.ask(SPACE, cmd.SetCaptions(HOST, on=True, language="en"))
    assert len(recorder.enqueued("notice.post")) == 2
