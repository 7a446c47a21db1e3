"""Commands of hosts and listeners: what each does when it may."""

import re
from collections.abc import AsyncIterator

import pytest

from spaces_bridge.app.notes.plain_calls import CallsWanted
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.floor import QueueOrder, SpeakPolicy
from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.core.live_space import Phase
from spaces_bridge.core.roles import Role
from spaces_bridge.matrix.text.verbs import VERBS
from tests.matrix.command_setup import COMMUNITY, DM, MIA, PAGES, CommandSetup
from tests.support.spaces import BEN, EVE, GUEST, HOST

pytestmark = pytest.mark.unit


@pytest.fixture
async def setup() -> AsyncIterator[CommandSetup]:
    async with CommandSetup() as setup:
        yield setup


def test_every_command_of_the_table_is_answered_by_just_one_part() -> None:
    assert CommandSetup().conversation.answers.keys() == VERBS.keys()


# --- life ----------------------------------------------------------------------------------------


async def test_create_in_a_community_room_with_everything(setup: CommandSetup) -> None:
    setup.zones[HOST] = "Europe/Lisbon"
    setup.notebook.now = 1_795_000_000_000
    answer = await setup.say(
        HOST,
        "!space create “Bread and roses” —private --speak followed --at 2026-12-01 19:00",
        COMMUNITY,
    )
    (space,) = setup.spaces.open()
    assert (space.title, space.private, space.community) == ("Bread and roses", True, COMMUNITY)
    assert (space.speak_policy, space.max_cohosts) == (SpeakPolicy.FOLLOWED, 2)
    assert space.scheduled_at_ms == 1796151600000
    assert "Tue 1 December 2026, 19:00 Europe/Lisbon" in answer
    assert f"{PAGES}/s/{space.slug}/event.ics" in answer
    assert "!space start" in answer


async def test_a_zone_nobody_knows_is_ours(setup: CommandSetup) -> None:
    setup.zones[HOST] = "Mars/Olympus"
    assert "19:00 UTC" in await setup.say(HOST, "create Mars --at tomorrow 19:00", DM)


async def test_a_time_moves_and_is_called_off(setup: CommandSetup) -> None:
    await setup.plan(scheduled_at_ms=setup.notebook.now + 9_000_000)
    answer = await setup.say(HOST, "!space reschedule in 2 hours")
    assert "1 January 1970, 02:01 UTC" in answer
    assert setup.view.scheduled_at_ms == 7_260_000
    assert "is called off" in await setup.say(HOST, "!space unschedule")
    assert setup.view.phase is Phase.ENDED


async def test_start_title_policy_captions_and_end(setup: CommandSetup) -> None:
    await setup.plan()
    assert "is live" in await setup.say(HOST, "start", DM)
    assert "“Roses”" in await setup.say(HOST, "!space title  Roses")
    assert "while places are free" in await setup.say(HOST, "!space policy Everyone")
    assert "language: pt" in await setup.say(HOST, "!space captions pt-BR")
    assert (setup.view.title, setup.view.language) == ("Roses", "pt")
    assert setup.view.speak_policy is SpeakPolicy.EVERYONE
    assert "are off" in await setup.say(HOST, "!space captions off")
    assert not setup.view.captions
    assert "language: pt" in await setup.say(HOST, "!space captions on")
    assert "has ended" in await setup.say(HOST, "!space end")
    assert setup.view.phase is Phase.ENDED


# --- floor and stage -----------------------------------------------------------------------------


async def test_hands_go_up_and_down_and_are_answered(setup: CommandSetup) -> None:
    await setup.open()
    assert "number 1" in await setup.say(BEN, "!space speak")
    assert "number 2" in await setup.say(EVE, "speak", DM)
    await setup.does(cmd.RequestToSpeak(GUEST, 3_000_000, name="Gus", guest=True))
    queue = await setup.say(EVE, "queue", DM)
    assert queue.splitlines() == [
        "1. Ben",
        "2. Eve",
        "3. a guest",
        "You are number 2 in the queue.",
    ]
    assert "is down" in await setup.say(BEN, "!space cancel")
    assert "No hand" not in await setup.say(HOST, "!space queue")
    assert "a guest stays" in await setup.say(HOST, "!space deny #2")
    assert "goes to Eve" in await setup.say(HOST, "!space approve")
    assert setup.view.level_wanted(EVE) == 10
    await setup.say(BEN, "!space speak")
    assert "are down" in await setup.say(HOST, "!space clear-queue")
    await setup.say(MIA, "!space speak")
    assert "goes to Mia Maier" in await setup.say(HOST, "!space next")
    assert setup.view.level_wanted(MIA) == 10


async def test_the_queue_may_be_ordered_by_airtime(setup: CommandSetup) -> None:
    await setup.open()
    assert "spoke least" in await setup.say(HOST, "!space queue airtime")
    assert setup.view.queue_order is QueueOrder.AIRTIME


