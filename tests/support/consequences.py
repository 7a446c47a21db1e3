"""Each kind of event in live spaces of many looks, and a record of all that follows from it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce

import pytest

from spaces_bridge.app import policies
from spaces_bridge.app.chat import ChatLine
from spaces_bridge.core import events as ev
from spaces_bridge.core.access import GuestPolicy, Removal
from spaces_bridge.core.evolution import born, evolve
from spaces_bridge.core.floor import Doubt, QueueOrder, RequestState, SpeakPolicy, SpeakRequest
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId, UtteranceId
from spaces_bridge.core.live_space import CaptionLine, LiveSpace, Person, Phase, Post
from spaces_bridge.core.roles import Role
from spaces_bridge.core.rules import create
from spaces_bridge.web import views
from spaces_bridge.web.feed import channel
from spaces_bridge.web.feed.channel import Client
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.feed.outgoing import Outgoing
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You
from tests.support.recorder import Recorder
from tests.support.spaces import BEN, CREATE, EVE, GUEST, HOST, ROOM

CAT = UserId("@cat:example.org")
DAN = UserId("@dan:elsewhere.net")
FAY = UserId("@fay:example.org")
GIL = UserId("@gil:example.org")
NEW = UserId("@new:elsewhere.net")
WAITING = UserId("@spaces_1111111111111111:example.org")
COMING = UserId("@spaces_2222222222222222:example.org")
SPEAKERS_AND_OTHERS = (HOST, BEN, CAT, DAN, EVE, FAY, GUEST, WAITING, COMING, NEW)
"""The host, a speaker, a co-host, a muted speaker, a hand, somebody removed, and guests."""


# --- live spaces --------------------------------------------------------------------------------


def situations() -> Mapping[str, LiveSpace]:
    """Live spaces to which something happens, by name."""
    bare = born(create(CREATE))
    planned = replace(
        bare,
        room=ROOM,
        community=RoomId("!community"),
        scheduled_at_ms=9_000_000,
        reminded=frozenset({BEN, EVE}),
        people={HOST: Person(HOST, "Ada", joined=True, level=90), BEN: Person(BEN, "Ben")},
    )
    live = replace(
        planned,
        phase=Phase.LIVE,
        started_at_ms=2_000,
        people=_people(),
        requests={
            EVE: SpeakRequest(EVE, 10, reaction=EventId("$hand")),
            WAITING: SpeakRequest(WAITING, 11),
            COMING: SpeakRequest(COMING, 12, RequestState.ACCEPTED),
        },
        offers={NEW: HOST},
        muted=frozenset({DAN}),
        microphones=frozenset({HOST, BEN, GUEST}),
        cohost_seniority=(CAT,),
        appointments={EVE: Role.COHOST},
        removed={FAY: Removal(HOST, "rude", blocked=False), GIL: Removal(None, "", blocked=True)},
        posts=(Post(1, "https://example.org/", None, HOST, "Ada", 3),),
        posts_shared=1,
        caption_lines=(CaptionLine(UtteranceId("u0"), BEN, "Ben", 0, 9, "Hello.", "en"),),
        captions_said=1,
        airtime_ms={BEN: 9},
    )
    return {
        "bare": bare,
        "planned": planned,
        "planned, private": replace(planned, private=True),
        "live": live,
        "live, private": replace(live, private=True),
        "live, without a community": replace(live, community=None, reminded=frozenset()),
        "live, by airtime": replace(live, queue_order=QueueOrder.AIRTIME),
        "live, host missed": replace(live, host_missed_at_ms=5, host_left_page=True),
        "live, host missed by nobody": replace(
            live, host_missed_at_ms=5, people={HOST: Person(HOST, "Ada")}
        ),
        "live, without captions": replace(live, captions=False),
        "live, closing": replace(
            live,
            closing=frozenset({BEN, GUEST}),
            doubts=frozenset({(CAT, Doubt.LEVEL)}),
            overruled={DAN: 10},
        ),
        "live, room lost": replace(live, room=None),
        "ended": replace(live, phase=Phase.ENDED, ended_at_ms=9_000, requests={}, offers={}),
    }


def _people() -> Mapping[UserId, Person]:
    people = (
        Person(HOST, "Ada", joined=True, level=90),
        Person(BEN, "Ben", joined=True, level=10),
        Person(CAT, "Cat", joined=True, level=60),
        Person(DAN, "Dan", joined=True, level=10),
        Person(EVE, "Eve", joined=True),
        Person(FAY, "Fay"),
        Person(GUEST, "Zoe (guest)", joined=True, guest=True, level=10),
        Person(WAITING, "Wim", guest=True),
        Person(COMING, "Eva", guest=True),
    )
    return {person.user: person for person in people}


# --- what happens -------------------------------------------------------------------------------


def happenings() -> Mapping[str, Sequence[ev.Event]]:
    """Some events of each kind, by the name of the kind."""
    found: dict[str, list[ev.Event]] = {}
    for event in [*_of_the_whole(), *_said()]:
        found.setdefault(type(event).__name__, []).append(event)
    for user in SPEAKERS_AND_OTHERS:
        for event in [*_of_person(user), *_of_floor(user)]:
            found.setdefault(type(event).__name__, []).append(event)
    return found


def _of_the_whole() -> Iterator[ev.Event]:
    yield ev.RoomAttached(ROOM)
    yield ev.SpaceStarted(HOST, 4_000)
    yield ev.SpaceEnded(HOST, 9_000, "")
    yield ev.SpaceEnded(None, 9_000, "the host is gone")
    yield ev.SpaceEnded(None, 9_000, "")
    yield ev.SpaceRescheduled(99_000_000, 5)
    yield ev.SpaceRetitled("Another talk")
    yield ev.SpeakPolicyChanged(SpeakPolicy.EVERYONE)
    for on in (True, False):
        yield ev.CaptionsSwitched(on, "en")
        yield ev.ChatSwitched(on)
    yield ev.SpaceLocked(HOST)
    yield ev.SpaceUnlocked(CAT)
    for policy in GuestPolicy:
        yield ev.GuestsLimited(policy)
    for kind in ev.Reminder:
        yield ev.ReminderDue(kind)
    yield ev.HostMissed(7)
    yield ev.QueueCleared(HOST, (EVE, WAITING), (EventId("$hand"),))
    yield ev.QueueReordered(QueueOrder.AIRTIME)


def _said() -> Iterator[ev.Event]:
    for user in (BEN, GUEST, NEW):
        yield ev.UtteranceCaptioned(UtteranceId("u1"), user, "Then", 20, 90, "Words.", "en")
    yield ev.ReactionsCounted({"👏": 3})
    for about in (None, EventId("$message")):
        yield ev.PostShared(2, "https://example.org/x", about, CAT, "Cat", 8)


def _of_person(user: UserId) -> Iterator[ev.Event]:
    yield ev.ReminderWanted(user)
    yield ev.ReminderDropped(user)
    yield ev.HostLeftPage(user)
    yield ev.HostReturned(user)
    for name in ("Ben", "Zoe", "Wim"):
        yield ev.PersonJoined(user, name)
    yield ev.PersonLeft(user)
    for level, role in ((None, Role.LISTENER), (10, Role.SPEAKER), (60, Role.COHOST)):
        yield ev.LevelChanged(user, level, role)
        yield ev.RoleAppointed(user, role, HOST)
    for by in (None, CAT):
        yield ev.LevelOverruled(user, 50, None, by, "no live role has it")
        yield ev.PersonReadmitted(user, by)
    for reason in ("M_FORBIDDEN", "called off"):
        yield ev.AppointmentEnded(user, reason)
    yield ev.HostChanged(user, HOST)
    for in_force in (True, False):
        yield ev.PersonRemoved(user, HOST, "rude", blocked=in_force, in_force=in_force)
    yield ev.RemovalInForce(user)
    yield ev.LevelForfeited(user)
    yield ev.PersonInvited(user, BEN)


def _of_floor(user: UserId) -> Iterator[ev.Event]:
    guest = user.startswith("@spaces_")
    for reaction in (None, EventId("$hand")):
        yield ev.SpeakRequested(user, 5, "Name", guest, reaction)
        yield ev.SpeakRequestWithdrawn(user, reaction)
        yield ev.SpeakerApproved(user, HOST if reaction else None, reaction, 6)
        yield ev.SpeakerDenied(user, CAT, reaction)
        yield ev.Reacted(user, "👏", reaction)
    yield ev.SpeakerInvited(user, HOST)
    yield ev.SpeakInvitationDeclined(user, HOST)
    yield ev.SpeakerMuted(user, HOST)
    yield ev.SpeakerUnmuted(user, HOST)
    yield ev.VolumeSet(user, HOST, 80)
    yield ev.VolumeSet(user, HOST, None)
    yield ev.GrantRefused(user, "M_FORBIDDEN")
    for end in ev.FloorEnd:
        yield ev.FloorClosing(user, HOST, end)
    yield ev.FloorClosing(user, user, ev.FloorEnd.REVOKED)
    for doubt in Doubt:
        yield ev.FloorDoubted(user, doubt)
        yield ev.FloorLookedInto(user, doubt)
    yield ev.MicrophoneOpened(user)
    for why in ev.MicrophoneEnd:
        yield ev.MicrophoneClosed(user, why)


# --- what follows -------------------------------------------------------------------------------


def calls_of(space: LiveSpace, event: ev.Event) -> list[object]:
    """What the ports are told after an event, with a line of everybody's in the chat."""
    recorder = Recorder()
    world = recorder.context()
    for user in SPEAKERS_AND_OTHERS:
        world.chat.add(space.space, ChatLine(f"line of {user}", user, "Name", "Words", 1))
    policies.tell(world, space, event)
    return [[str(part) for part in call] for call in recorder.calls]


