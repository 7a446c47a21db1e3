"""Every verb of the feed: whom it obeys, whom it refuses, and what then has changed."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from spaces_bridge.core import commands as cmd
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.floor import QueueOrder, RequestState, SpeakPolicy
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.roles import Role
from tests.web.world import ALICE, BOB, HOST, Feed, WallClock, WebWorld, refused, until, until_role

pytestmark = pytest.mark.peers

COHOST = UserId("@cora:example.org")
SPEAKER = UserId("@sam:example.org")
LEVELS = {"host": 90, "cohost": 60, "speaker": 10, "listener": None}
PEOPLE = {"host": HOST, "cohost": COHOST, "speaker": SPEAKER, "listener": BOB}
ROLES = (*PEOPLE, "guest")
MODERATORS = frozenset({"host", "cohost"})
HOST_ALONE = frozenset({"host"})
EVENING_MS = 1000 * (WallClock().now_ms() // 1000) + 86_400_000


@dataclass(frozen=True)
class Verb:
    """A frame, who may send it, and how one sees that it was obeyed."""

    frame: dict[str, object]
    allowed: frozenset[str]
    seen: Callable[[LiveSpace], bool]
    before: tuple[cmd.Command, ...] = ()


def verb(
    allowed: frozenset[str],
    seen: Callable[[LiveSpace], bool],
    *before: cmd.Command,
    **frame: object,
) -> Verb:
    return Verb(frame, allowed, seen, before)


def hand_of_alice(state: RequestState | None) -> Callable[[LiveSpace], bool]:
    def seen(space: LiveSpace) -> bool:
        request = space.requests.get(ALICE)
        return (request.state if request is not None else None) is state

    return seen


VERBS = [
    verb(MODERATORS, hand_of_alice(RequestState.ACCEPTED), type="approve", user=ALICE),
    verb(MODERATORS, hand_of_alice(RequestState.ACCEPTED), type="next"),
    verb(MODERATORS, hand_of_alice(None), type="deny", user=ALICE),
    verb(MODERATORS, lambda s: not s.hands, type="clear-queue"),
    verb(
        MODERATORS,
        lambda s: s.queue_order is QueueOrder.AIRTIME,
        type="queue-order",
        order="airtime",
    ),
    verb(MODERATORS, lambda s: BOB in s.offers, type="bring", user=BOB),
    verb(MODERATORS, lambda s: SPEAKER in s.closing, type="demote", user=SPEAKER),
    verb(MODERATORS, lambda s: SPEAKER in s.muted, type="mute", user=SPEAKER),
    verb(MODERATORS, lambda s: SPEAKER in s.muted, type="mute", all=True),
    verb(
        MODERATORS,
        lambda s: s.volumes == {SPEAKER: 80},
        type="volume",
        user=SPEAKER,
        percent=80,
    ),
    verb(
        MODERATORS,
        lambda s: not s.volumes,
        cmd.SetVolume(HOST, SPEAKER, 80),
        type="volume",
        user=SPEAKER,
        percent=None,
    ),
    verb(
        MODERATORS,
        lambda s: SPEAKER not in s.muted,
        cmd.MuteSpeaker(HOST, SPEAKER),
        type="unmute",
        user=SPEAKER,
    ),
    verb(
        HOST_ALONE,
        lambda s: s.appointments.get(ALICE) is Role.COHOST,
        type="cohost",
        user=ALICE,
    ),
    verb(
        HOST_ALONE,
        lambda s: s.appointments.get(COHOST) is Role.SPEAKER,
        type="uncohost",
        user=COHOST,
    ),
    verb(HOST_ALONE, lambda s: s.appointments.get(BOB) is Role.HOST, type="host", user=BOB),
    verb(
        HOST_ALONE,
        lambda s: s.speak_policy is SpeakPolicy.EVERYONE,
        type="policy",
        policy="everyone",
    ),
    verb(MODERATORS, lambda s: not s.chat, type="chat-mode", on=False),
    verb(MODERATORS, lambda s: s.guests is GuestPolicy.LISTEN, type="guests", policy="listen"),
    verb(MODERATORS, lambda s: s.locked, type="lock"),
    verb(MODERATORS, lambda s: not s.locked, cmd.LockSpace(HOST), type="unlock"),
    verb(
        MODERATORS,
        lambda s: s.removed[ALICE].reason == "rude",
        type="remove",
        user=ALICE,
        reason="rude",
    ),
    verb(
        MODERATORS,
        lambda s: s.removed[ALICE].blocked,
        type="block",
        user=ALICE,
        reason="rude",
    ),
    verb(
        MODERATORS,
        lambda s: ALICE not in s.removed,
        cmd.RemovePerson(HOST, ALICE),
        type="unblock",
        user=ALICE,
    ),
    verb(
        MODERATORS,
        lambda s: s.posts[-1].url == "https://example.org/a",
        type="share",
        url="https://example.org/a",
    ),
    verb(HOST_ALONE, lambda s: s.title == "Late hour", type="title", title=" Late  hour "),
    verb(
        HOST_ALONE,
        lambda s: not s.captions and s.language == "pt",
        type="captions",
        on=False,
        language="pt",
    ),
    verb(HOST_ALONE, lambda s: s.phase is Phase.ENDED, type="end"),
]


async def live_feed(world: WebWorld, stack: AsyncExitStack, role: str) -> tuple[LiveSpace, Feed]:
    """A live space with somebody of every role, Alice's hand up, and the feed of one role."""
    space = await world.create()
    secrets = {
        name: await world.member(space.space, user, LEVELS[name]) for name, user in PEOPLE.items()
    }
    await world.member(space.space, ALICE)
    await world.spaces.ask(space.space, cmd.RequestToSpeak(ALICE, WallClock().now_ms()))
    page = world.feed(space, token=secrets.get(role), name="Maria")
    feed = await stack.enter_async_context(page)
    await feed.next("hello")
    return space, feed