async def test_everybody_gets_the_floor_on_asking(setup: CommandSetup) -> None:
    await setup.open(speak_policy=SpeakPolicy.EVERYONE)
    assert "yours in a moment" in await setup.say(BEN, "!space speak")


async def test_who_is_brought_says_yes_or_no_and_leaves_again(setup: CommandSetup) -> None:
    await setup.open()
    assert "I ask Mia Maier" in await setup.say(HOST, "!space bring Mia Maier")
    assert "stay a listener" in await setup.say(MIA, "decline", DM)
    await setup.say(HOST, "!space bring mia")
    assert "yours in a moment" in await setup.say(MIA, "accept", DM)
    await setup.gives(MIA, 10)
    assert "listener again" in await setup.say(MIA, "!space leave-stage")
    assert setup.view.closing == {MIA}


async def test_to_bring_somebody_who_asked_is_to_approve(setup: CommandSetup) -> None:
    await setup.open()
    await setup.say(BEN, "!space speak")
    assert "floor goes to Ben" in await setup.say(HOST, "!space bring 1")


async def test_mute_unmute_and_demote(setup: CommandSetup) -> None:
    await setup.open()
    await setup.gives(BEN, 10)
    assert "Ben is muted" in await setup.say(HOST, "!space mute @Ben")
    assert "Ben may switch" in await setup.say(HOST, "!space unmute")
    assert "All speakers" in await setup.say(HOST, "!space mute ALL")
    assert setup.view.muted == {BEN}
    assert "listener again" in await setup.say(HOST, "!space demote")
    assert setup.view.closing == {BEN}


async def test_a_speaker_is_set_louder_and_left_to_itself_again(setup: CommandSetup) -> None:
    await setup.open()
    await setup.gives(BEN, 10)
    assert "Ben is heard at 80 %" in await setup.say(HOST, "!space volume Ben 80 %")
    assert setup.view.volumes == {BEN: 80}
    for odd in ("", " loud", " -5", " 80.5", " 80 90"):
        assert "a percentage or `auto`" in await setup.say(HOST, f"!space volume Ben{odd}")
    assert "0 to 200" in await setup.say(HOST, "!space volume Ben 201")
    assert "as loud as everybody" in await setup.say(HOST, "!space volume ben auto")
    assert not setup.view.volumes


async def test_cohosts_come_and_go_and_the_host_hands_over(setup: CommandSetup) -> None:
    await setup.open()
    assert "becomes a co-host" in await setup.say(HOST, "!space cohost ben")
    assert setup.view.appointments == {BEN: Role.COHOST}
    assert "no co-host" in await setup.say(HOST, "!space uncohost")
    assert "becomes the host" in await setup.say(HOST, "!space host Mia Maier")
    assert setup.view.appointments == {MIA: Role.HOST}


# --- around --------------------------------------------------------------------------------------


async def test_following_a_host(setup: CommandSetup) -> None:
    await setup.open()
    assert "You follow Ada" in await setup.say(BEN, "!space follow")
    assert "You follow Ada" in await setup.say(EVE, "follow ada", DM)
    assert "You follow @zoe:x.net" in await setup.say(EVE, "follow @zoe:x.net", DM)
    assert setup.notebook.following == {(HOST, BEN), (HOST, EVE), ("@zoe:x.net", EVE)}
    assert "any more" in await setup.say(EVE, "unfollow @zoe:x.net", DM)
    assert "You do not follow @zoe:x.net." in await setup.say(EVE, "unfollow @zoe:x.net", DM)
    assert "any more" in await setup.say(BEN, "!space unfollow")
    assert "Say whom" in await setup.say(BEN, "follow", DM)
    answer = await setup.say(HOST, "!space invite followers", event="$i")
    assert answer == "I write to the one who follows you, little by little."
    assert answer == await setup.say(HOST, "!space invite followers", event="$i")
    assert "already" in await setup.say(HOST, "!space invite followers")
    assert [e.kind for e in setup.notebook.effects.values()].count("followers.invite") == 1


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
async def test_links_are_shared(
    setup: CommandSetup, text: str, url: str, event: str | None
) -> None:
    await setup.open()
    assert "Everybody sees it" in await setup.say(HOST, f"!space share {text}")
    assert [(p.url, p.event) for p in setup.view.posts] == [(url, event)]


async def test_live_lists_what_one_may_know(setup: CommandSetup) -> None:
    await setup.open()
    at_ms = setup.notebook.now + 3_600_000
    await setup.plan(space=SpaceId("s2"), slug="secret", title="Secret", private=True)
    await setup.plan(space=SpaceId("s3"), slug="later", title="Later", scheduled_at_ms=at_ms)
    answer = await setup.say(BEN, "live", DM)
    assert re.findall("“(.*?)”", answer) == ["First talk", "Later", "Secret"]
    assert "1 January 1970, 01:00 UTC: “Later”" in answer
    assert "Secret" not in await setup.say(BEN, "!space live")
    assert "Secret" not in await setup.say(UserId("@zoe:x.net"), "live", DM)


