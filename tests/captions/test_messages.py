"""What control process and worker say to each other survives the wire."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.captions.messages import (
    CODEC,
    MAX_MESSAGE,
    CaptionsMessage,
    CaptionsPing,
    CaptionsPong,
    CaptionsReady,
    DraftMessage,
    EndOfTrack,
    Load,
    LoadFailed,
    Missed,
    OpenTrack,
    Speech,
    TrackEnded,
    TranscribedUntil,
    Utterance,
)
from spaces_bridge.wire.messages import BadMessage

pytestmark = pytest.mark.unit

KINDS = (
    Load, OpenTrack, Speech, EndOfTrack, CaptionsPing,
    CaptionsReady, LoadFailed, DraftMessage, Utterance, TranscribedUntil, TrackEnded, Missed,
    CaptionsPong,
)  # fmt: skip
MESSAGES: st.SearchStrategy[CaptionsMessage] = st.one_of(*(st.builds(kind) for kind in KINDS))


@given(st.lists(MESSAGES, max_size=5))
def test_every_message_arrives_as_it_was_sent(messages: list[CaptionsMessage]) -> None:
    stream = BytesIO(b"".join(map(CODEC.encode, messages)))
    assert [CODEC.read(stream) for _ in messages] == messages
    assert CODEC.read(stream) is None


@given(MESSAGES, st.data())
def test_a_stream_that_breaks_off_is_at_its_end(
    message: CaptionsMessage, data: st.DataObject
) -> None:
    whole = CODEC.encode(message)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert CODEC.read(BytesIO(whole[:cut])) is None


@given(st.binary(max_size=64))
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(BadMessage):
        CODEC.decode(body)


@pytest.mark.parametrize("length", [0, 3, MAX_MESSAGE + 1, 0xFFFFFFFF])
def test_an_impossible_length_is_refused_before_it_is_read(length: int) -> None:
    stream = BytesIO(length.to_bytes(4, "big") + b"rest")
    with pytest.raises(BadMessage):
        CODEC.read(stream)
    assert stream.read() == b"rest"
