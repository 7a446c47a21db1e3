"""The chat between a live space's room and its pages, on a real Synapse."""

from pathlib import Path

import pytest

from spaces_bridge.app.chat import ChatLine
from spaces_bridge.app.usecases.chat import ChatAuthor, ChatService
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge_demo.matrix_user import MatrixError, MatrixUser
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, LiveSetup, eventually, room_of

pytestmark = pytest.mark.e2e

HOSTILE = '<img src=x onerror=alert(1)>\u202e [x](javascript:1)\nAda: "I resign"'


def lines(bridge: Bridge, space: SpaceId) -> tuple[ChatLine, ...]:
    return bridge.spaces.context.chat.lines(space)


async def shown(bridge: Bridge, space: SpaceId, *texts: str) -> tuple[ChatLine, ...]:
    """The pages show exactly this."""

    def so() -> bool:
        return [line.text for line in lines(bridge, space)] == list(texts)

    await eventually(so, f"the chat is not {texts}")
    return lines(bridge, space)


async def say(
    bridge: Bridge, space: SpaceId, user: MatrixUser, text: str, nonce: str = ""
) -> None:
    """Write it on the page."""
    await ChatService(bridge.spaces).say(
        space, ChatAuthor(UserId(user.id), "", guest=False), text, nonce
    )


async def test_what_members_write_edit_and_take_back_is_so_on_the_page(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Chat", [ben])
    room, here = room_of(space), space.space
    event = await ben.send_text(room, "hello")
    (line,) = await shown(bridge, here, "hello")
    assert (line.id, line.user, line.edited) == (event, ben.id, False)
    assert line.name == space.person(UserId(ben.id)).name

    relation = {"rel_type": "m.replace", "event_id": event}
    better = {"msgtype": "m.text", "body": "better"}
    edit = {**better, "body": "* better", "m.new_content": better, "m.relates_to": relation}
    await ben.send(room, "m.room.message", edit)
    assert (await shown(bridge, here, "better"))[0].edited
    await ada.send(room, "m.room.message", {**edit, "m.new_content": {**better, "body": "forged"}})
    await ada.send_text(room, "!space queue")
    await ada.send_text(room, HOSTILE)
    clean = HOSTILE.replace("\u202e", "")
    await shown(bridge, here, "better", clean)
    await ada.redact(room, event)
    await shown(bridge, here, clean)


async def test_what_the_page_writes_is_in_the_room_once(bridge: Bridge, settle: Settle) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Chat", [ben])
    room, here = room_of(space), space.space
    name = space.person(UserId(ben.id)).name
    seen = ada.next_message(room, "I resign", BOT)
    for _ in range(2):
        await say(bridge, here, ben, HOSTILE, nonce="once")
    event = await seen
    clean = HOSTILE.replace("\u202e", "")
    assert event["content"]["body"] == f"{name}: " + clean.replace("\n", "\n    ")
    assert "formatted_body" not in event["content"]
    assert event["content"]["m.mentions"] == {}
    block = event["content"]["io.spacesbridge.chat"]
    assert (block["user"], block["name"], block["text"]) == (ben.id, name, clean)
    await bridge.drained()
    (line,) = await shown(bridge, here, clean)
    assert line.event == event["event_id"], "the homeserver's echo is no second line"
    assert len([m for m in await ada.messages(room, BOT) if "resign" in str(m)]) == 1
    await ada.redact(room, event["event_id"])
    await shown(bridge, here)


async def test_a_restart_reads_the_room_and_what_waited_is_said(
    setup: LiveSetup, tmp_path: Path, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    database = tmp_path / "chat.db"
    async with Bridge(setup.settings(), database) as bridge:
        await bridge.connected()
        space = await bridge.live(ada, "Chat", [ben])
        room, here = room_of(space), space.space
        taken = await ben.send_text(room, "taken back")
        await ben.send_text(room, "from the room")
        await shown(bridge, here, "taken back", "from the room")
        await say(bridge, here, ben, "from the page")
        await bridge.drained()
        await ben.redact(room, taken)
        await shown(bridge, here, "from the room", "from the page")
        await setup.homeserver.kill9()
        await say(bridge, here, ben, "while nobody was there")
        await shown(bridge, here, "from the room", "from the page", "while nobody was there")
    await setup.homeserver.start()
    async with Bridge(setup.settings(), database) as bridge:
        await bridge.connected()
        found = await shown(
            bridge, here, "from the room", "from the page", "while nobody was there"
        )
        assert {line.user for line in found} == {ben.id}
        await bridge.drained()
        said = [m for m in await ada.messages(room, BOT) if "nobody was there" in str(m)]
        assert len(said) == 1


async def test_off_or_locked_is_so_in_the_room_and_nothing_of_the_removed_stays(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben, eve = await settle("ada"), await settle("ben"), await settle("eve")
    space = await bridge.live(ada, "Chat", [ben, eve])
    room, here = room_of(space), space.space
    await ben.send_text(room, "of ben")
    await shown(bridge, here, "of ben")
    await eve.send_text(room, "of eve")
    await shown(bridge, here, "of ben", "of eve")
    await bridge.spaces.ask(here, cmd.SetChat(UserId(ada.id), False))
    await bridge.drained()
    with pytest.raises(MatrixError) as refusal:
        await eve.send_text(room, "no")
    assert refusal.value.errcode == "M_FORBIDDEN"
    await bridge.spaces.ask(here, cmd.SetChat(UserId(ada.id), True))
    await bridge.spaces.ask(here, cmd.LockSpace(UserId(ada.id)))
    await bridge.drained()
    with pytest.raises(MatrixError) as refusal:
        await eve.send_text(room, "no")
    assert refusal.value.errcode == "M_FORBIDDEN"
    await ada.kick(room, ben.id)
    await shown(bridge, here, "of eve")
