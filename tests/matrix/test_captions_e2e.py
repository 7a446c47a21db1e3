"""What is said, as events of the room, on a real Synapse."""

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import UserId, UtteranceId
from tests.matrix.conftest import Settle
from tests.matrix.support import BOT, Bridge, eventually, room_of

pytestmark = pytest.mark.e2e


async def test_captions_hang_in_the_cards_thread_each_replying_to_the_one_before(
    bridge: Bridge, settle: Settle
) -> None:
    ada, ben = await settle("ada"), await settle("ben")
    space = await bridge.live(ada, "Words", [ben])
    card = await bridge.card(space.space)
    for number, who in enumerate([ada, ben, ada]):
        start_ms = number * 4_000
        said = cmd.CaptionUtterance(
            UtteranceId(f"u{number}"), UserId(who.id), start_ms, start_ms + 900, "Word.", "en"
        )
        await bridge.spaces.ask(space.space, said)

    async def posted() -> bool:
        return len(await ada.messages(room_of(space), BOT)) == 4

    await eventually(posted, "not all captions came")
    captions = (await ada.messages(room_of(space), BOT))[1:]
    assert [c["content"]["body"][:3] for c in captions] == ["Ada", "Ben", "Ada"]
    relations = [c["content"]["m.relates_to"] for c in captions]
    assert {r["event_id"] for r in relations} == {card}
    replied = [r["m.in_reply_to"]["event_id"] for r in relations]
    assert replied == [card, captions[0]["event_id"], captions[1]["event_id"]]
    assert captions[1]["content"]["io.spacesbridge.caption"]["speaker"] == ben.id
    assert all(isinstance(c["origin_server_ts"], int) for c in captions)
