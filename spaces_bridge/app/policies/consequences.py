"""The consequences of events, as values: each event has one row of them in `table`.

The app says *what became untrue, for whom, and who is told what*; frames, cards and room state are
the adapters' own. Each kind of change here is a small closed union, so that the type checker holds
an adapter that translates it to all of it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, Flag, auto
from typing import TypeVar

from spaces_bridge.app.context import AppContext
from spaces_bridge.app.tasks import OutboxTask
from spaces_bridge.core.events import Event
from spaces_bridge.core.ids import EventId, UserId, UtteranceId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.sentences import Sentence


class Stale(Flag):
    """The copies of a live space on Matrix that an event makes stale: they are written anew."""

    NOTHING = 0
    ARRANGEMENT = auto()
    """The levels that the room asks for each kind of event, and its join rule."""
    STATE = auto()
    """The room's `io.spacesbridge.live`, name, topic and avatar."""
    LISTING = auto()
    """The entry in the bridge's directory."""
    BUBBLE = auto()
    """The small card in the community's room."""
    CARD = auto()
    """The live card."""
    PLAN = STATE | LISTING | BUBBLE | CARD
    """The copies that name title, time or phase."""
    ROLES = STATE | BUBBLE | CARD
    """The copies that name host, co-hosts and speakers."""


# --- changes that pages show ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unseen:
    """Pages show nothing of the event."""


@dataclass(frozen=True, slots=True)
class StageChanged:
    """The stage, the hand queue or the live space itself looks different on every page."""


@dataclass(frozen=True, slots=True)
class PersonMoved:
    """A person came or went: a listener changes a count only, others the stage."""

    user: UserId


@dataclass(frozen=True, slots=True)
class CaptionAdded:
    """One utterance is final; it may also move the hand queue, which can be ordered by airtime."""

    utterance: UtteranceId


@dataclass(frozen=True, slots=True)
class ReactionsAdded:
    """Pages let these reactions rise."""

    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PostAdded:
    """A link was shared; `number` counts the posts of the live space."""

    number: int


PageChange = Unseen | StageChanged | PersonMoved | CaptionAdded | ReactionsAdded | PostAdded


# --- changes of the access to pages --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AccessKept:
    """Everybody on the page may stay."""


@dataclass(frozen=True, slots=True)
class RoomLeft:
    """The person is not in the room any more, and so not on the page of a private live space."""

    user: UserId


@dataclass(frozen=True, slots=True)
class AccessRevoked:
    """The person may not follow this live space any more."""

    user: UserId


@dataclass(frozen=True, slots=True)
class GuestsExcluded:
    """Nobody may follow the live space who does not belong to the room."""


@dataclass(frozen=True, slots=True)
class BlockListChanged:
    """Another person hosts, whose block list counts from now on."""


AccessChange = AccessKept | RoomLeft | AccessRevoked | GuestsExcluded | BlockListChanged


class Everybody(Enum):
    """The mark of an event that concerns all people, not some."""

    EVERYBODY = auto()


Concerned = tuple[UserId, ...] | Everybody

Notice = tuple[UserId | None, Sentence]
"""A sentence for the pages of one person. None: for all pages."""


# --- one row -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Consequences:
    """The row of consequences: everything that follows from one event."""

    stale: Stale
    pages: PageChange
    rights_of: Concerned
    """The people whose pages are told their own role, hand and microphone anew."""
    access: AccessChange
    expires: EventId | None
    """A Matrix event that is redacted when the time of reactions is over."""
    tasks: Callable[[LiveSpace], Iterator[OutboxTask]]
    """The outbox tasks, given the live space before the event; stored with it."""
    calls: Callable[[AppContext, LiveSpace], None]
    """The calls of ports that keep nothing (stage, captioner, ban lists); safe to repeat."""
    notices: Callable[[LiveSpace, LiveSpace], Iterator[Notice]]
    """The notices on pages, given the live space before the event and as it is now."""


_E = TypeVar("_E", bound=Event)


def _no_tasks(_before: LiveSpace, _event: Event) -> Iterator[OutboxTask]:
    yield from ()


def _no_calls(_context: AppContext, _before: LiveSpace, _event: Event) -> None:
    """Tell no port."""


def _no_notices(_before: LiveSpace, _now: LiveSpace, _event: Event) -> Iterator[Notice]:
    yield from ()


def row(
    event: _E,
    stale: Stale,
    pages: PageChange,
    rights_of: Concerned,
    *,
    tasks: Callable[[LiveSpace, _E], Iterator[OutboxTask]] = _no_tasks,
    calls: Callable[[AppContext, LiveSpace, _E], None] = _no_calls,
    notices: Callable[[LiveSpace, LiveSpace, _E], Iterator[Notice]] = _no_notices,
    access: AccessChange = AccessKept(),
    expires: EventId | None = None,
) -> Consequences:
    """Return the row of `event`; what it changes is required, what it leads to has defaults."""
    return Consequences(
        stale,
        pages,
        rights_of,
        access,
        expires,
        tasks=lambda before: tasks(before, event),
        calls=lambda context, before: calls(context, before, event),
        notices=lambda before, now: notices(before, now, event),
    )
