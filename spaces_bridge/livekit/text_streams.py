"""LiveKit's text streams as data packets: a header, the text in chunks, a trailer. Pure."""

from typing import Final

from livekit.protocol import models

from spaces_bridge.app.relay_ports import RoomText

CHUNK: Final = 3_000
"""Characters of one chunk: SDKs take 15,000 bytes, and each chunk has to be whole characters."""


def packets(text: RoomText, stream: str, now_ms: int) -> list[bytes]:
    """Return the data packets of a text stream, to be sent in this order on a reliable channel.

    `stream` is its id, which no other of this connection has had.
    """
    header = models.DataStream.Header(
        stream_id=stream,
        timestamp=now_ms,
        topic=text.topic,
        mime_type="text/plain",
        attributes=text.attributes,
        text_header=models.DataStream.TextHeader(operation_type=models.DataStream.CREATE),
    )
    chunks = [
        models.DataStream.Chunk(
            stream_id=stream, chunk_index=place, content=text.text[at : at + CHUNK].encode()
        )
        for place, at in enumerate(range(0, len(text.text), CHUNK))
    ]
    trailer = models.DataStream.Trailer(stream_id=stream)
    return [
        packet.SerializeToString()
        for packet in (
            models.DataPacket(participant_identity=text.sender, stream_header=header),
            *(
                models.DataPacket(participant_identity=text.sender, stream_chunk=chunk)
                for chunk in chunks
            ),
            models.DataPacket(participant_identity=text.sender, stream_trailer=trailer),
        )
    ]
