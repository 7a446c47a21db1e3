"""The kinds of messages between a relay and its SFU client, and their codec.

Both ends are of one version: a client ends with the process that started it. Over a network the
versions are compared first.
"""

from typing import Final

from spaces_bridge.media.sfu_client import messages
from spaces_bridge.wire.messages import MessageCodec

MAX_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes; anything longer is not one of our messages."""

CODEC: Final[MessageCodec[messages.SfuMessage]] = MessageCodec(
    {
        "JoinRoom": messages.JoinSfuRoom,
        "LeaveRoom": messages.LeaveSfuRoom,
        "TakeTracks": messages.TakeSfuTracks,
        "SendText": messages.SendSfuText,
        "Ping": messages.SfuPing,
        "Ready": messages.SfuClientReady,
        "RoomJoined": messages.SfuRoomJoined,
        "Participants": messages.SfuParticipants,
        "TracksTaken": messages.SfuTracksTaken,
        "RoomLost": messages.SfuRoomLost,
        "Stats": messages.SfuStats,
        "Pong": messages.SfuPong,
    },
    MAX_MESSAGE,
)