@dataclass
class Pages:
    """The pages of a live space: two of accounts, two of guests, one of nobody, and a log."""

    log: list[object] = field(default_factory=list)

    def arrived(self, space: SpaceId, you: You) -> None:
        """Nobody asks when it was."""

    def gone(self, space: SpaceId, you: You) -> None:
        """Nobody asks when it was."""

    def left(self, space: SpaceId, user: UserId) -> None:
        self.log.append([f"watchers of {user}", "left"])

    def removed(self, space: SpaceId, user: UserId) -> None:
        self.log.append([f"watchers of {user}", "removed"])

    def watched(self, hub: Hub, space: LiveSpace) -> None:
        """Open the pages, and forget what they were sent by that."""
        settings = WebSettings()
        hub.about = lambda now: views.space_view(now, settings, "example.org")
        hub.new_host = lambda now: self.log.append(["watchers of the host", "changed"])
        hub.watch(self)
        for user in (HOST, BEN, EVE, NEW, GUEST, WAITING, None):
            guest = user is None or user.startswith("@spaces_")
            hub.join(space, Client(You(user, "Name", guest), Page(user or "nobody", self)), None)
        self.log.clear()


class Page(Outgoing):
    """What one page is sent is written down."""

    def __init__(self, name: str, pages: Pages) -> None:
        super().__init__()
        self._name = name
        self._pages = pages

    def put(self, frame: bytes, *, fades: bool = False) -> None:
        start = frame.index(b"{")
        self._pages.log.append([self._name, json.loads(frame[start:]), fades])

    def close(self, code: int, reason: str) -> None:
        self._pages.log.append([self._name, code, reason])


