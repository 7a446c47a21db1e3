"""What LiveKit clients are told of captions: text streams on LiveKit's topic for them. Pure.

Each draft, and at last the final, is a stream of its own with the whole text; those of one
utterance have the same segment id, by which a client replaces the one before. Source: LiveKit's
documentation of transcriptions as text streams, and what its SDKs receive.
"""

from dataclasses import dataclass
from typing import Final

from spaces_bridge.app.ports import Draft
from spaces_bridge.app.relay_ports import RoomText
from spaces_bridge.core.events import UtteranceCaptioned
from spaces_bridge.core.ids import UserId, UtteranceId

TOPIC: Final = "lk.transcription"
SEGMENT: Final = "lk.segment_id"
FINAL: Final = "lk.transcription_final"
TRACK: Final = "lk.transcribed_track_id"
USER: Final = "io.spacesbridge.user"
"""The speaker's Matrix id: a participant, such as the bot, may publish several speakers."""


@dataclass(frozen=True, slots=True)
class CallVoice:
    """How a speaker is in a call: as which participant, and by which track ("": none now)."""

    identity: str
    track: str = ""


class ShownDrafts:
    """The drafts that clients show now, at most one of each speaker.

    After a final, captions also take back the draft before it: clients have replaced that one by
    the final, and would lose the line.
    """

    def __init__(self) -> None:
        self._of: dict[UserId, UtteranceId] = {}

    def takes(self, draft: Draft) -> bool:
        """Note a draft, and return whether clients have to be told of it."""
        if draft.text:
            self._of[draft.speaker] = draft.utterance
            return True
        return self._ended(draft.speaker, draft.utterance)

    def end(self, caption: UtteranceCaptioned) -> None:
        """Note the final of an utterance."""
        self._ended(caption.speaker, caption.utterance)

    def _ended(self, speaker: UserId, utterance: UtteranceId) -> bool:
        if self._of.get(speaker) != utterance:
            return False
        del self._of[speaker]
        return True


def of_draft(draft: Draft, voice: CallVoice) -> RoomText:
    """Return a draft; one without text leaves an empty line, and nothing comes after it."""
    return _text(draft.utterance, draft.speaker, draft.text, voice, is_final=not draft.text)


def of_caption(caption: UtteranceCaptioned, voice: CallVoice) -> RoomText:
    """Return the final text of an utterance."""
    return _text(caption.utterance, caption.speaker, caption.text, voice, is_final=True)


def _text(
    utterance: str, speaker: UserId, text: str, voice: CallVoice, *, is_final: bool
) -> RoomText:
    attributes = {SEGMENT: utterance, FINAL: "true" if is_final else "false", USER: speaker}
    if voice.track:
        attributes[TRACK] = voice.track
    return RoomText(TOPIC, text, attributes, voice.identity)
