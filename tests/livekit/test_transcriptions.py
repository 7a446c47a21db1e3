"""What LiveKit clients are told of captions: the text streams, whose they are, and how they go."""

import pytest
from livekit.protocol import models

from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.core.events import UtteranceCaptioned
from spaces_bridge.core.ids import UserId, UtteranceId
from spaces_bridge.livekit import text_streams, transcriptions
from spaces_bridge.livekit.transcriptions import CallVoice

pytestmark = pytest.mark.unit

ADA = UserId("@ada:x.test")
VOICE = CallVoice("@ada:x.test:PHONE", "TR_ada")


def draft(text: str) -> Draft:
    return Draft(UtteranceId("u1"), ADA, text, 0, 0, 900, "en")


CAPTION = UtteranceCaptioned(UtteranceId("u1"), ADA, "Ada", 0, 1200, "Good evening.", "en")


def test_drafts_and_the_final_of_an_utterance_have_one_segment() -> None:
    first = transcriptions.of_draft(draft("Good"), VOICE)
    assert (first.topic, first.text, first.sender) == ("lk.transcription", "Good", VOICE.identity)
    assert first.attributes == {
        "lk.segment_id": "u1",
        "lk.transcription_final": "false",
        "lk.transcribed_track_id": "TR_ada",
        "io.spacesbridge.user": ADA,
    }
    final = transcriptions.of_caption(CAPTION, VOICE)
    assert final.text == "Good evening."
    assert final.attributes == {**first.attributes, "lk.transcription_final": "true"}


def test_a_draft_that_came_to_nothing_ends_empty() -> None:
    gone = transcriptions.of_draft(draft(""), CallVoice("@bot:x.test:SPACESBOT"))
    assert (gone.text, gone.attributes["lk.transcription_final"]) == ("", "true")
    assert "lk.transcribed_track_id" not in gone.attributes


@pytest.mark.parametrize("text", ["Good evening.", "", "\N{GRINNING FACE}" * 10_000])
def test_a_text_stream_is_a_header_chunks_of_whole_characters_and_a_trailer(text: str) -> None:
    said = RoomText("lk.transcription", text, {"a": "b"}, "ada")
    packets = [
        models.DataPacket.FromString(each) for each in text_streams.packets(said, "RM_1-7", 99)
    ]
    assert all(packet.participant_identity == "ada" for packet in packets)
    first, *chunks, last = packets
    header = first.stream_header
    assert (header.stream_id, header.topic, header.timestamp) == ("RM_1-7", said.topic, 99)
    assert header.attributes == {"a": "b"}
    assert header.WhichOneof("content_header") == "text_header"
    assert [each.stream_chunk.chunk_index for each in chunks] == list(range(len(chunks)))
    assert "".join(each.stream_chunk.content.decode() for each in chunks) == text
    assert all(len(each.stream_chunk.content) <= 15_000 for each in chunks)
    assert last.stream_trailer.stream_id == "RM_1-7"
    assert not last.stream_trailer.reason
