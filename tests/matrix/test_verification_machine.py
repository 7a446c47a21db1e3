"""One verification: the state machine against a client made of the spec and bare vodozemac."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.verification import machine
from spaces_bridge.matrix.verification.heard import InvalidMessage, heard_in
from spaces_bridge.matrix.verification.machine import (
    Accepting,
    Comparing,
    Confirmed,
    Keyed,
    Offered,
    Over,
    Ready,
    State,
    Step,
)
from spaces_bridge.matrix.verification.values import (
    CancelCode,
    Exchange,
    OutgoingVerification,
    Side,
)
from tests.matrix.bare_verifier import V1, BareVerifier

pytestmark = pytest.mark.unit

BOT, ANN, ZOE = "@m:example.org", "@ann:example.org", "@zoe:example.org"
BOT_KEYS = {"ed25519:BOTDEVICE": "b" * 43, "ed25519:" + "M" * 43: "M" * 43}
HER_KEYS = {"ed25519:HERS": "h" * 43, "ed25519:" + "A" * 43: "A" * 43}
ROOM_REFERENCE = {"m.relates_to": {"rel_type": "m.reference", "event_id": "$request"}}


def exchange_with(user: str, *, in_room: bool = True, is_requested: bool = True) -> Exchange:
    us = Side(UserId(BOT), "BOTDEVICE", BOT_KEYS)
    them = Side(UserId(user), "HERS", HER_KEYS)
    return Exchange("$request" if in_room else "txn1", us, them, in_room, is_requested)


def client(exchange: Exchange, keys: dict[str, str] | None = None) -> BareVerifier:
    reference = ROOM_REFERENCE if exchange.in_room else {"transaction_id": exchange.id}
    mine = HER_KEYS if keys is None else keys
    bot = (BOT, "BOTDEVICE")
    return BareVerifier(
        exchange.them.user, "HERS", mine, bot, BOT_KEYS, dict(reference), exchange.id
    )


def hear(state: State, kind: str, content: dict[str, Any]) -> Step:
    return machine.hear(state, heard_in(f"m.key.verification.{kind}", content))


def the(step: Step, kind: str) -> dict[str, Any]:
    """The content of the one message that a step sends."""
    [out] = step.out
    assert out.type == f"m.key.verification.{kind}"
    return dict(out.content)


def compared(her: BareVerifier, exchange: Exchange) -> Comparing:
    """The state when she started and both keys are exchanged."""
    accepted = hear(Ready(exchange), "start", her.start())
    key = her.accepted(the(accepted, "accept"))
    step = hear(accepted.state, "key", key)
    her.keyed(the(step, "key"))
    assert isinstance(step.state, Comparing)
    return step.state


def is_cancelled(step: Step, code: CancelCode) -> bool:
    """Whether it ended with this code, the other side was told, and nothing was verified."""
    assert isinstance(step.state, Over)
    sent = the(step, "cancel")
    assert sent["reason"]
    return step.state.cancelled == code.code and sent["code"] == code.code


@pytest.mark.parametrize("in_room", [True, False])
def test_she_starts_and_both_see_the_same_code_and_verify_each_other(in_room: bool) -> None:
    exchange = exchange_with(ANN, in_room=in_room)
    her = client(exchange)
    state = compared(her, exchange)
    assert list(state.code.emojis) == her.emojis
    assert state.code.decimals == her.decimals
    step = hear(state, "mac", her.mac())
    mac, done = step.out
    her.maced(dict(mac.content))
    assert her.verified == sorted(BOT_KEYS)
    assert done.type == "m.key.verification.done"
    assert isinstance(step.state, Confirmed)
    assert step.state.verified == tuple(sorted(HER_KEYS))
    last = hear(step.state, "done", dict(her.reference))
    assert last == Step(Over(exchange, None))


@pytest.mark.parametrize("in_room", [True, False])
def test_we_start_and_both_see_the_same_code_and_verify_each_other(in_room: bool) -> None:
    exchange = exchange_with(ANN, in_room=in_room)
    her = client(exchange)
    begun = machine.begin(Ready(exchange))
    keyed = hear(begun.state, "accept", her.accept(the(begun, "start")))
    her.keyed(the(keyed, "key"))
    step = hear(keyed.state, "key", her.key_message())
    assert step.out == ()
    assert isinstance(step.state, Comparing)
    assert list(step.state.code.emojis) == her.emojis
    assert step.state.code.decimals == her.decimals
    confirmed = hear(step.state, "mac", her.mac())
    her.maced(dict(confirmed.out[0].content))
    assert her.verified == sorted(BOT_KEYS)


def test_what_we_send_refers_to_the_verification() -> None:
    for in_room, reference in ((True, ROOM_REFERENCE), (False, {"transaction_id": "txn1"})):
        begun = machine.begin(Ready(exchange_with(ANN, in_room=in_room)))
        assert the(begun, "start").items() >= reference.items()


def test_the_old_mac_is_used_only_with_who_knows_no_other() -> None:
    exchange = exchange_with(ANN)
    her = client(exchange)
    accepted = hear(Ready(exchange), "start", her.start(message_authentication_codes=[V1]))
    step = hear(accepted.state, "key", her.accepted(the(accepted, "accept")))
    her.keyed(the(step, "key"))
    assert her.mac_method == V1
    confirmed = hear(step.state, "mac", her.mac())
    her.maced(dict(confirmed.out[0].content))
    assert isinstance(confirmed.state, Confirmed)


def test_who_has_no_master_key_is_verified_by_the_device() -> None:
    us = exchange_with(ANN).us
    them = Side(UserId(ANN), "HERS", {"ed25519:HERS": "h" * 43})
    exchange = Exchange("$request", us, them, in_room=True)
    her = client(exchange, {"ed25519:HERS": "h" * 43})
    step = hear(compared(her, exchange), "mac", her.mac())
    assert isinstance(step.state, Confirmed)
    assert step.state.verified == ("ed25519:HERS",)


def test_without_a_request_nobody_waits_to_be_done() -> None:
    exchange = exchange_with(ANN, in_room=False, is_requested=False)
    her = client(exchange)
    step = hear(compared(her, exchange), "mac", her.mac())
    assert [out.type for out in step.out] == ["m.key.verification.mac"]


# --- glare --------------------------------------------------------------------------------------


def test_of_two_starts_the_one_of_the_lesser_user_counts() -> None:
    lesser = exchange_with(ANN)  # @ann < @m
    begun = machine.begin(Ready(lesser))
    her = client(lesser)
    step = hear(begun.state, "start", her.start())
    assert isinstance(step.state, Accepting)
    key = hear(step.state, "key", her.accepted(the(step, "accept")))
    her.keyed(the(key, "key"))
    assert isinstance(key.state, Comparing)
    assert list(key.state.code.emojis) == her.emojis

    greater = exchange_with(ZOE)
    begun = machine.begin(Ready(greater))
    zoe = client(greater)
    ignored = hear(begun.state, "start", zoe.start())
    assert ignored == Step(begun.state)
    keyed = hear(ignored.state, "accept", zoe.accept(the(begun, "start")))
    assert isinstance(keyed.state, Keyed)


def test_two_starts_of_different_methods_end_it() -> None:
    begun = machine.begin(Ready(exchange_with(ZOE)))
    start = {"from_device": "HERS", "method": "m.reciprocate.v1", "secret": "x"}
    assert is_cancelled(hear(begun.state, "start", start), CancelCode.UNEXPECTED_MESSAGE)


# --- what is wrong ------------------------------------------------------------------------------


def test_an_unknown_method_is_refused_with_its_code() -> None:
    start = {"from_device": "HERS", "method": "m.qr_code.show.v1"}
    step = hear(Ready(exchange_with(ANN)), "start", start)
    assert is_cancelled(step, CancelCode.UNKNOWN_METHOD)


@pytest.mark.parametrize(
    "lists",
    [
        {"key_agreement_protocols": ["curve25519"]},
        {"hashes": ["sha1"]},
        {"message_authentication_codes": ["hmac-sha256"]},
        {"short_authentication_string": ["haiku"]},
        {"short_authentication_string": []},
    ],
)
def test_nothing_in_common_is_refused_with_its_code(lists: dict[str, list[str]]) -> None:
    exchange = exchange_with(ANN)
    step = hear(Ready(exchange), "start", client(exchange).start(**lists))
    assert is_cancelled(step, CancelCode.UNKNOWN_METHOD)


def test_what_we_did_not_propose_cannot_be_chosen() -> None:
    exchange = exchange_with(ANN)
    her = client(exchange)
    begun = machine.begin(Ready(exchange))
    for wrong in (
        {"key_agreement_protocol": "curve25519"},
        {"hash": "sha1"},
        {"message_authentication_code": "none"},
        {"short_authentication_string": ["haiku"]},
    ):
        accept = her.accept(the(begun, "start")) | wrong
        step = hear(begun.state, "accept", accept)
        assert is_cancelled(step, CancelCode.UNKNOWN_METHOD)


def test_a_key_that_was_not_committed_to_ends_it() -> None:
    exchange = exchange_with(ANN)
    her, other = client(exchange), client(exchange)
    begun = machine.begin(Ready(exchange))
    keyed = hear(begun.state, "accept", her.accept(the(begun, "start")))
    step = hear(keyed.state, "key", other.key_message())
    assert is_cancelled(step, CancelCode.MISMATCHED_COMMITMENT)


def test_the_commitment_covers_the_whole_start() -> None:
    exchange = exchange_with(ANN)
    her = client(exchange)
    begun = machine.begin(Ready(exchange))
    tampered = the(begun, "start") | {"short_authentication_string": ["decimal"]}
    keyed = hear(begun.state, "accept", her.accept(tampered))
    step = hear(keyed.state, "key", her.key_message())
    assert is_cancelled(step, CancelCode.MISMATCHED_COMMITMENT)


def test_somebody_between_makes_two_different_codes() -> None:
    """Two exchanges by way of a third person: what they show is not the same."""
    exchange = exchange_with(ANN)
    between_and_bot, between_and_her = client(exchange), client(exchange)
    bot = compared(between_and_bot, exchange)
    her = compared(between_and_her, exchange)
    assert bot.code != her.code


def test_macs_of_other_keys_than_the_homeserver_showed_verify_nothing() -> None:
    exchange = exchange_with(ANN)
    for keys in (
        {"ed25519:HERS": "x" * 43},
        {"ed25519:HERS": "h" * 43, "ed25519:" + "A" * 43: "x" * 43},
        {"ed25519:SOMEBODYS": "h" * 43},
    ):
        her = client(exchange, keys)
        step = hear(compared(her, exchange), "mac", her.mac())
        assert is_cancelled(step, CancelCode.KEY_MISMATCH)


def test_a_key_may_be_neither_added_to_the_list_nor_taken_from_it() -> None:
    exchange = exchange_with(ANN)
    her = client(exchange)
    state = compared(her, exchange)
    good = her.mac()
    first = dict([next(iter(good["mac"].items()))])
    for macs in (first, good["mac"] | {"ed25519:MORE": "abc"}):
        step = hear(state, "mac", good | {"mac": macs})
        assert is_cancelled(step, CancelCode.KEY_MISMATCH)


def test_our_own_macs_sent_back_verify_nothing() -> None:
    """Not even where the homeserver says that her device has our keys."""
    us = exchange_with(ANN).us
    exchange = Exchange("$request", us, Side(UserId(ANN), "HERS", BOT_KEYS), in_room=True)
    her = client(exchange)
    state = compared(her, exchange)
    ours = state.secret.macs_of_ours()
    step = hear(state, "mac", ours | her.reference)
    assert is_cancelled(step, CancelCode.KEY_MISMATCH)


def test_macs_of_another_verification_verify_nothing() -> None:
    exchange = exchange_with(ANN)
    her, before = client(exchange), client(exchange)
    compared(before, exchange)
    step = hear(compared(her, exchange), "mac", before.mac())
    assert is_cancelled(step, CancelCode.KEY_MISMATCH)


def test_a_start_of_another_device_than_the_one_that_asked_is_refused() -> None:
    exchange = exchange_with(ANN)
    step = hear(Ready(exchange), "start", client(exchange).start(from_device="OTHER"))
    assert is_cancelled(step, CancelCode.INVALID_MESSAGE)


@pytest.mark.parametrize("key", ["", "A", "A" * 43, "é" * 43, "A" * 44, "/" * 200])
def test_what_is_no_key_ends_it(key: str) -> None:
    exchange = exchange_with(ANN)
    her = client(exchange)
    accepted = hear(Ready(exchange), "start", her.start())
    try:
        step = hear(accepted.state, "key", {"key": key})
    except InvalidMessage:
        return
    assert is_cancelled(step, CancelCode.INVALID_MESSAGE)


def test_their_cancellation_ends_it_and_is_not_answered() -> None:
    exchange = exchange_with(ANN)
    step = hear(Ready(exchange), "cancel", {"code": "m.user", "reason": "no"})
    assert step == Step(Over(exchange, "m.user"))
    for kind, content in (("done", {}), ("key", {"key": "x"}), ("cancel", {"code": "m.timeout"})):
        assert hear(step.state, kind, content) == step
    assert machine.cancel(step.state, CancelCode.TIMEOUT) == step


# --- out of turn, and generated -----------------------------------------------------------------


def states(exchange: Exchange) -> dict[str, tuple[State, BareVerifier]]:
    """Every state that still waits for something, with her who led there."""
    found: dict[str, tuple[State, BareVerifier]] = {}
    her = client(exchange)
    found["ready"] = Ready(exchange), her
    accepted = hear(Ready(exchange), "start", her.start())
    found["accepting"] = accepted.state, her
    found["offered"] = machine.begin(Ready(exchange)).state, client(exchange)
    other = client(exchange)
    begun = machine.begin(Ready(exchange))
    found["keyed"] = hear(begun.state, "accept", other.accept(the(begun, "start"))).state, other
    third = client(exchange)
    found["comparing"] = compared(third, exchange), third
    fourth = client(exchange)
    found["confirmed"] = hear(compared(fourth, exchange), "mac", fourth.mac()).state, fourth
    return found


EXPECTED = {
    "ready": {"start", "cancel"},
    "offered": {"start", "accept", "cancel"},
    "accepting": {"key", "cancel"},
    "keyed": {"key", "cancel"},
    "comparing": {"mac", "cancel"},
    "confirmed": {"done", "cancel"},
}


@pytest.mark.parametrize("name", EXPECTED)
def test_what_is_out_of_turn_ends_it(name: str) -> None:
    for kind in {"start", "accept", "key", "mac", "done"} - EXPECTED[name]:
        state, her = states(exchange_with(ANN))[name]
        contents = {
            "start": her.start(),
            "accept": her.accept({}),
            "key": her.key_message(),
            "mac": {"mac": {"ed25519:HERS": "x"}, "keys": "x"},
            "done": {},
        }
        step = hear(state, kind, contents[kind])
        assert is_cancelled(step, CancelCode.UNEXPECTED_MESSAGE), kind


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
NAMES = [
    "from_device",
    "method",
    "key_agreement_protocols",
    "hashes",
    "message_authentication_codes",
    "short_authentication_string",
    "key_agreement_protocol",
    "hash",
    "message_authentication_code",
    "commitment",
    "key",
    "mac",
    "keys",
    "code",
    "reason",
    "transaction_id",
    "m.relates_to",
]
KINDS = ["start", "accept", "key", "mac", "done", "cancel", "ready", "request", "odd"]
PLAUSIBLE = st.sampled_from(
    ["HERS", "m.sas.v1", "sha256", V1, "emoji", "curve25519-hkdf-sha256", "A" * 43, "\ud800"]
)
MESSAGES = st.tuples(
    st.sampled_from(KINDS),
    st.dictionaries(
        st.sampled_from(NAMES),
        JSON | PLAUSIBLE | st.lists(PLAUSIBLE, max_size=4) | st.dictionaries(PLAUSIBLE, PLAUSIBLE),
    ),
)


@given(st.sampled_from(sorted(EXPECTED)), st.lists(MESSAGES, min_size=1, max_size=6))
def test_generated_messages_never_raise_and_never_verify(
    name: str, messages: list[tuple[str, dict[str, Any]]]
) -> None:
    state, _ = states(exchange_with(ANN))[name]
    was_confirmed = isinstance(state, Confirmed)
    for kind, content in messages:
        try:
            heard = heard_in(f"m.key.verification.{kind}", content)
        except InvalidMessage:
            step = machine.cancel(state, CancelCode.INVALID_MESSAGE)
        else:
            step = machine.hear(state, heard)
        assert all(isinstance(out, OutgoingVerification) for out in step.out)
        state = step.state
        assert was_confirmed or not isinstance(state, Confirmed)
        completed = isinstance(state, Over) and state.cancelled is None
        assert was_confirmed or not completed


@given(st.sampled_from(["mac", "keys"]), st.data())
def test_right_macs_with_one_letter_changed_verify_nothing(part: str, data: st.DataObject) -> None:
    exchange = exchange_with(ANN)
    her = client(exchange)
    state, content = compared(her, exchange), her.mac()
    id_ = data.draw(st.sampled_from(sorted(content["mac"])))
    right = content["mac"][id_] if part == "mac" else content["keys"]
    at = data.draw(st.integers(0, len(right) - 1))
    letter = data.draw(st.sampled_from("ABCDwxyz0189+/"))
    wrong = right[:at] + letter + right[at + 1 :]
    changed = {"mac": content["mac"] | {id_: wrong}} if part == "mac" else {"keys": wrong}
    step = hear(state, "mac", content | changed)
    assert isinstance(step.state, Confirmed) == (wrong == right)


def test_offered_is_what_begin_leads_to() -> None:
    assert isinstance(machine.begin(Ready(exchange_with(ANN))).state, Offered)
