"""Messages between control and worker: there and back, and nothing else gets through."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.codec import CODEC, MAX_MESSAGE
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge.wire.messages import BadMessage

pytestmark = pytest.mark.unit

TEXT = st.text(max_size=20)
SPACE, USER = TEXT.map(SpaceId), TEXT.map(UserId)
NUMBER = st.integers(0, 1 << 40)
DIRECTION, PHASE = st.sampled_from(StreamDirection), st.sampled_from(PeerPhase)
PEER = st.builds(
    messages.PeerSeat, TEXT, SPACE, USER, DIRECTION, PHASE, st.booleans(), st.booleans()
)
KEPT = (TEXT, SPACE, USER, DIRECTION, st.binary(max_size=40))
STREAMS = st.lists(st.builds(messages.SpeakerStream, USER, TEXT, TEXT)).map(tuple)
MESSAGES: st.SearchStrategy[messages.MediaMessage] = st.one_of(
    st.builds(messages.Attach, NUMBER, st.booleans()),
    st.builds(messages.OpenSpace, SPACE, NUMBER),
    st.builds(messages.CloseSpace, SPACE),
    st.builds(messages.PeerOffer, NUMBER, SPACE, TEXT, USER, DIRECTION, TEXT),
    st.builds(messages.AnswerCall, NUMBER, SPACE, TEXT, USER, st.booleans(), TEXT, STREAMS),
    st.builds(messages.OfferCall, NUMBER, SPACE, TEXT, USER, st.booleans(), STREAMS),
    st.builds(messages.AcceptCallAnswer, NUMBER, TEXT, TEXT),
    st.builds(messages.UseMicrophone, TEXT, st.booleans()),
    st.builds(messages.ClosePeer, TEXT),
    st.builds(messages.SetGate, SPACE, USER, st.booleans()),
    st.builds(messages.SetGates, SPACE, st.lists(USER).map(tuple)),
    st.builds(messages.SubscribeMix, SPACE, st.booleans()),
    st.builds(messages.AudioTaken, SPACE, USER, NUMBER),
    st.builds(messages.ReplayAudio, SPACE, USER, NUMBER),
    st.builds(messages.UseRoomSound, SPACE, USER, st.booleans()),
    st.builds(messages.PublishSpeakers, SPACE, st.booleans()),
    st.builds(messages.Restore, *KEPT),
    st.builds(messages.Ping, NUMBER),
    st.builds(
        messages.Hello,
        NUMBER,
        st.dictionaries(SPACE, st.lists(USER).map(tuple)),
        st.lists(PEER).map(tuple),
    ),
    st.builds(messages.Synced),
    st.builds(messages.Answer, NUMBER, TEXT),
    st.builds(
        messages.CallNegotiated,
        NUMBER,
        TEXT,
        TEXT,
        st.dictionaries(TEXT, TEXT),
        NUMBER,
        TEXT,
        st.booleans(),
        st.booleans(),
    ),
    st.builds(messages.PeerRefused, NUMBER, TEXT, TEXT),
    st.builds(
        messages.PeerChanged,
        TEXT,
        SPACE,
        USER,
        DIRECTION,
        PHASE,
        TEXT,
        st.booleans(),
        st.booleans(),
    ),
    st.builds(messages.Record, *KEPT),
    st.builds(messages.AudioLevels, SPACE, st.dictionaries(USER, NUMBER)),
    st.builds(messages.SoundGaps, SPACE, st.dictionaries(USER, NUMBER)),
    st.builds(messages.SpeakerAudio, SPACE, USER, NUMBER, st.binary(max_size=80)),
    st.builds(messages.MixPacket, SPACE, NUMBER, st.binary(max_size=80)),
    st.builds(messages.Stats, st.dictionaries(TEXT, st.floats(allow_nan=False))),
    st.builds(messages.Pong, NUMBER),
    st.builds(messages.Superseded),
)


@given(st.lists(MESSAGES, max_size=8), st.integers(1, 50))
def test_messages_arrive_as_they_were_sent_however_the_stream_is_cut(
    sent: list[messages.MediaMessage], cut: int
) -> None:
    stream, framer = b"".join(map(CODEC.encode, sent)), CODEC.framer()
    pieces = [stream[at : at + cut] for at in range(0, len(stream), cut)]
    assert [CODEC.decode(body) for piece in pieces for body in framer.feed(piece)] == sent


@given(st.binary(max_size=200))
def test_garbage_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage):
        CODEC.decode(body)


@pytest.mark.parametrize(
    "header",
    [
        {"kind": "SetGate", "space": "s", "user": "u", "open": 1},
        {"kind": "SetGate", "space": "s", "user": "u"},
        {"kind": "SetGate", "space": "s", "user": "u", "open": True, "more": 1},
        {"kind": "SetGates", "space": "s", "users": "abc"},
        {"kind": "SetGates", "space": "s", "users": [1]},
        {"kind": "Ping", "number": True},
        {"kind": "Offer", "request": 1, "space": "s", "peer": "p", "user": "u", "sdp": "",
         "direction": "both"},
        {"kind": "Levels", "space": "s", "levels": {"u": "loud"}},
        {"kind": "Hello", "pid": 1, "gates": {}, "peers": [{}]},
        {"kind": "Hello", "pid": 1, "gates": {}, "peers": [1]},
        {"kind": "object"},
        {},
        [],
    ],
)  # fmt: skip
def test_fields_of_another_type_are_refused(header: object) -> None:
    text = json.dumps(header).encode()
    with pytest.raises(BadMessage):
        CODEC.decode(struct.pack(">I", len(text)) + text)


def test_a_message_without_bytes_may_have_no_tail() -> None:
    with pytest.raises(BadMessage):
        CODEC.decode(CODEC.encode(messages.Ping(1))[4:] + b"x")


@pytest.mark.parametrize("length", [0, 3, MAX_MESSAGE + 1, (1 << 32) - 1])
def test_an_impossible_length_is_refused_before_anything_is_kept(length: int) -> None:
    with pytest.raises(BadMessage):
        list(CODEC.framer().feed(struct.pack(">I", length)))


def test_a_greeting_is_only_that_of_a_media_worker() -> None:
    greeting = messages.Greeting(messages.PROTOCOL, 2, 2)
    packed = messages.pack_greeting(greeting)
    assert messages.unpack_greeting(packed) == greeting
    for other in (b"", packed[:-1], b"HTTP" + packed[4:]):
        with pytest.raises(BadMessage):
            messages.unpack_greeting(other)


def test_keys_do_not_show_when_a_record_is_printed() -> None:
    record = messages.Record("p", SpaceId("s"), UserId("u"), StreamDirection.LISTEN, b"secret")
    assert b"secret" in CODEC.encode(record)
    assert "secret" not in repr(record)
