"""The events of plain calls: what clients write, in each version, and what is odd."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.matrix.events import call_signals as signals
from spaces_bridge.matrix.events.call_signals import CallSignal
from spaces_bridge.matrix.events.translate import meaning_of
from spaces_bridge.matrix.settings import MatrixSettings

pytestmark = pytest.mark.unit

SETTINGS = MatrixSettings("http://hs", "example.org", "as", "hs", "https://pages")
HEAD = {"call_id": "call", "party_id": "DEV", "version": "1"}
V0 = {"call_id": "call", "version": 0}
OFFER = {"type": "offer", "sdp": "v=0"}


def meaning(type_: str, content: Any, **changes: Any) -> CallSignal | None:  # noqa: ANN401 - odd
    event = {
        "type": type_,
        "room_id": "!room",
        "event_id": "$event",
        "sender": "@ben:example.org",
        "origin_server_ts": 7,
        "content": content,
        **changes,
    }
    return meaning_of(event, SETTINGS)  # type: ignore[return-value]  # a signal, or nothing


@pytest.mark.parametrize("version", ["1", 1, 0, "0"])
def test_an_invite_is_one_in_each_version(version: str | int) -> None:
    said = meaning("m.call.invite", {**HEAD, "version": version, "offer": OFFER})
    assert isinstance(said, signals.CallInvited)
    assert (said.head.call, said.head.party, said.head.version) == ("call", "DEV", version)
    assert said.head.is_v0 is (version in {0, "0"})
    assert (said.head.at_ms, said.sdp, said.lifetime_ms, said.invitee) == (7, "v=0", 60_000, "")


def test_an_invite_without_version_and_party_is_of_version_0() -> None:
    said = meaning("m.call.invite", {"call_id": "call", "offer": OFFER})
    assert isinstance(said, signals.CallInvited)
    assert said.head.is_v0


@pytest.mark.parametrize(
    ("lifetime", "taken"),
    [(5, 5), (-1, 0), (10**9, signals.LIFETIME_MAX_MS), ("60", 60_000), (True, 60_000)],
)
def test_a_lifetime_is_bounded(lifetime: object, taken: int) -> None:
    said = meaning("m.call.invite", {**HEAD, "offer": OFFER, "lifetime": lifetime})
    assert isinstance(said, signals.CallInvited)
    assert said.lifetime_ms == taken


def test_what_clients_send_in_a_call() -> None:
    answer: dict[str, object] = {"answer": {"type": "answer", "sdp": "v=0"}}
    renegotiated: dict[str, object] = {"description": OFFER, "lifetime": 60_000}
    expected: dict[str, tuple[dict[str, object], type]] = {
        "m.call.answer": (answer, signals.CallAnswered),
        "m.call.negotiate": (renegotiated, signals.CallRenegotiated),
        "m.call.select_answer": ({"selected_party_id": "X"}, signals.AnswerSelected),
        "m.call.reject": ({}, signals.CallRejected),
        "m.call.hangup": ({"reason": "user_hangup"}, signals.CallHungUp),
    }
    for type_, (content, kind) in expected.items():
        assert isinstance(meaning(type_, {**HEAD, **content}), kind), type_
        assert isinstance(meaning(type_, {**V0, **content}), kind), type_


@pytest.mark.parametrize(
    "type_",
    ["m.call.sdp_stream_metadata_changed", "org.matrix.call.sdp_stream_metadata_changed"],
)
@pytest.mark.parametrize(
    "field", ["sdp_stream_metadata", "org.matrix.msc3077.sdp_stream_metadata"]
)
def test_a_mute_is_told_by_the_streams_of_a_person(type_: str, field: str) -> None:
    for muted in (True, False):
        streams = {
            "mine": {"purpose": "m.usermedia", "audio_muted": muted},
            "screen": {"purpose": "m.screenshare", "audio_muted": not muted},
            "odd": 3,
        }
        said = meaning(type_, {**HEAD, field: streams})
        assert isinstance(said, signals.CallMuted)
        assert said.is_muted is muted


@pytest.mark.parametrize(
    ("type_", "content"),
    [
        ("m.call.invite", {**HEAD}),
        ("m.call.invite", {**HEAD, "offer": {"type": "answer", "sdp": "v=0"}}),
        ("m.call.invite", {**HEAD, "offer": {"type": "offer", "sdp": 3}}),
        ("m.call.invite", {**HEAD, "offer": {"type": "offer", "sdp": "x" * 40_000}}),
        ("m.call.invite", {**HEAD, "offer": OFFER, "invitee": 3}),
        ("m.call.invite", {**HEAD, "call_id": "", "offer": OFFER}),
        ("m.call.invite", {**HEAD, "call_id": "x" * 300, "offer": OFFER}),
        ("m.call.invite", {**HEAD, "party_id": 3, "offer": OFFER}),
        ("m.call.invite", {**HEAD, "version": None, "offer": OFFER}),
        ("m.call.invite", {**HEAD, "version": True, "offer": OFFER}),
        ("m.call.answer", {**HEAD, "answer": {"sdp": "v=0"}}),
        ("m.call.negotiate", {**HEAD, "description": {"type": "answer", "sdp": "v=0"}}),
        ("m.call.select_answer", {**HEAD, "selected_party_id": 3}),
        ("m.call.sdp_stream_metadata_changed", {**HEAD, "sdp_stream_metadata": {}}),
        ("m.call.sdp_stream_metadata_changed", {**HEAD}),
        ("m.call.candidates", {**HEAD, "candidates": []}),
        ("m.call.asserted_identity", {**HEAD}),
        ("m.call.hangup", [HEAD]),
    ],
)
def test_what_is_odd_or_says_nothing_to_us_means_nothing(type_: str, content: object) -> None:
    assert meaning(type_, content) is None


def test_the_bots_own_events_and_state_events_mean_nothing() -> None:
    hangup = {**HEAD, "reason": "user_hangup"}
    assert meaning("m.call.hangup", hangup, sender=SETTINGS.bot) is None
    assert meaning("m.call.hangup", hangup, state_key="") is None


def test_ours_name_call_party_and_version() -> None:
    for body in (
        signals.answer("call", "US", "1", "v=0"),
        signals.negotiate("call", "US", "1", "v=0"),
        signals.select_answer("call", "US", "DEV"),
        signals.hangup("call", "US", "1", "user_hangup"),
    ):
        content = json.loads(body)
        assert (content["call_id"], content["party_id"], content["version"]) == (
            "call",
            "US",
            "1",
        )
        assert not any("metadata" in key for key in content)
    assert json.loads(signals.answer("call", "US", 0, "v=0"))["version"] == 0
    assert json.loads(signals.answer("c", "p", "1", "v"))["answer"] == {
        "type": "answer",
        "sdp": "v",
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
_FIELDS = [
    *("call_id", "party_id", "version", "lifetime", "offer", "answer", "description"),
    *("invitee", "reason", "selected_party_id", "sdp_stream_metadata", "sdp", "type"),
]
_TYPES = [
    *("invite", "answer", "negotiate", "select_answer", "reject", "hangup"),
    "sdp_stream_metadata_changed",
]


@given(st.sampled_from(_TYPES), st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_whatever_a_client_writes_is_a_signal_or_nothing(
    type_: str, content: dict[str, Any]
) -> None:
    said = meaning(f"m.call.{type_}", {**HEAD, **content})
    if said is not None:
        assert 0 < len(said.head.call) <= 255
        assert len(said.head.party) <= 255
