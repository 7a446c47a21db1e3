"""The kinds of messages between the control process and a media worker, and their codec.

A worker outlives an upgrade of the bridge that keeps `PROTOCOL`, and a newer version then talks
to it: so kinds never change with the names of classes.
"""

from typing import Final

from spaces_bridge.media import messages
from spaces_bridge.wire.messages import MessageCodec

MAX_MESSAGE: Final = 8 * 1024 * 1024
"""Bytes; anything longer is not one of our messages."""

CODEC: Final[MessageCodec[messages.MediaMessage]] = MessageCodec(
    {
        "Attach": messages.Attach,
        "OpenSpace": messages.OpenSpace,
        "CloseSpace": messages.CloseSpace,
        "Offer": messages.PeerOffer,
        "AnswerCall": messages.AnswerCall,
        "OfferCall": messages.OfferCall,
        "AcceptCallAnswer": messages.AcceptCallAnswer,
        "OfferDuplex": messages.OfferDuplex,
        "AcceptDuplexAnswer": messages.AcceptDuplexAnswer,
        "RenegotiateDuplex": messages.RenegotiateDuplex,
        "PlayPrompt": messages.PlayPrompt,
        "UseMicrophone": messages.UseMicrophone,
        "SendData": messages.SendData,
        "ClosePeer": messages.ClosePeer,
        "SetGate": messages.SetGate,
        "SetGates": messages.SetGates,
        "SetVolumes": messages.SetVolumes,
        "SubscribeMix": messages.SubscribeMix,
        "AudioTaken": messages.AudioTaken,
        "ReplayAudio": messages.ReplayAudio,
        "UseRoomSound": messages.UseRoomSound,
        "PublishSpeakers": messages.PublishSpeakers,
        "Restore": messages.Restore,
        "Ping": messages.Ping,
        "Hello": messages.Hello,
        "Synced": messages.Synced,
        "Answer": messages.Answer,
        "CallNegotiated": messages.CallNegotiated,
        "Refused": messages.PeerRefused,
        "PeerChanged": messages.PeerChanged,
        "KeyPressed": messages.KeyPressed,
        "PromptEnded": messages.PromptEnded,
        "Record": messages.Record,
        "Levels": messages.AudioLevels,
        "SoundGaps": messages.SoundGaps,
        "SpeakerAudio": messages.SpeakerAudio,
        "MixPacket": messages.MixPacket,
        "Stats": messages.Stats,
        "Pong": messages.Pong,
        "Displaced": messages.Superseded,
    },
    MAX_MESSAGE,
)