class Unthrottled:
    """Does what is asked for at once, every time."""

    def __init__(self, _interval_s: float, action: Callable[[], None]) -> None:
        self.poke = action

    def stop(self) -> None:
        """Nothing runs."""


def pages_of(
    patch: pytest.MonkeyPatch, space: LiveSpace, events: Sequence[ev.Event]
) -> list[object]:
    """What pages are sent after events, page by page in a fixed order."""
    patch.setattr(channel, "Throttle", Unthrottled)
    hub, pages = Hub(), Pages()
    pages.watched(hub, space)
    hub.changed(reduce(evolve, events, space), events)
    return sorted(pages.log, key=lambda entry: str(entry[0]) if isinstance(entry, list) else "")


def recorded(follow: Callable[[], list[object]]) -> object:
    """What follows, or by which error an event that cannot have happened is noticed."""
    try:
        return follow()
    except (AssertionError, KeyError) as error:
        return type(error).__name__


# --- in short ------------------------------------------------------------------------------------


IN_SHORT = ("planned", "live", "live, private")
"""Enough to tell most changes; the rest was compared once."""


def shapes(patch: pytest.MonkeyPatch) -> dict[str, list[str]]:
    """The different ways in which each kind of event is followed, in short."""
    spaces = [situations()[name] for name in IN_SHORT]
    return {
        kind: sorted({_shape(patch, space, e) for space in spaces for e in _few(events)})
        for kind, events in sorted(happenings().items())
    }


def _few(events: Sequence[ev.Event]) -> list[ev.Event]:
    """Those about a speaker, somebody with a hand up, and a guest; all about nobody."""
    return [e for e in events if getattr(e, "user", BEN) in (BEN, EVE, GUEST)]


def _shape(patch: pytest.MonkeyPatch, space: LiveSpace, event: ev.Event) -> str:
    parts = (
        recorded(lambda: [task.kind for task in policies.effects_of(space, event, 7, 1_000, 500)]),
        recorded(lambda: [call[0] for call in calls_of(space, event) if isinstance(call, list)]),
        recorded(lambda: _sent(pages_of(patch, space, [event]))),
    )
    told = (" ".join(map(str, part)) if isinstance(part, list) else str(part) for part in parts)
    return " | ".join(told).strip()


def _sent(log: Sequence[object]) -> list[object]:
    """The kinds of frames, with the codes of notices, and how many pages got each."""
    counted: dict[str, int] = {}
    for entry in log:
        assert isinstance(entry, list)
        said = entry[1]
        named = isinstance(said, dict)
        name = f"{said['type']}:{said.get('code', '')}".rstrip(":") if named else f"({said})"
        counted[name] = counted.get(name, 0) + 1
    return [f"{name}×{count}" for name, count in sorted(counted.items())]


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as context:
        print(json.dumps(shapes(context), indent=1, ensure_ascii=False))  # noqa: T201
