"""Three kinds of messages on one WebSocket: each binary message begins with its channel's byte."""

from typing import Final, TypeAlias

from spaces_bridge.media.codec import CODEC
from spaces_bridge.media.messages import MediaMessage
from spaces_bridge.media.nodes import messages
from spaces_bridge.media.nodes.limits import MESSAGE_MAX
from spaces_bridge.media.nodes.messages import NodeMessage
from spaces_bridge.media.sfu_client.codec import CODEC as SFU_CODEC
from spaces_bridge.media.sfu_client.messages import SfuMessage
from spaces_bridge.wire.messages import BadMessage, MessageCodec, TooLong

LinkMessage: TypeAlias = NodeMessage | MediaMessage | SfuMessage

NODE_CODEC: Final[MessageCodec[NodeMessage]] = MessageCodec(
    {
        "Greeting": messages.NodeGreeting,
        "Welcome": messages.NodeWelcome,
        "Refusal": messages.NodeRefusal,
        "WorkerAttached": messages.WorkerAttached,
        "SfuClientLost": messages.SfuClientLost,
        "BeHome": messages.BeHome,
        "Leaving": messages.NodeLeaving,
    },
    MESSAGE_MAX,
)

_LENGTH: Final = 4
"""Bytes of the length that codecs write first: a WebSocket's messages have their own."""
_NODE, _MEDIA, _SFU = b"N", b"M", b"S"


def packed(message: LinkMessage) -> bytes:
    """Return a message as the WebSocket carries it. Raises TooLong."""
    if isinstance(message, NodeMessage):
        data = _NODE + NODE_CODEC.encode(message)[_LENGTH:]
    elif isinstance(message, MediaMessage):
        data = _MEDIA + CODEC.encode(message)[_LENGTH:]
    else:
        data = _SFU + SFU_CODEC.encode(message)[_LENGTH:]
    if len(data) > MESSAGE_MAX:
        raise TooLong(f"a message of {len(data)} bytes is more than a node's link carries")
    return data


def unpacked(data: bytes) -> LinkMessage:
    """Return the message that the WebSocket has carried. Raises BadMessage."""
    channel, body = data[:1], data[1:]
    if channel == _NODE:
        return NODE_CODEC.decode(body)
    if channel == _MEDIA:
        return CODEC.decode(body)
    if channel == _SFU:
        return SFU_CODEC.decode(body)
    raise BadMessage("a message of no known channel")
