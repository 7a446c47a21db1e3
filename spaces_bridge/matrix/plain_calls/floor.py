"""The floor in one plain call, as a state machine: what a key means, and when a caller is heard.

Pure. The live space decides who has the floor; this decides only whether the person *wants* to be
heard by this telephone: they asked in this call, or pressed the key when they had the floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final, TypeAlias

from spaces_bridge.core.events import MicrophoneEnd
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.prompts import Prompt

NOTHING: Final[Sequence["Act"]] = ()
HAND_KEYS: Final = frozenset({"*", "1"})


class FloorStanding(Enum):
    """The standing of a caller in the live space."""

    LISTENER = "listener"
    MUTED = "muted"
    """With the floor, but muted by a host."""
    FLOOR = "floor"


def standing_of(space: LiveSpace, user: UserId) -> FloorStanding:
    """Return the standing of a person. A doubt about the floor takes it from nobody yet."""
    has_floor = (
        space.role(user).may_speak
        and space.person(user).joined
        and user not in space.closing
        and user not in space.removed
    )
    if not has_floor:
        return FloorStanding.LISTENER
    return FloorStanding.MUTED if user in space.muted else FloorStanding.FLOOR


@dataclass(frozen=True, slots=True)
class Floor:
    """The floor as one call has it.

    `wanted`: the person wants to be heard by this call. `opening`: they are as soon as the prompt
    that says so is over. `is_open`: the microphone is open, or asked for. `is_muted`, `is_held`:
    at the client. `suspected`: it was closed by a doubt, and opens when that is over.
    """

    standing: FloorStanding = FloorStanding.LISTENER
    wanted: bool = False
    opening: bool = False
    is_open: bool = False
    is_muted: bool = False
    is_held: bool = False
    suspected: bool = False

    @property
    def may_open(self) -> bool:
        """True when nothing but the live space keeps the person from being heard."""
        return (
            self.wanted
            and self.standing is FloorStanding.FLOOR
            and not (self.is_muted or self.is_held or self.is_open)
        )


# --- what comes in ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pressed:
    """The person pressed the key, or sent ✋.

    `hand`: theirs is up. `offered`: they are invited to speak. `on_air`: their microphone is open.
    """

    hand: bool = False
    offered: bool = False
    on_air: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """The live space as it is now."""

    standing: FloorStanding
    is_doubted: bool = False


@dataclass(frozen=True, slots=True)
class Closed:
    """The live space has closed the person's microphone."""

    why: MicrophoneEnd


@dataclass(frozen=True, slots=True)
class AtClient:
    """The client's own state; None: as before."""

    is_muted: bool | None = None
    is_held: bool | None = None


@dataclass(frozen=True, slots=True)
class PromptOver:
    """A prompt was heard to its end, or will not be."""

    prompt: str


@dataclass(frozen=True, slots=True)
class HandTaken:
    """The live space has the person's hand; or it had given them the floor by then."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The live space has refused what the person asked, for a reason that is written to them."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The person's hand is down without a floor: a host declined, or it was lowered elsewhere."""


@dataclass(frozen=True, slots=True)
class NotOpened:
    """The live space did not open the microphone, or has closed it again."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """The person's microphone is another one of theirs now, by their own act there, or none."""


Input: TypeAlias = (
    Pressed
    | Seen
    | Closed
    | AtClient
    | PromptOver
    | HandTaken
    | Refused
    | Declined
    | NotOpened
    | Silenced
)


# --- what is to be done -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Say:
    """Play a prompt, and write it."""

    prompt: Prompt


class Do(Enum):
    """An act towards the live space."""

    ASK = "ask"
    LOWER = "lower"
    ACCEPT = "accept"
    OPEN = "open"
    CLOSE = "close"


Act: TypeAlias = Say | Do


