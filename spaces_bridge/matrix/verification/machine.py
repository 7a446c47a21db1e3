"""The state machine of one verification by SAS: a state and a message in, state and messages out.

Pure, but that `fresh` makes ephemeral keys. The other side may be anybody: nothing is raised, and
whatever is out of turn or wrong ends the verification with a code. Both roles are here: they start
and we accept, or we start (`begin`) and they accept.

    Ready ── their start ──> Accepting ── their key ──┐
      └── our start ──> Offered ── accept ──> Keyed ──┴─> Comparing ── their MACs ──> Confirmed
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from vodozemac import Sas

from spaces_bridge.app.verification_ports import SasCode
from spaces_bridge.matrix.verification import sas as crypto
from spaces_bridge.matrix.verification.heard import (
    Accept,
    Cancel,
    Done,
    EphemeralKey,
    Heard,
    InvalidMessage,
    Mac,
    Start,
)
from spaces_bridge.matrix.verification.values import (
    PREFIX,
    SAS_METHOD,
    CancelCode,
    Exchange,
    OutgoingVerification,
    cancellation,
)

Fresh = Callable[[], Sas]


@dataclass(frozen=True, slots=True)
class Ready:
    """The request was accepted; nobody has started a method."""

    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Offered:
    """Our start is out; `start` is its content."""

    exchange: Exchange
    start: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Accepting:
    """We accepted their start, committed to a key, and wait for theirs."""

    exchange: Exchange
    choice: crypto.SasChoice
    sas: Sas
    key: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """They accepted our start and committed to a key; ours is out, theirs is waited for."""

    exchange: Exchange
    start: Mapping[str, Any]
    choice: crypto.SasChoice
    sas: Sas
    key: str
    commitment: str


@dataclass(frozen=True, slots=True)
class Comparing:
    """People compare the code; their client sends MACs when they say that it is the same."""

    exchange: Exchange
    choice: crypto.SasChoice
    secret: crypto.SharedSecret
    code: SasCode


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Both sides' MACs are out and theirs are right: `verified` are the ids of their keys.

    Theirs verifies ours by itself. It ends with their word that they are done.
    """

    exchange: Exchange
    verified: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """It has ended; `cancelled` is the code, None when it was completed."""

    exchange: Exchange
    cancelled: str | None


State = Ready | Offered | Accepting | Keyed | Comparing | Confirmed | Over


@dataclass(frozen=True, slots=True)
class Step:
    """The state after a message, and what is to be sent."""

    state: State
    out: tuple[OutgoingVerification, ...] = ()


def begin(state: Ready) -> Step:
    """Start SAS ourselves."""
    start = crypto.proposal(state.exchange)
    return Step(Offered(state.exchange, start), (OutgoingVerification(f"{PREFIX}start", start),))


def cancel(state: State, code: CancelCode) -> Step:
    """End it with this code; what has ended stays as it ended."""
    if isinstance(state, Over):
        return Step(state)
    return Step(Over(state.exchange, code.code), (cancellation(state.exchange, code),))


def hear(state: State, heard: Heard, fresh: Fresh = Sas) -> Step:
    """Return what follows from a message of the other side."""
    if isinstance(state, Over):
        return Step(state)  # no answer to what comes late: no loops of errors
    try:
        return _hear(state, heard, fresh)
    except InvalidMessage:
        return cancel(state, CancelCode.INVALID_MESSAGE)
    except crypto.NothingInCommon:
        return cancel(state, CancelCode.UNKNOWN_METHOD)
    except crypto.KeyMismatch:
        return cancel(state, CancelCode.KEY_MISMATCH)


def _hear(state: State, heard: Heard, fresh: Fresh) -> Step:
    match heard:
        case Cancel():
            return Step(Over(state.exchange, heard.code or CancelCode.USER.code))
        case Start() if isinstance(state, Ready):
            return _accept(state.exchange, heard, fresh)
        case Start() if isinstance(state, Offered):
            return _both_started(state, heard, fresh)
        case Accept() if isinstance(state, Offered):
            return _accepted(state, heard, fresh)
        case EphemeralKey() if isinstance(state, Accepting):
            return _their_key(state, heard)
        case EphemeralKey() if isinstance(state, Keyed):
            return _committed_key(state, heard)
        case Mac() if isinstance(state, Comparing):
            return _their_macs(state, heard)
        case Done() if isinstance(state, Confirmed):
            return Step(Over(state.exchange, None))
        case Start() | Accept() | EphemeralKey() | Mac() | Done():
            return cancel(state, CancelCode.UNEXPECTED_MESSAGE)
        case _:
            assert_never(heard)


def _accept(exchange: Exchange, start: Start, fresh: Fresh) -> Step:
    if start.device != exchange.them.device:
        raise InvalidMessage("from_device")
    if start.method != SAS_METHOD:
        raise crypto.NothingInCommon
    choice, sas = crypto.chosen_from(start), fresh()
    key = crypto.public_key(sas)
    content = exchange.content(
        method=SAS_METHOD,
        key_agreement_protocol=crypto.AGREEMENT,
        hash=crypto.HASH,
        message_authentication_code=choice.mac,
        short_authentication_string=list(choice.shown),
        commitment=crypto.commitment(key, start.content),
    )
    return Step(
        Accepting(exchange, choice, sas, key), (OutgoingVerification(f"{PREFIX}accept", content),)
    )


def _both_started(state: Offered, start: Start, fresh: Fresh) -> Step:
    """Heed the start of one side only: of the user whose id comes first."""
    if start.method != SAS_METHOD:
        return cancel(state, CancelCode.UNEXPECTED_MESSAGE)
    if state.exchange.us.user < state.exchange.them.user:
        return Step(state)
    return _accept(state.exchange, start, fresh)


def _accepted(state: Offered, accept: Accept, fresh: Fresh) -> Step:
    choice, sas = crypto.chosen_by(accept), fresh()
    key = crypto.public_key(sas)
    keyed = Keyed(state.exchange, state.start, choice, sas, key, accept.commitment)
    return Step(keyed, (_key(state.exchange, key),))


def _their_key(state: Accepting, theirs: EphemeralKey) -> Step:
    exchange = state.exchange
    secret = crypto.agreed(exchange, state.choice, state.sas, theirs)
    code = secret.code((exchange.them, theirs.key), (exchange.us, state.key))
    comparing = Comparing(exchange, state.choice, secret, code)
    return Step(comparing, (_key(exchange, state.key),))


def _committed_key(state: Keyed, theirs: EphemeralKey) -> Step:
    exchange = state.exchange
    if crypto.commitment(theirs.key, state.start) != state.commitment:
        return cancel(state, CancelCode.MISMATCHED_COMMITMENT)
    secret = crypto.agreed(exchange, state.choice, state.sas, theirs)
    code = secret.code((exchange.us, state.key), (exchange.them, theirs.key))
    return Step(Comparing(exchange, state.choice, secret, code))


def _their_macs(state: Comparing, heard: Mac) -> Step:
    exchange = state.exchange
    verified = state.secret.verified_by(heard)
    out = [OutgoingVerification(f"{PREFIX}mac", exchange.content(**state.secret.macs_of_ours()))]
    if exchange.is_requested:
        out.append(OutgoingVerification(f"{PREFIX}done", exchange.content()))
    return Step(Confirmed(exchange, verified), tuple(out))


def _key(exchange: Exchange, key: str) -> OutgoingVerification:
    return OutgoingVerification(f"{PREFIX}key", exchange.content(key=key))
