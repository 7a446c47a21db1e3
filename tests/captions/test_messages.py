"""What control process and worker say to each other survives the wire."""

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.captions.messages import (
    MAX_MESSAGE,
    BadMessage,
    Draft,
    EndOfTrack,
    Heard,
    Load,
    LoadFailed,
    Message,
    Missed,
    OpenTrack,
    Ping,
    Pong,
    Ready,
    Speech,
    TrackEnded,
    Utterance,
    decode,
    encode,
    length_of,
    read_message,
)

pytestmark = pytest.mark.unit

KINDS = (
    Load, OpenTrack, Speech, EndOfTrack, Ping,
    Ready, LoadFailed, Draft, Utterance, Heard, TrackEnded, Missed, Pong,
)  # fmt: skip
MESSAGES: st.SearchStrategy[Message] = st.one_of(*(st.builds(kind) for kind in KINDS))


@given(st.lists(MESSAGES, max_size=5))
def test_every_message_arrives_as_it_was_sent(messages: list[Message]) -> None:
    stream = BytesIO(b"".join(encode(message) for message in messages))
    assert [read_message(stream) for _ in messages] == messages
    assert read_message(stream) is None


@given(MESSAGES, st.data())
def test_a_stream_that_breaks_off_is_at_its_end(message: Message, data: st.DataObject) -> None:
    whole = encode(message)
    cut = data.draw(st.integers(0, len(whole) - 1))
    assert read_message(BytesIO(whole[:cut])) is None


@given(st.binary(max_size=64))
def test_bytes_that_are_no_message_are_refused(body: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(body)


@pytest.mark.parametrize("length", [0, 3, MAX_MESSAGE + 1, 0xFFFFFFFF])
def test_an_impossible_length_is_refused_before_it_is_read(length: int) -> None:
    with pytest.raises(BadMessage):
        length_of(length.to_bytes(4, "big"))