@pytest.mark.parametrize("case", VERBS, ids=lambda case: "-".join(map(str, case.frame.values())))
async def test_a_verb_obeys_those_whom_the_commands_obey(world: WebWorld, case: Verb) -> None:
    for role in sorted(case.allowed):
        async with AsyncExitStack() as stack:
            space, feed = await live_feed(world, stack, role)
            for command in case.before:
                await world.spaces.ask(space.space, command)
            assert not seen_in(world, space, case)
            await feed.send(**case.frame)
            await until(lambda at=space: seen_in(world, at, case))  # type: ignore[misc]
        if world.view(space.space).phase is not Phase.ENDED:
            await world.spaces.ask(space.space, cmd.EndSpace(None, 0))
        await world.ban_lists.unblock(HOST, ALICE)


def seen_in(world: WebWorld, space: LiveSpace, case: Verb) -> bool:
    try:
        return case.seen(world.view(space.space))
    except LookupError:
        return False


OTHERS = [(case, role) for case in VERBS for role in ROLES if role not in case.allowed]


@pytest.mark.parametrize(
    ("case", "role"),
    OTHERS,
    ids=[f"{case.frame['type']}-{role}" for case, role in OTHERS],
)
async def test_a_verb_refuses_all_others_in_words(world: WebWorld, case: Verb, role: str) -> None:
    async with AsyncExitStack() as stack:
        space, feed = await live_feed(world, stack, role)
        for command in case.before:
            await world.spaces.ask(space.space, command)
        before = world.view(space.space)
        await feed.send(**case.frame)
        error = await feed.next("error")
        assert error["code"] in {"not_moderator", "not_host"}
        assert str(error["text"]).endswith(".")
        assert world.view(space.space) == before


