"""What the directory knows of live spaces: to come, live, over."""

from dataclasses import replace

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.web import views
from spaces_bridge.web.http import listed
from tests.support.spaces import live_space, scheduled
from tests.web.world import HOST, WallClock, WebWorld


@pytest.mark.peers
async def test_an_ended_space_keeps_its_hosts_name_and_its_transcripts(world: WebWorld) -> None:
    for title in ("Talk", "Quiet"):
        space = await world.create(title)
        if title == "Talk":
            await world.caption(space.space, HOST, "Hello")
        await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    found = await world.storage.directory.listing(["ended"], 10)
    past = {str(v["title"]): v for s in found if (v := listed.past_view(s, world.settings))}
    assert past["Quiet"]["transcript"] is None
    addresses = past["Talk"]["transcript"]
    assert isinstance(addresses, dict)
    assert list(addresses) == ["txt", "vtt", "srt", "json"]
    for address in addresses.values():
        async with world.http.get(address) as response:
            assert response.status == 200
            assert "Hello" in await response.text()
    for view in past.values():
        host = view["host"]
        assert isinstance(host, dict)
        assert (host["id"], host["name"], host["picture"]) == (HOST, "Hanna", None)
        assert host["tone"] == view["tone"]
        assert isinstance(view["ended_at"], int)


@pytest.mark.peers
async def test_what_is_to_come_has_an_entry_for_calendars(world: WebWorld) -> None:
    at_ms = WallClock().now_ms() + 86_400_000
    for title, private in (("Open", False), ("Closed", True)):
        space = await world.create(title, live=False, private=private, scheduled_at_ms=at_ms)
        about = world.hub.about(space)
        if private:
            assert about["calendar"] is None
            continue
        async with world.http.get(str(about["calendar"])) as response:
            assert response.status == 200
            assert response.content_type == "text/calendar"


@pytest.mark.unit
def test_there_is_nothing_for_calendars_without_a_time_or_once_it_has_begun() -> None:
    page = "https://live.example.org/s/talk"
    planned = replace(scheduled(), scheduled_at_ms=5)
    assert views.calendar(planned, page) == f"{page}/event.ics"
    assert views.calendar(replace(planned, private=True), page) is None
    assert views.calendar(replace(planned, scheduled_at_ms=None), page) is None
    assert views.calendar(replace(live_space(), scheduled_at_ms=5), page) is None