def step(floor: Floor, said: Input) -> tuple[Floor, Sequence[Act]]:  # noqa: C901 - an arm each
    """Return the floor after what came in, and what is to be done, in order."""
    match said:
        case Pressed():
            return _pressed(floor, said)
        case Seen():
            return _seen(floor, said)
        case AtClient():
            return _at_client(floor, said)
        case Closed(why):
            suspected = why is MicrophoneEnd.SUSPECTED and floor.is_open
            return replace(floor, is_open=False, suspected=suspected), NOTHING
        case PromptOver(prompt):
            if prompt != Prompt.FLOOR_GRANTED or not floor.opening:
                return floor, NOTHING
            return _opened(replace(floor, opening=False))
        case HandTaken():
            return floor, (
                () if floor.standing is FloorStanding.FLOOR else (Say(Prompt.HAND_RAISED),)
            )
        case Refused():
            return replace(floor, wanted=False, opening=False), (Say(Prompt.REFUSED),)
        case Declined():
            asked = floor.wanted and floor.standing is not FloorStanding.FLOOR
            return (replace(floor, wanted=False) if asked else floor), NOTHING
        case NotOpened():
            return replace(floor, is_open=False), NOTHING
        case Silenced():
            return _quiet(floor), NOTHING


def _quiet(floor: Floor) -> Floor:
    """Return the floor of who does not want to be heard by this call."""
    return replace(floor, wanted=False, opening=False, is_open=False, suspected=False)


def _pressed(floor: Floor, said: Pressed) -> tuple[Floor, Sequence[Act]]:
    if floor.standing is FloorStanding.FLOOR:
        if (floor.is_open and said.on_air) or floor.opening:
            closing = (Do.CLOSE,) if floor.is_open else ()
            return _quiet(floor), (*closing, Say(Prompt.MICROPHONE_OFF))
        return _granted(replace(floor, wanted=True, is_open=False))
    if said.hand:
        return replace(floor, wanted=False), (Do.LOWER, Say(Prompt.HAND_LOWERED))
    asked = replace(floor, wanted=True)
    if said.offered and floor.standing is FloorStanding.LISTENER:
        return asked, (Do.ACCEPT,)
    return asked, (Do.ASK,)


def _seen(floor: Floor, said: Seen) -> tuple[Floor, Sequence[Act]]:
    before, now = floor.standing, said.standing
    floor = replace(floor, standing=now)
    if now is before:
        if floor.suspected and not said.is_doubted:
            return _opened(replace(floor, suspected=False))
        return floor, NOTHING
    match now:
        case FloorStanding.FLOOR:
            return _granted(floor) if floor.wanted else (floor, (Say(Prompt.FLOOR_OFFERED),))
        case FloorStanding.MUTED:
            said_so = (Say(Prompt.MUTED_BY_HOST),) if before is FloorStanding.FLOOR else ()
            return _quiet(floor), said_so
        case FloorStanding.LISTENER:
            return _quiet(floor), (Say(Prompt.FLOOR_TAKEN),)


def _granted(floor: Floor) -> tuple[Floor, Sequence[Act]]:
    """Say that the person is heard, and let that come true when it was said."""
    if floor.is_muted:
        return floor, (Say(Prompt.UNMUTE),)
    return replace(floor, opening=True), (Say(Prompt.FLOOR_GRANTED),)


def _at_client(floor: Floor, said: AtClient) -> tuple[Floor, Sequence[Act]]:
    now = replace(
        floor,
        is_muted=floor.is_muted if said.is_muted is None else said.is_muted,
        is_held=floor.is_held if said.is_held is None else said.is_held,
    )
    if now == floor:
        return floor, NOTHING
    if now.is_open and (now.is_muted or now.is_held):
        return replace(now, is_open=False), (Do.CLOSE,)
    return (now, NOTHING) if now.opening else _opened(now)


def _opened(floor: Floor) -> tuple[Floor, Sequence[Act]]:
    return (replace(floor, is_open=True), (Do.OPEN,)) if floor.may_open else (floor, NOTHING)