async def test_cohosts_do_not_touch_the_host_or_each_other(world: WebWorld) -> None:
    other = UserId("@dora:example.org")
    async with AsyncExitStack() as stack:
        space, feed = await live_feed(world, stack, "cohost")
        await world.member(space.space, other, 60)
        for kind in ("remove", "block", "demote", "mute"):
            for user in (HOST, other):
                await feed.send(type=kind, user=user)
                await refused(feed, "too_high")
        assert not world.view(space.space).removed
        assert await world.storage.blocks.all() == []


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"type": "record", "on": True}, "not_built"),
        ({"type": "accept"}, "not_invited"),
        ({"type": "decline"}, "not_invited"),
        ({"type": "queue-order", "order": "beauty"}, "bad_frame"),
        ({"type": "policy", "policy": "mine"}, "bad_frame"),
        ({"type": "guests", "policy": 7}, "bad_frame"),
        ({"type": "chat-mode"}, "bad_frame"),
        ({"type": "mute"}, "bad_frame"),
        ({"type": "volume", "user": SPEAKER}, "bad_frame"),
        ({"type": "volume", "user": SPEAKER, "percent": True}, "bad_frame"),
        ({"type": "volume", "user": SPEAKER, "percent": "80"}, "bad_frame"),
        ({"type": "mute", "all": "yes"}, "bad_frame"),
        ({"type": "remove", "user": "Bob"}, "bad_user"),
        ({"type": "block", "user": "@*:example.org"}, "bad_user"),
        ({"type": "block", "user": "@\ud800:example.org"}, "bad_user"),
        ({"type": "block", "user": "@\u202enimda:example.org"}, "bad_user"),
        ({"type": "block", "user": "@a\x00:example.org"}, "bad_user"),
        ({"type": "block", "user": "@a:" + "b" * 300}, "bad_user"),
        ({"type": "remove", "user": BOB, "reason": "x" * 5000}, "too_long"),
        ({"type": "unblock", "user": BOB}, "not_blocked"),
        ({"type": "reschedule", "at": True}, "bad_frame"),
        ({"type": "reschedule", "at": EVENING_MS}, "already_live"),
        ({"type": "unschedule"}, "unschedule_live"),
        ({"type": "captions", "on": True, "language": "Klingon"}, "bad_language"),
        ({"type": "title", "title": "  "}, "no_title"),
        ({"type": "share", "url": "javascript:alert(1)"}, "bad_link"),
        ({"type": "share", "url": "https://example.org and more"}, "one_link"),
        ({"type": "share", "url": 7}, "bad_frame"),
        ({"type": "report", "user": BOB, "reason": " \n "}, "no_reason"),
        ({"type": "report", "user": "@no:one", "reason": "x"}, "unknown_person"),
        ({"type": "report", "user": HOST, "reason": "x"}, "oneself"),
        ({"type": "follow"}, "oneself"),
        ({"type": "follow", "user": "@spaces_0123:example.org"}, "is_guest"),
        ({"type": "invite", "user": BOB}, "already_here"),
        ({"type": "invite", "user": "@spaces_0123:example.org"}, "guest_invited"),
        ({"type": ["block"], "user": BOB}, "unknown"),
    ],
)
async def test_what_makes_no_sense_is_refused_to_the_host_too(
    world: WebWorld, frame: dict[str, object], code: str
) -> None:
    async with AsyncExitStack() as stack:
        space, feed = await live_feed(world, stack, "host")
        before = world.view(space.space)
        await feed.send(**frame)
        await refused(feed, code)
        assert world.view(space.space) == before


async def test_who_is_brought_accepts_or_declines_on_the_page(world: WebWorld) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        secret = await world.link(space.space, BOB)
        bob = await stack.enter_async_context(world.feed(space, token=secret))
        await bob.next("hello")
        await host.send(type="bring", user=BOB)
        await until_role(bob, invited=True, hand=None)
        await bob.send(type="decline")
        await until_role(bob, invited=False)
        assert "Bob" in str((await host.next("notice"))["text"])
        await host.send(type="bring", user=BOB)
        await until_role(bob, invited=True)
        await bob.send(type="accept")
        await until_role(bob, invited=False, hand="accepted")


async def test_a_mute_by_the_host_is_told_and_the_own_microphone_stays_shut(
    world: WebWorld,
) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        secret = await world.link(space.space, SPEAKER)
        speaker = await stack.enter_async_context(world.feed(space, token=secret))
        await speaker.next("hello")
        await host.send(type="mute", user=SPEAKER)
        assert "muted you" in str((await speaker.next("notice"))["text"])
        await until_role(speaker, muted=True, may_speak=False)
        await speaker.send(type="mute", muted=False)
        await refused(speaker, "no_microphone")
        [entry] = [e for e in await stage_of(host, "muted") if e["id"] == SPEAKER]
        assert entry["muted"] is True
        await host.send(type="unmute", user=SPEAKER)
        assert "switch your microphone on" in str((await speaker.next("notice"))["text"])
        await until_role(speaker, muted=False, may_speak=True, on_air=False)


async def stage_of(feed: Feed, flag: str) -> list[dict[str, object]]:
    """The stage of the first roster on which somebody has this flag."""
    while True:
        stage = (await feed.next("roster"))["stage"]
        assert isinstance(stage, list)
        if any(entry[flag] for entry in stage):
            return stage


async def test_who_has_handed_over_is_no_host_any_more_whatever_the_level(
    world: WebWorld,
) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        await host.send(type="host", user=BOB)
        await until(lambda: BOB in world.view(space.space).appointments)
        await world.levels(space.space, {BOB: 90})
        await until_role(host, role="cohost", may_end=False)
        await host.send(type="end")
        await refused(host, "not_host")


