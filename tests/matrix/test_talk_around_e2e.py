"""What goes on around a live space, by command, on a real Synapse."""

import pytest

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.commands import dispatcher
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, eventually, room_of
from tests.matrix.talking import is_refused, meet, say, tells

pytestmark = pytest.mark.e2e


async def test_following_and_telling_followers(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm, bens = await meet(ada), await meet(ben)
    space = await bridge.live(ada, "News", [ben])
    await is_refused(ben, bens, ("follow", "Say whom"), (f"follow {ben.id}", "yourself"))
    await is_refused(ada, dm, ("invite followers", "Nobody follows you"))
    assert "You follow" in await say(ben, room_of(space), "!space follow")
    assert await bridge.storage.followers.follows(UserId(ada.id), UserId(ben.id))
    await is_refused(ben, bens, ("invite followers", "Only the host and co-hosts"))
    await tells(ada, dm, ("invite followers", "the one who follows you"))
    await is_refused(ada, dm, ("invite followers", "already"))
    await tells(ben, bens, ("unfollow ada", "any more"))
    assert await bridge.storage.followers.count(UserId(ada.id)) == 0


async def test_links_numbers_and_what_is_on(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    dm, bens = await meet(ada), await meet(ben)
    space = await bridge.live(ada, "Links", [ben])
    room = room_of(space)
    said = await ben.send_text(room, "look at this")
    await is_refused(
        ben, bens, ("share https://x.example", "Only the host"), ("invite bob", "no Matrix ID")
    )
    await is_refused(ada, dm, ("share", "share LINK"), ("share this", "begins with https"))
    await tells(
        ada,
        dm,
        (f"share https://matrix.to/#/{room}/{said}?via=localhost", "Everybody sees it"),
        ("share https://x.example/recipe", "Everybody sees it"),
    )
    posts = bridge.view(space.space).posts
    assert [(p.event, p.url.partition("?")[2]) for p in posts] == [
        (said, "via=localhost"),
        (None, ""),
    ]
    await is_refused(ada, dm, ("share https://x.example/recipe", "pinned already"))
    await tells(ben, bens, ("stats", "posts: 2"), ("live", "“Links”"), ("link", "direct message"))
    await tells(ben, bens, ("help share", "Who may: host, co-hosts"), ("stat", "`stats`"))
    assert "Listeners now: 4" in await say(ben, bens, "stats")  # Ben, and three on the page


async def test_a_person_chosen_from_the_clients_list_is_that_person(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    await meet(ada)
    space = await bridge.live(ada, "Pills", [ben, eve])
    name = bridge.view(space.space).person(UserId(ben.id)).name
    link = f'<a href="https://matrix.to/#/{eve.id}">{name}</a>'
    await ada.send(
        room_of(space),
        "m.room.message",
        {
            "msgtype": "m.text",
            "body": f"!space remove {name} for that",
            "format": "org.matrix.custom.html",
            "formatted_body": f"!space remove {link} for that",
        },
    )
    removed = await bridge.until(space.space, lambda s: bool(s.removed), "nobody was removed")
    assert removed.removed.keys() == {UserId(eve.id)}


async def test_a_flood_of_commands_is_answered_once_and_then_ignored(
    bridge: Bridge, settle: Settle, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = 5  # all of them within a minute, also on a machine that is busy
    monkeypatch.setattr(dispatcher, "MORE_COMMANDS_A_MINUTE", few)
    ada = await settle("ada")
    dm = await meet(ada)
    for _ in range(few + 4):
        await ada.send_text(dm, "live")
    await bridge.drained()

    async def answers() -> list[str]:
        said = await ada.messages(dm, BOT)
        return [m["content"]["body"] for m in said if "m.relates_to" in m["content"]]

    async def all_there() -> bool:
        return len(await answers()) > few

    await eventually(all_there, "not enough answers")
    bodies = await answers()
    assert len(bodies) == few + 1
    assert bodies[-1] == "❌ Too many commands at once: wait a minute."
