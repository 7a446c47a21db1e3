"""Commands that may not be: each is refused in words, and nothing happens."""

from collections.abc import AsyncIterator

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.ids import RoomId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.matrix.text.verbs import VERBS
from tests.matrix.command_setup import DM, CommandSetup
from tests.support.spaces import BEN, EVE, HOST, ROOM

pytestmark = pytest.mark.unit


@pytest.fixture
async def setup() -> AsyncIterator[CommandSetup]:
    async with CommandSetup() as setup:
        yield setup


MODERATORS_ONLY = [
    "next", "clear-queue", "approve eve", "deny eve", "bring eve", "demote eve", "mute all",
    "chat off", "guests off", "lock", "unlock", "remove eve", "block eve", "block evil.example",
    "unblock eve", "unblock evil.example", "share https://x.example", "queue airtime",
    "invite followers",
]  # fmt: skip
HOST_ONLY = [
    "start", "end", "reschedule tomorrow 19:00", "unschedule", "title New", "policy everyone",
    "captions off", "cohost mia", "host mia",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "room"),
    [
        (text, room)
        for text in [*MODERATORS_ONLY, *HOST_ONLY]
        for room in (ROOM, DM)
        if "block" not in text or room == ROOM  # alone with me it is about one's own list
    ],
)
async def test_a_listener_is_refused_in_words_wherever_they_type(
    setup: CommandSetup, text: str, room: RoomId
) -> None:
    space = await (setup.plan() if text in {"unschedule", "start"} else setup.open())
    await setup.does(*_removed_and_hand(text, space.phase))
    before = setup.view
    answer = await setup.say(BEN, f"!space {text}", room)
    assert answer.startswith("❌ Only the host"), answer
    assert setup.view == before
    assert setup.lists.blocks == {}


def _removed_and_hand(text: str, phase: Phase) -> list[cmd.Command]:
    if text == "unblock eve":
        return [cmd.RemovePerson(HOST, EVE)]
    if phase is Phase.LIVE and not text.startswith(("bring", "block", "remove")):
        return [cmd.RequestToSpeak(EVE, 9)]
    return []


@pytest.mark.parametrize("text", HOST_ONLY)
async def test_a_cohost_does_not_do_what_is_the_hosts(setup: CommandSetup, text: str) -> None:
    await (setup.plan() if text in {"unschedule", "start"} else setup.open())
    await setup.gives(BEN, 60)
    answer = await setup.say(BEN, f"!space {text}")
    assert answer.startswith("❌ Only the host can "), answer


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("cancel", "not up"),
        ("accept", "Nobody has invited you"),
        ("decline", "Nobody has invited you"),
        ("leave-stage", "host keeps the floor"),
        ("start", "live already"),
        ("unschedule", "`end` ends it"),
        ("reschedule tomorrow 19:00", "live already"),
        ("reschedule some day", "I cannot read"),
        ("approve", "No hand is up"),
        ("deny zoe", "No hand is up"),
        ("next", "No hand is up"),
        ("clear-queue", "No hand is up"),
        ("bring zoe", "Nobody called “zoe” is in the room"),
        ("bring #lounge:example.org", "That is a room"),
        ("bring https://matrix.to/#/%23lounge:example.org", "That is a room"),
        ("demote", "Say who"),
        ("demote mia", "Nobody called “mia” has the floor"),
        ("mute mia", "Nobody called “mia” has the floor"),
        ("mute all", "nobody left to mute"),
        ("unmute mia", "Nobody called “mia” is muted"),
        ("unmute all", "one person at a time"),
        ("cohost @zoe:example.org", "not in the room"),
        ("uncohost mia", "Nobody called “mia” is a co-host"),
        ("host @zoe:example.org", "not in the room"),
        ("host ada", "is the host already"),
        ("policy nobody", "request, everyone, followed or invited"),
        ("chat perhaps", "`on` or `off`"),
        ("guests perhaps", "`off`, `listen` or `speak`"),
        ("unlock", "not locked"),
        ("remove ada", "cannot remove yourself"),
        ("remove zoe bad", "Nobody called “zoe” is in the room"),
        ("remove @spacesbot:example.org", "That is me"),
        ("block @spacesbot:example.org", "That is me"),
        ("block *:*", "That is everybody"),
        ("block @*:*", "That is everybody"),
        ("block *.*", "That is everybody"),
        ("block example.org", "keep me out"),
        ("block @a*:example.org", "keep out the host"),
        ("unblock mia", "Nobody called “mia” is removed"),
        ("unblock evil.example", "neither blocked nor removed"),
        ("report mia", "what is wrong"),
        ("report ada is me", "cannot do that to yourself"),
        ("captions klingon", "language's code"),
        ("record on", "cannot record"),
        ("record", "cannot record"),
        ("follow", "cannot do that to yourself"),
        ("follow @spacesbot:example.org", "That is me"),
        ("follow zoe", "Nobody called “zoe” hosts"),
        ("invite bob", "no Matrix ID"),
        ("invite @spacesbot:example.org", "I am here already"),
        ("invite @ben:example.org", "is here already"),
        ("invite followers", "Nobody follows you"),
        ("share nonsense", "begins with https"),
        ("share https://x.example and more", "just one link"),
        ("share not a link", "just one link"),
        ("queue backwards", "`queue airtime`"),
        ("help nonsense", "no such command"),
        ("help kick", "Did you mean `remove`"),
        ("title " + "x" * 201, "longer than 200"),
        ("kick eve", "Did you mean `remove`"),
        ("create --private", "needs a title"),
        ("create x --at noonish", "I cannot read"),
        ("create x --speak aloud", "`--speak` takes"),
        ("create x --loud", "do not know"),
    ],
)
async def test_what_cannot_be_is_refused_with_the_reason(
    setup: CommandSetup, text: str, part: str
) -> None:
    await setup.open()
    before = setup.view
    answer = await setup.say(HOST, f"!space {text}")
    assert answer.startswith("❌ ")
    assert part in answer
    assert setup.view == before


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"create", "live", "help", "stats"}))
async def test_in_the_room_of_an_ended_space_everything_is_refused_but_numbers_and_reports(
    setup: CommandSetup, verb: str
) -> None:
    await setup.open()
    await setup.does(cmd.EndSpace(HOST, setup.notebook.now))
    arguments = {"policy": "invited", "chat": "on", "guests": "off", "captions": "on"}
    argument = arguments.get(verb) or ("tomorrow 19:00" if verb == "reschedule" else "mia")
    text = f"{verb} {argument}" if VERBS[verb].argument else verb
    answer = await setup.say(HOST, f"!space {text}")
    others = {"record": "cannot record", "report": "what is wrong", "follow": "Nobody called"}
    others |= {"unfollow": "Nobody called", "verify": "no encrypted chats"}
    assert others.get(verb, "has ended") in answer
    assert answer.startswith("❌")
