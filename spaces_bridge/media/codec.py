"""The kinds of messages between the control process and a media worker, and their codec.

A worker outlives an upgrade of the bridge that keeps `PROTOCOL`, and a newer version then talks
to it: so kinds never change with the names of classes.
"""

from typing import Final

from spaces_bridge.media import messages as say
from spaces_bridge.wire.messages import MessageCodec

MAX_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes; anything longer is not one of our messages."""

CODEC: Final[MessageCodec[say.MediaMessage]] = MessageCodec(
    {
        "Attach": say.Attach,
        "OpenSpace": say.OpenSpace,
        "CloseSpace": say.CloseSpace,
        "Offer": say.PeerOffer,
        "AnswerCall": say.AnswerCall,
        "OfferCall": say.OfferCall,
        "AcceptCallAnswer": say.AcceptCallAnswer,
        "UseMicrophone": say.UseMicrophone,
        "ClosePeer": say.ClosePeer,
        "SetGate": say.SetGate,
        "SetGates": say.SetGates,
        "SubscribeMix": say.SubscribeMix,
        "AudioTaken": say.AudioTaken,
        "ReplayAudio": say.ReplayAudio,
        "Restore": say.Restore,
        "Ping": say.Ping,
        "Hello": say.Hello,
        "Synced": say.Synced,
        "Answer": say.Answer,
        "CallNegotiated": say.CallNegotiated,
        "Refused": say.PeerRefused,
        "PeerChanged": say.PeerChanged,
        "Record": say.Record,
        "Levels": say.AudioLevels,
        "SpeakerAudio": say.SpeakerAudio,
        "MixPacket": say.MixPacket,
        "Stats": say.Stats,
        "Pong": say.Pong,
        "Displaced": say.Superseded,
    },
    MAX_MESSAGE,
)