async def test_everybody_in_the_queue_knows_their_place(world: WebWorld) -> None:
    async with AsyncExitStack() as stack:
        space, bob = await live_feed(world, stack, "listener")
        await bob.send(type="hand", raised=True)
        await until_role(bob, hand="pending", queue_place=2)
        await world.spaces.ask(space.space, cmd.CancelRequest(ALICE))
        await until_role(bob, hand="pending", queue_place=1)
        await bob.send(type="hand", raised=False)
        await until_role(bob, hand=None, queue_place=None)


async def test_the_queue_shows_who_spoke_least_first(world: WebWorld) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        await world.caption(space.space, ALICE, "I have spoken before.")
        await world.spaces.ask(space.space, cmd.RequestToSpeak(BOB, WallClock().now_ms()))
        await host.send(type="queue-order", order="airtime")
        await until(lambda: [h.user for h in world.view(space.space).hands] == [BOB, ALICE])
        while True:
            queue = (await host.next("roster"))["queue"]
            assert isinstance(queue, list)
            if [hand["id"] for hand in queue] == [BOB, ALICE]:
                return


async def test_a_scheduled_space_is_planned_on_the_page(world: WebWorld) -> None:
    space = await world.create(live=False)
    async with world.feed(space, token=await world.link(space.space, HOST)) as host:
        await host.next("hello")
        await host.send(type="reschedule", at=EVENING_MS)
        about = (await host.next("space"))["space"]
        assert isinstance(about, dict)
        assert about["scheduled_at"] == EVENING_MS
        await host.send(type="unschedule")
        about = (await host.next("space"))["space"]
        assert isinstance(about, dict)
        assert about["state"] == "ended"


async def test_what_is_changed_about_the_space_reaches_every_page(world: WebWorld) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        page = await stack.enter_async_context(world.feed(space))
        hello = await page.next("hello")
        before = hello["space"]
        assert isinstance(before, dict)
        changes: list[tuple[dict[str, object], str, object]] = [
            ({"type": "lock"}, "locked", True),
            ({"type": "chat-mode", "on": False}, "chat", False),
            ({"type": "policy", "policy": "invited"}, "speak_policy", "invited"),
            ({"type": "guests", "policy": "listen"}, "guests", "listen"),
            ({"type": "title", "title": "Late hour"}, "title", "Late hour"),
        ]
        for frame, key, value in changes:
            assert before[key] != value
            await host.send(**frame)
            about = (await page.next("space"))["space"]
            assert isinstance(about, dict)
            assert about[key] == value


async def test_posts_reach_every_page_and_the_newest_five_are_kept(world: WebWorld) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        page = await stack.enter_async_context(world.feed(space))
        await page.next("hello")
        for number in range(1, 7):
            await host.send(type="share", url=f"https://example.org/{number}")
            post = await page.next("post")
            assert (post["number"], post["url"]) == (number, f"https://example.org/{number}")
            assert (post["by"], post["name"]) == (HOST, "Host")
            assert (post["kind"], post["site"]) == ("link", "example.org")
        late = await stack.enter_async_context(world.feed(space))
        about = (await late.next("hello"))["space"]
    assert isinstance(about, dict)
    assert [post["number"] for post in about["posts"]] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize("here", ["#spaces_SLUG:example.org", "ROOM"])
async def test_a_message_of_the_room_is_known_by_its_link_as_in_the_command(
    world: WebWorld, here: str
) -> None:
    async with AsyncExitStack() as stack:
        space, host = await live_feed(world, stack, "host")
        room = here.replace("SLUG", space.slug).replace("ROOM", str(space.room))
        for number, (link, kind) in enumerate(
            (
                (f"https://matrix.to/#/{room}/$said?via=example.org", "message"),
                (f"<https://matrix.to/#/{quote(room)}/{quote('$again')}>", "message"),
                ("https://matrix.to/#/!elsewhere:example.org/$said", "link"),
                (f"https://matrix.to/#/{room}", "link"),
                ("example.org/recipe", "link"),
            ),
            start=1,
        ):
            await host.send(type="share", url=link)
            post = await host.next("post")
            assert (post["number"], post["kind"]) == (number, kind)
            assert str(post["url"]).startswith("https://")
        events = [post.event for post in world.view(space.space).posts]
    assert events == ["$said", "$again", None, None, None]
