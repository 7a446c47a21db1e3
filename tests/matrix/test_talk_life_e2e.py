"""A live space's life by command, on a real Synapse."""

from pathlib import Path

import pytest

from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import Phase
from tests.matrix.conftest import Settle
from tests.matrix.support import PAGES, Bridge, LiveSetup, room_of
from tests.matrix.talking import is_refused, meet, say, tells

pytestmark = pytest.mark.e2e


async def test_a_scheduled_live_space_in_the_hosts_own_time_zone(
    bridge: Bridge, settle: Settle
) -> None:
    ada = await settle("ada")
    await ada.request("PUT", f"profile/{ada.id}/m.tz", {"m.tz": "Asia/Kathmandu"})
    dm = await meet(ada)
    answer = await say(ada, dm, "create Tea --at tomorrow 19:00 --private")
    assert "19:00 Asia/Kathmandu" in answer
    (space,) = bridge.spaces.open()
    assert space.scheduled_at_ms is not None
    assert space.scheduled_at_ms % 86_400_000 == (13 * 60 + 15) * 60_000
    assert f"{PAGES}/s/{space.slug}/event.ics" in answer
    await bridge.until(space.space, lambda s: s.room is not None, "no room")
    await ada.join(room_of(bridge.view(space.space)))
    await bridge.joined(space.space, ada)
    await tells(ada, dm, ("reschedule in 30 hours", "Asia/Kathmandu now"))
    moved = bridge.view(space.space).scheduled_at_ms
    assert moved is not None
    assert moved != space.scheduled_at_ms
    await is_refused(
        ada,
        dm,
        ("reschedule yesterday 19:00", "I read `19:00`, but not `yesterday`"),
        ("reschedule in 400 days", "too far"),
    )
    await tells(ada, dm, ("live", "“Tea”"), ("unschedule", "“Tea” is called off"))
    assert bridge.view(space.space).phase is Phase.ENDED


async def test_how_a_live_space_is_changed_while_it_is_on(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm, bens = await meet(ada), await meet(ben)
    space = (await bridge.live(ada, "Talk", [ben])).space
    await is_refused(
        ben,
        bens,
        ("title Mine", "Only the host"),
        ("policy everyone", "Only the host"),
        ("captions off", "Only the host"),
        ("end", "Only the host"),
        ("start", "Only the host"),
        ("reschedule tomorrow 19:00", "Only the host"),
    )
    assert bridge.view(space).title == "Talk"
    await tells(
        ada,
        dm,
        ("title “Bread and roses”", "“Bread and roses”"),
        ("policy invited", "whom a host brings"),
        ("captions de", "language: de"),
        ("captions off", "Captions are off"),
    )
    after = bridge.view(space)
    assert (after.title, after.speak_policy) == ("Bread and roses", SpeakPolicy.INVITED)
    assert (after.captions, after.language) == (False, "de")
    await is_refused(
        ada,
        dm,
        ("unschedule", "`end` ends it"),
        ("reschedule tomorrow 19:00", "live already"),
        ("record on", "cannot record"),
        ("captions xx", "language's code"),
        ("policy mine", "request, everyone"),
        ("title", "title TEXT"),
    )
    await tells(ada, dm, ("end", "has ended"))
    assert bridge.view(space).phase is Phase.ENDED


async def test_hosting_may_take_followers(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    async with Bridge(setup.settings(), tmp_path / "db", min_followers=1) as bridge:
        await bridge.connected()
        dm = await meet(ada)
        await is_refused(ada, dm, ("create Talk", "takes 1 followers, and you have 0"))
        await tells(ben, await meet(ben), (f"follow {ada.id}", "You follow"))
        await tells(ada, dm, ("create Talk", "is ready"))
        (space,) = bridge.spaces.open()
        assert space.host == UserId(ada.id)
