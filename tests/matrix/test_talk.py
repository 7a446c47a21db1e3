"""Every command: what it does when it may, what it says when it may not."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.door import GuestPolicy
from spaces_bridge.core.floor import QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.words.verbs import VERBS
from tests.matrix.talk_town import COMMUNITY, DM, MIA, PAGES, SETTINGS, TalkTown
from tests.support.spaces import BEN, EVE, GUEST, HOST, ROOM

pytestmark = pytest.mark.unit


@pytest.fixture
async def town() -> AsyncIterator[TalkTown]:
    async with TalkTown() as town:
        yield town


def test_every_command_of_the_table_is_answered_by_just_one_part() -> None:
    assert TalkTown().conversation.answers.keys() == VERBS.keys()


# --- refusals ------------------------------------------------------------------------------------

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
    town: TalkTown, text: str, room: RoomId
) -> None:
    space = await (town.plan() if text in {"unschedule", "start"} else town.open())
    await town.does(*_removed_and_hand(text, space.phase))
    before = town.view
    answer = await town.say(BEN, f"!space {text}", room)
    assert answer.startswith("❌ Only the host"), answer
    assert town.view == before
    assert town.lists.blocks == {}


def _removed_and_hand(text: str, phase: Phase) -> list[cmd.Command]:
    if text == "unblock eve":
        return [cmd.RemovePerson(HOST, EVE)]
    if phase is Phase.LIVE and not text.startswith(("bring", "block", "remove")):
        return [cmd.RequestToSpeak(EVE, 9)]
    return []


@pytest.mark.parametrize("text", HOST_ONLY)
async def test_a_cohost_does_not_do_what_is_the_hosts(town: TalkTown, text: str) -> None:
    await (town.plan() if text in {"unschedule", "start"} else town.open())
    await town.gives(BEN, 60)
    answer = await town.say(BEN, f"!space {text}")
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
        ("report mia", "Say why"),
        ("report ada is me", "cannot report yourself"),
        ("captions klingon", "language's code"),
        ("record on", "cannot record"),
        ("record", "cannot record"),
        ("follow", "cannot follow yourself"),
        ("follow @spacesbot:example.org", "name a host"),
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
    town: TalkTown, text: str, part: str
) -> None:
    await town.open()
    before = town.view
    answer = await town.say(HOST, f"!space {text}")
    assert answer.startswith("❌ ")
    assert part in answer
    assert town.view == before


@pytest.mark.parametrize("verb", sorted(VERBS.keys() - {"create", "live", "help", "stats"}))
async def test_in_the_room_of_an_ended_space_everything_is_refused_but_numbers_and_reports(
    town: TalkTown, verb: str
) -> None:
    await town.open()
    await town.does(cmd.EndSpace(HOST, town.notebook.now))
    arguments = {"policy": "invited", "chat": "on", "guests": "off", "captions": "on"}
    argument = arguments.get(verb) or ("tomorrow 19:00" if verb == "reschedule" else "mia")
    text = f"{verb} {argument}" if VERBS[verb].argument else verb
    answer = await town.say(HOST, f"!space {text}")
    others = {"record": "cannot record", "report": "Say why", "follow": "Nobody called"}
    others["unfollow"] = "Nobody called"
    assert others.get(verb, "has ended") in answer
    assert answer.startswith("❌")


# --- life ----------------------------------------------------------------------------------------


async def test_create_in_a_community_room_with_everything(town: TalkTown) -> None:
    town.zones[HOST] = "Europe/Lisbon"
    town.notebook.now = 1_795_000_000_000
    answer = await town.say(
        HOST,
        "!space create “Bread and roses” —private --speak followed --at 2026-12-01 19:00",
        COMMUNITY,
    )
    (space,) = town.spaces.open()
    assert (space.title, space.private, space.community) == ("Bread and roses", True, COMMUNITY)
    assert (space.speak_policy, space.max_cohosts) == (SpeakPolicy.FOLLOWED, 2)
    assert space.scheduled_at_ms == 1796151600000
    assert "Tue 1 December 2026, 19:00 Europe/Lisbon" in answer
    assert f"{PAGES}/s/{space.slug}/event.ics" in answer
    assert "!space start" in answer


async def test_a_zone_nobody_knows_is_ours(town: TalkTown) -> None:
    town.zones[HOST] = "Mars/Olympus"
    assert "19:00 UTC" in await town.say(HOST, "create Mars --at tomorrow 19:00", DM)


async def test_a_time_moves_and_is_called_off(town: TalkTown) -> None:
    await town.plan(scheduled_at_ms=town.notebook.now + 9_000_000)
    answer = await town.say(HOST, "!space reschedule in 2 hours")
    assert "1 January 1970, 02:01 UTC" in answer
    assert town.view.scheduled_at_ms == 7_260_000
    assert "is called off" in await town.say(HOST, "!space unschedule")
    assert town.view.phase is Phase.ENDED


async def test_start_title_policy_captions_and_end(town: TalkTown) -> None:
    await town.plan()
    assert "is live" in await town.say(HOST, "start", DM)
    assert "“Roses”" in await town.say(HOST, "!space title  Roses")
    assert "while places are free" in await town.say(HOST, "!space policy Everyone")
    assert "language: pt" in await town.say(HOST, "!space captions pt-BR")
    assert (town.view.title, town.view.language) == ("Roses", "pt")
    assert town.view.speak_policy is SpeakPolicy.EVERYONE
    assert "are off" in await town.say(HOST, "!space captions off")
    assert not town.view.captions
    assert "language: pt" in await town.say(HOST, "!space captions on")
    assert "has ended" in await town.say(HOST, "!space end")
    assert town.view.phase is Phase.ENDED


# --- floor and stage -----------------------------------------------------------------------------


async def test_hands_go_up_and_down_and_are_answered(town: TalkTown) -> None:
    await town.open()
    assert "number 1" in await town.say(BEN, "!space speak")
    assert "number 2" in await town.say(EVE, "speak", DM)
    await town.does(cmd.RequestToSpeak(GUEST, 3_000_000, name="Gus", guest=True))
    queue = await town.say(EVE, "queue", DM)
    assert queue.splitlines() == [
        "1. Ben",
        "2. Eve",
        "3. a guest",
        "You are number 2 in the queue.",
    ]
    assert "is down" in await town.say(BEN, "!space cancel")
    assert "No hand" not in await town.say(HOST, "!space queue")
    assert "a guest stays" in await town.say(HOST, "!space deny #2")
    assert "goes to Eve" in await town.say(HOST, "!space approve")
    assert town.view.level_wanted(EVE) == 10
    await town.say(BEN, "!space speak")
    assert "are down" in await town.say(HOST, "!space clear-queue")
    await town.say(MIA, "!space speak")
    assert "goes to Mia Maier" in await town.say(HOST, "!space next")
    assert town.view.level_wanted(MIA) == 10


async def test_the_queue_may_be_ordered_by_airtime(town: TalkTown) -> None:
    await town.open()
    assert "spoke least" in await town.say(HOST, "!space queue airtime")
    assert town.view.queue_order is QueueOrder.AIRTIME


async def test_everybody_gets_the_floor_on_asking(town: TalkTown) -> None:
    await town.open(speak_policy=SpeakPolicy.EVERYONE)
    assert "yours in a moment" in await town.say(BEN, "!space speak")


async def test_who_is_brought_says_yes_or_no_and_leaves_again(town: TalkTown) -> None:
    await town.open()
    assert "I ask Mia Maier" in await town.say(HOST, "!space bring Mia Maier")
    assert "stay a listener" in await town.say(MIA, "decline", DM)
    await town.say(HOST, "!space bring mia")
    assert "yours in a moment" in await town.say(MIA, "accept", DM)
    await town.gives(MIA, 10)
    assert "listener again" in await town.say(MIA, "!space leave-stage")
    assert town.view.closing == {MIA}


async def test_to_bring_somebody_who_asked_is_to_approve(town: TalkTown) -> None:
    await town.open()
    await town.say(BEN, "!space speak")
    assert "floor goes to Ben" in await town.say(HOST, "!space bring 1")


async def test_mute_unmute_and_demote(town: TalkTown) -> None:
    await town.open()
    await town.gives(BEN, 10)
    assert "Ben is muted" in await town.say(HOST, "!space mute @Ben")
    assert "Ben may switch" in await town.say(HOST, "!space unmute")
    assert "All speakers" in await town.say(HOST, "!space mute ALL")
    assert town.view.muted == {BEN}
    assert "listener again" in await town.say(HOST, "!space demote")
    assert town.view.closing == {BEN}


async def test_cohosts_come_and_go_and_the_host_hands_over(town: TalkTown) -> None:
    await town.open()
    assert "becomes a co-host" in await town.say(HOST, "!space cohost ben")
    assert town.view.appointments == {BEN: Role.COHOST}
    assert "no co-host" in await town.say(HOST, "!space uncohost")
    assert "becomes the host" in await town.say(HOST, "!space host Mia Maier")
    assert town.view.appointments == {MIA: Role.HOST}


# --- door ----------------------------------------------------------------------------------------


async def test_the_door_is_locked_and_opened(town: TalkTown) -> None:
    await town.open()
    # the room has a notice of its own, so the answer there says only what that does not
    assert await town.say(HOST, "!space lock") == "✅ `unlock` opens it again."
    assert "no hands right now" in await town.say(BEN, "!space speak")
    assert "locked" in await town.say(HOST, "!space invite @zoe:example.org")
    assert "locked" in await town.say(HOST, "!space invite followers")
    assert await town.say(HOST, "!space unlock") == "✅"
    assert "Locked" in await town.say(HOST, "lock", DM)
    assert "Open" in await town.say(HOST, "unlock", DM)
    assert "on the stage" in await town.say(HOST, "!space chat off")
    assert not town.view.chat
    assert "Guests only listen" in await town.say(HOST, "!space guests listen")
    assert town.view.guests is GuestPolicy.LISTEN
    assert "is let in" in await town.say(HOST, "!space guests off")


@pytest.mark.parametrize(
    ("text", "user", "reason"),
    [
        ("remove Mia Maier bad words", MIA, "bad words"),
        ("remove mia bad words", MIA, "bad words"),
        ("remove “Mia Maier” bad words", MIA, "bad words"),
        ("remove @mia:example.org bad words", MIA, "bad words"),
        ("remove @mia:example.org: bad words", MIA, "bad words"),
        ("remove https://matrix.to/#/@eve:elsewhere.net", EVE, ""),
        ("remove @zoe:example.org never came", UserId("@zoe:example.org"), "never came"),
        ("remove 1 too loud", GUEST, "too loud"),
        (f"remove {GUEST}", GUEST, ""),
    ],
)
async def test_whom_to_remove_and_why(
    town: TalkTown, text: str, user: UserId, reason: str
) -> None:
    await town.open()
    await town.does(cmd.RequestToSpeak(GUEST, 3_000, name="Gus", guest=True))
    assert "is out until this ends" in await town.say(HOST, f"!space {text}")
    assert {u: r.reason for u, r in town.view.removed.items()} == {user: reason}
    assert town.lists.blocks == {}


async def test_a_pill_is_whom_it_links_to(town: TalkTown) -> None:
    await town.open()
    pills = (("Ben", MIA),)  # somebody who calls herself Ben
    await town.say(HOST, "!space remove Ben for that", pills=pills)
    assert town.view.removed.keys() == {MIA}
    assert town.view.removed[MIA].reason == "for that"


async def test_a_reason_does_not_make_half_a_name_whole(town: TalkTown) -> None:
    await town.open()
    answer = await town.say(HOST, "!space remove be quiet")
    assert "Nobody called “be”" in answer


async def test_block_and_unblock_a_person(town: TalkTown) -> None:
    await town.open()
    await town.gives(BEN, 60)
    assert "Eve is blocked" in await town.say(BEN, "!space block eve spam")
    assert town.view.removed[EVE].blocked
    block = town.lists.blocks[HOST, EVE]
    assert (block.by, block.reason) == (BEN, "spam")
    assert "may come in again" in await town.say(BEN, "!space unblock eve")
    assert EVE not in town.view.removed
    assert town.lists.blocks == {}


async def test_a_removed_person_may_be_blocked_later_and_readmitted_by_the_host(
    town: TalkTown,
) -> None:
    await town.open()
    await town.say(HOST, "!space remove eve")
    assert "is blocked" in await town.say(HOST, f"!space block {EVE}")
    assert "is blocked" in await town.say(HOST, f"!space block {EVE} once more")
    assert "may come in" in await town.say(HOST, "!space unblock eve", event="$once")
    assert "may come in" in await town.say(HOST, "!space unblock eve", event="$once")
    await town.doorkeeper.stop()
    assert town.lists.blocks == {}


async def test_a_guest_is_only_removed_and_that_is_said(town: TalkTown) -> None:
    await town.open()
    await town.does(cmd.RequestToSpeak(GUEST, 3_000, name="Gus", guest=True))
    assert "`guests off`" in await town.say(HOST, "!space block 1")
    assert not town.view.removed[GUEST].blocked
    assert town.lists.blocks == {}


@pytest.mark.parametrize(
    ("word", "target"),
    [
        ("elsewhere.net", "@*:elsewhere.net"),
        ("*where.net", "@*:*where.net"),
        ("@e*:elsewhere.net", "@e*:elsewhere.net"),
        ("@?ve:*.NET", "@?ve:*.net"),
    ],
)
async def test_a_server_or_pattern_is_blocked_at_once(
    town: TalkTown, word: str, target: str
) -> None:
    await town.open()
    assert target in await town.say(HOST, f"!space block {word} all spam")
    assert town.lists.blocks.keys() == {(HOST, target)}
    await town.settled()
    assert town.view.removed.keys() == {EVE}
    assert "may come in" in await town.say(HOST, f"!space unblock {word}")
    await town.settled()
    assert town.view.removed == {}


async def test_who_is_readmitted_beneath_a_wider_rule_is_still_kept_out(town: TalkTown) -> None:
    await town.open()
    assert "is blocked" in await town.say(HOST, "!space block eve")
    await town.say(HOST, "!space block elsewhere.net too many names")
    answer = await town.say(HOST, "!space unblock eve")
    assert "still keeps them out: too many names" in answer
    assert "may come in" not in answer


async def test_a_cohost_blocks_neither_by_pattern_nor_hosts(town: TalkTown) -> None:
    await town.open()
    await town.gives(BEN, 60)
    await town.gives(EVE, 60)
    assert "Only the host blocks by pattern" in await town.say(BEN, "!space block evil.example")
    assert "keep out the host" in await town.say(BEN, "!space block @b*:example.org")
    assert town.lists.blocks == {}
    assert "own rank" in await town.say(BEN, "!space block eve")
    assert "own rank" in await town.say(BEN, "!space remove ada")


async def test_a_host_keeps_the_list_without_a_live_space(town: TalkTown) -> None:
    assert "no live space of yours" in await town.say(HOST, "block evil.example", DM)
    assert "no live space of yours" in await town.say(HOST, f"block {EVE} rude", DM)
    assert town.lists.blocks[HOST, EVE].reason == "rude"
    assert "Say who" in await town.say(HOST, "block eve", DM)
    assert "keep out" in await town.say(HOST, "block @a*:example.org", DM)
    assert "may come in" in await town.say(HOST, "unblock evil.example", DM)
    assert "may come in" in await town.say(HOST, f"unblock {EVE}", DM)
    assert "neither blocked" in await town.say(HOST, f"unblock {EVE}", DM)
    assert town.lists.blocks == {}


async def test_a_report_is_stored_forwarded_and_thanked_for_quietly(town: TalkTown) -> None:
    await town.open()
    await town.gives(EVE, 10)
    for number in range(7):
        await town.does(
            cmd.CaptionUtterance(
                f"u{number}",  # type: ignore[arg-type]  # an id is any text
                EVE,
                number * 1000,
                number * 1000 + 900,
                f"word {number}",
                "en",
            )
        )
    assert await town.say(BEN, "!space report Eve she shouts", event="$r") == "✅"
    assert await town.say(BEN, "!space report Eve she shouts", event="$r") == "✅"
    ((source, report),) = town.lists.reports.items()
    assert (source, report.reporter, report.reported) == ("$r", BEN, EVE)
    assert report.reason == "she shouts"
    assert report.context.splitlines()[0] == "Eve · speaker in “First talk”"
    assert report.context.count("word") == 5
    assert "word 6" in report.context
    assert [e.body["report"] for e in town.notebook.effects.values() if e.kind == "ForwardReport"]
    assert town.notebook.effects["thanks:$r"].body["user"] == BEN
    assert "Thank you" in await town.say(BEN, "report ada is rude", DM)


async def test_reports_have_a_limit(town: TalkTown) -> None:
    await town.open()
    for number in range(5):
        assert await town.say(BEN, f"!space report eve {number}") == "✅"
    assert "within an hour" in await town.say(BEN, "!space report eve 5")
    assert len(town.lists.reports) == 5
    town.notebook.now += 3_600_000
    assert await town.say(BEN, "!space report eve 6") == "✅"


# --- around --------------------------------------------------------------------------------------


async def test_following_a_host(town: TalkTown) -> None:
    await town.open()
    assert "You follow Ada" in await town.say(BEN, "!space follow")
    assert "You follow Ada" in await town.say(EVE, "follow ada", DM)
    assert "You follow @zoe:x.net" in await town.say(EVE, "follow @zoe:x.net", DM)
    assert town.notebook.following == {(HOST, BEN), (HOST, EVE), ("@zoe:x.net", EVE)}
    assert "any more" in await town.say(EVE, "unfollow @zoe:x.net", DM)
    assert "You do not follow @zoe:x.net." in await town.say(EVE, "unfollow @zoe:x.net", DM)
    assert "any more" in await town.say(BEN, "!space unfollow")
    assert "Say whom" in await town.say(BEN, "follow", DM)
    answer = await town.say(HOST, "!space invite followers", event="$i")
    assert answer == "I write to the one who follows you, little by little."
    assert answer == await town.say(HOST, "!space invite followers", event="$i")
    assert "already" in await town.say(HOST, "!space invite followers")
    assert [e.kind for e in town.notebook.effects.values()].count("InviteFollowers") == 1


@pytest.mark.parametrize(
    ("text", "url", "event"),
    [
        ("https://x.example/a?b=c#d", "https://x.example/a?b=c#d", None),
        ("x.example/a", "https://x.example/a", None),
        ("<https://x.example>", "https://x.example", None),
        ("https://matrix.to/#/!room/$e1?via=x", "https://matrix.to/#/!room/$e1?via=x", "$e1"),
        ("https://matrix.to/#/!other/$e1", "https://matrix.to/#/!other/$e1", None),
        ("matrix:roomid/room/e/e1", "https://matrix.to/#/!room/%24e1", "$e1"),
        (
            "https://matrix.to/#/%23spaces_first-talk%3Aexample.org/%24e1",
            "https://matrix.to/#/%23spaces_first-talk%3Aexample.org/%24e1",
            "$e1",
        ),
        ("#lounge:example.org", "https://matrix.to/#/#lounge:example.org", None),
    ],
)
async def test_links_are_shared(town: TalkTown, text: str, url: str, event: str | None) -> None:
    await town.open()
    assert "Everybody sees it" in await town.say(HOST, f"!space share {text}")
    assert [(p.url, p.event) for p in town.view.posts] == [(url, event)]


async def test_live_lists_what_one_may_know(town: TalkTown) -> None:
    await town.open()
    at_ms = town.notebook.now + 3_600_000
    await town.plan(space=SpaceId("s2"), slug="secret", title="Secret", private=True)
    await town.plan(space=SpaceId("s3"), slug="later", title="Later", scheduled_at_ms=at_ms)
    answer = await town.say(BEN, "live", DM)
    assert re.findall("“(.*?)”", answer) == ["First talk", "Later", "Secret"]
    assert "1 January 1970, 01:00 UTC: “Later”" in answer
    assert "Secret" not in await town.say(BEN, "!space live")
    assert "Secret" not in await town.say(UserId("@zoe:x.net"), "live", DM)


async def test_numbers_and_links(town: TalkTown) -> None:
    await town.open()
    await town.gives(EVE, 10)
    await town.does(
        cmd.CaptionUtterance("u", EVE, 0, 65_000, "long", "en"),  # type: ignore[arg-type]
        cmd.React(BEN, "👏"),
        cmd.RequestToSpeak(BEN, 3),
    )
    town.notebook.now += 3_661_000
    stats = await town.say(BEN, "!space stats")
    assert "has been live for 1:01:01" in stats
    assert "Listeners now: 5 · on the stage: 2" in stats
    assert "Hands raised: 1 · reactions: 1 · captions: 1 · posts: 0" in stats
    assert "Eve 1:05" in stats
    assert "by direct message" in await town.say(BEN, "!space link")
    assert "link:" in " ".join(town.notebook.effects)
    await town.does(cmd.EndSpace(HOST, town.notebook.now))
    assert "was live for 1:01:01" in await town.say(BEN, "!space stats")


async def test_help_says_everything_and_more_about_one(town: TalkTown) -> None:
    everything = await town.say(BEN, "help", DM)
    assert all(f"`{verb.usage}` {verb.does}" in everything for verb in VERBS.values())
    briefly = await town.say(BEN, "!space help", COMMUNITY)
    assert len(briefly.splitlines()) == 6
    assert all(f" {name}" in briefly for name in VERBS)
    one = await town.say(BEN, "!space help !space create", COMMUNITY)
    assert "Europe/Berlin" in one
    assert "whoever may host" in one


async def test_a_host_who_writes_in_the_room_is_back(town: TalkTown) -> None:
    await town.open()
    await town.does(cmd.OpenMicrophone(HOST), cmd.NoteHostAway(HOST))
    await town.say(BEN, "where is she?")
    await town.settled()
    assert town.view.host_left_page
    assert await town.say(HOST, "my browser crashed") == ""
    await town.settled()
    assert not town.view.host_left_page


# --- who may host --------------------------------------------------------------------------------


async def test_who_has_too_few_followers_does_not_host() -> None:
    async with TalkTown(_choosy()) as town:
        answer = await town.say(HOST, "create Talk", DM)
        assert "takes 2 followers, and you have 0" in answer
        town.notebook.following |= {(HOST, BEN), (HOST, EVE)}
        assert "is ready" in await town.say(HOST, "create Talk", DM)


async def test_admins_need_no_followers_and_listeners_may_not_host_at_all() -> None:
    async with TalkTown(_choosy(), permission="admin") as town:
        assert "is ready" in await town.say(HOST, "create Talk", DM)
    async with TalkTown(permission="listen") as town:
        assert "may not host" in await town.say(HOST, "create Talk", DM)


def _choosy() -> MatrixSettings:
    return replace(SETTINGS, min_followers=2)


# --- which, again, and too much ------------------------------------------------------------------


async def test_several_candidates_are_listed_and_a_room_is_about_itself(town: TalkTown) -> None:
    await town.open()
    await town.plan(space=SpaceId("s2"), slug="later", title="Later")
    answer = await town.say(HOST, "title New", DM)
    assert "In which one?" in answer
    assert answer.count("•") == 2
    await town.say(HOST, "!space title New", RoomId("!s2"))
    assert town.view.title == "New"


async def test_a_community_room_is_about_what_was_announced_there_alone(town: TalkTown) -> None:
    await town.open()
    assert "I see no live space" in await town.say(HOST, "!space end", COMMUNITY)
    await town.plan(space=SpaceId("s2"), slug="s2", title="Here", community=COMMUNITY)
    assert "“Here” has ended" in await town.say(HOST, "!space end", COMMUNITY)


async def test_alone_with_the_bot_it_says_where_to_go_when_there_is_nothing(
    town: TalkTown,
) -> None:
    answer = await town.say(HOST, "end", DM)
    assert "I see no live space this could be about. Join its room first" in answer
    assert "to me alone" not in answer


async def test_a_number_of_the_queue_is_the_same_person_after_a_crash(town: TalkTown) -> None:
    await town.open()
    await town.say(BEN, "!space speak")
    await town.say(EVE, "!space speak")
    assert "Ben" in await town.say(HOST, "!space approve 1", event="$a")
    assert "Ben" in await town.say(HOST, "!space approve 1", event="$a")
    assert [hand.user for hand in town.view.hands] == [EVE]


async def test_a_flood_is_answered_once_and_then_ignored(town: TalkTown) -> None:
    await town.open()
    answers = [await town.say(BEN, "!space nonsense") for _ in range(22)]
    assert all("Did you" in a or "I do not know" in a for a in answers[:20])
    assert answers[20:] == ["❌ “First talk”: Too many commands at once: wait a minute.", ""]
    assert await town.say(BEN, "queue", DM) != ""
    assert await town.say(HOST, "!space queue") != ""
    town.notebook.now += 60_000
    assert await town.say(BEN, "!space queue") != ""


async def test_beyond_the_rooms_budget_answers_come_by_direct_message(town: TalkTown) -> None:
    await town.open()
    answers = [await town.say(who, "!space queue") for who in (BEN, MIA, EVE) for _ in range(4)]
    assert town.answered == ["Reply"] * 8 + ["TellUser"] * 4
    assert answers[-1] == "“First talk”: No hand is up right now."
    for _ in range(2):
        assert (await town.say(HOST, "!space title")).startswith("❌ Write it like")
    assert (await town.say(HOST, "!space title")).startswith("❌ “First talk”: Write it like")
    town.notebook.now += 60_000
    assert await town.say(HOST, "!space queue") == "No hand is up right now."


async def test_a_mob_of_strangers_opens_no_direct_rooms(town: TalkTown) -> None:
    await town.open()
    mob = [UserId(f"@troll{number}:evil.example") for number in range(20)]
    town.strangers = set(mob)
    answers = [await town.say(troll, "!space queue") for troll in mob]
    assert town.answered == ["Reply"] * 9
    assert "write to me alone" in answers[8]
    assert (await town.say(HOST, "!space queue")).endswith("No hand is up right now.")


async def test_moderators_have_more_patience_and_everybody_has_it_alone(town: TalkTown) -> None:
    await town.open()
    answers = [await town.say(HOST, "!space queue") for _ in range(61)]
    assert ["Too many" in answer for answer in answers] == [False] * 60 + [True]
    answers = [await town.say(BEN, "live", DM) for _ in range(61)]
    assert ["Too many" in answer for answer in answers] == [False] * 60 + [True]
