"""Three kinds of messages on one WebSocket: each binary message begins with its channel's byte."""

from typing import Final, TypeAlias

from spaces_bridge.media.codec import CODEC
from spaces_bridge.media.messages import MediaMessage
from spaces_bridge.media.nodes import messages
from spaces_bridge.media.nodes.limits import MESSAGE_MAX
from spaces_bridge.media.nodes.messages import NodeMessage
from spaces_bridge.media.sfu_client.codec import CODEC as SFU_CODEC
from spaces_bridge.media.sfu_client.messages import SfuMessage
from spaces_bridge.wire.messages import BadMessage, MessageCodec

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
    """Return a message as the WebSocket carries it."""
    if isinstance(message, NodeMessage):
        return _NODE + NODE_CODEC.encode(message)[_LENGTH:]
    if isinstance(message, MediaMessage):
        return _MEDIA + CODEC.encode(message)[_LENGTH:]
    return _SFU + SFU_CODEC.encode(message)[_LENGTH:]


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