async def test_numbers_and_links(setup: CommandSetup) -> None:
    await setup.open()
    await setup.gives(EVE, 10)
    await setup.does(
        cmd.CaptionUtterance("u", EVE, 0, 65_000, "long", "en"),  # type: ignore[arg-type]
        cmd.React(BEN, "👏"),
        cmd.RequestToSpeak(BEN, 3),
    )
    setup.notebook.now += 3_661_000
    stats = await setup.say(BEN, "!space stats")
    assert "has been live for 1:01:01" in stats
    assert "Listeners now: 5 · on the stage: 2" in stats
    assert "Hands raised: 1 · reactions: 1 · captions: 1 · posts: 0" in stats
    assert "Eve 1:05" in stats
    assert "by direct message" in await setup.say(BEN, "!space link")
    assert "link:" in " ".join(setup.notebook.effects)
    await setup.does(cmd.EndSpace(HOST, setup.notebook.now))
    assert "was live for 1:01:01" in await setup.say(BEN, "!space stats")


async def test_callme_calls_now_or_when_it_goes_live(setup: CommandSetup) -> None:
    await setup.plan()
    assert await setup.say(BEN, "callme", DM) == "I call you when “First talk” goes live."
    note = await setup.notebook.notes.get(CallsWanted.key(setup.space))
    assert note is not None
    assert note.users == (BEN,)
    assert await setup.say(BEN, "callme off", DM) == "I do not call you about “First talk”."
    assert await setup.notebook.notes.get(CallsWanted.key(setup.space)) is None
    assert (await setup.say(BEN, "callme please", DM)).startswith("❌ `callme` takes")
    assert not setup.notebook.enqueued("person.call")
    await setup.does(cmd.StartSpace(HOST, setup.notebook.now))
    assert await setup.say(BEN, "!space callme") == "I call you now."
    assert [body["user"] for body in setup.notebook.enqueued("person.call")] == [BEN]
    await setup.does(cmd.RemovePerson(HOST, EVE))
    assert (await setup.say(EVE, "!space callme")).startswith("❌ A host has removed you")
    await setup.does(cmd.EndSpace(HOST, setup.notebook.now))
    assert (await setup.say(BEN, "!space callme")).startswith("❌ This live space has ended")


async def test_help_says_everything_and_more_about_one(setup: CommandSetup) -> None:
    everything = await setup.say(BEN, "help", DM)
    assert all(f"`{verb.usage}` {verb.does}" in everything for verb in VERBS.values())
    briefly = await setup.say(BEN, "!space help", COMMUNITY)
    assert len(briefly.splitlines()) == 6
    assert all(f" {name}" in briefly for name in VERBS)
    one = await setup.say(BEN, "!space help !space create", COMMUNITY)
    assert "Europe/Berlin" in one
    assert "whoever may host" in one


async def test_a_host_who_writes_in_the_room_is_back(setup: CommandSetup) -> None:
    await setup.open()
    await setup.does(cmd.OpenMicrophone(HOST), cmd.NoteHostAway(HOST))
    await setup.say(BEN, "where is she?")
    await setup.settled()
    assert setup.view.host_left_page
    assert await setup.say(HOST, "my browser crashed") == ""
    await setup.settled()
    assert not setup.view.host_left_page


# --- who may host --------------------------------------------------------------------------------


async def test_who_has_too_few_followers_does_not_host() -> None:
    async with CommandSetup(min_followers=2) as setup:
        answer = await setup.say(HOST, "create Talk", DM)
        assert "takes 2 followers, and you have 0" in answer
        setup.notebook.following |= {(HOST, BEN), (HOST, EVE)}
        assert "is ready" in await setup.say(HOST, "create Talk", DM)


async def test_admins_need_no_followers_and_listeners_may_not_host_at_all() -> None:
    async with CommandSetup(min_followers=2, permission="admin") as setup:
        assert "is ready" in await setup.say(HOST, "create Talk", DM)
    async with CommandSetup(permission="listen") as setup:
        assert "may not host" in await setup.say(HOST, "create Talk", DM)


async def test_a_title_that_names_a_time_is_kept_and_asked_about(setup: CommandSetup) -> None:
    answer = await setup.say(HOST, "create Jazz at 8", DM)
    assert "“Jazz at 8” is ready" in answer
    assert "reschedule TIME" in answer
    assert "reschedule" not in await setup.say(HOST, "create Jazz --at tomorrow 19:00", DM)
