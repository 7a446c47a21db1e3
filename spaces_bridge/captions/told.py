"""The worker's words in the application's own terms."""

from spaces_bridge.app import ports
from spaces_bridge.captions import messages


def draft(message: messages.Draft) -> ports.Draft:
    """What is being said."""
    return ports.Draft(
        utterance=message.utterance,
        speaker=message.speaker,
        text=message.text,
        committed=message.committed,
        start_ms=message.start_ms,
        end_ms=message.end_ms,
        language=message.language,
    )


def utterance(message: messages.Utterance) -> ports.Utterance:
    """What was said."""
    return ports.Utterance(
        id=message.utterance,
        speaker=message.speaker,
        start_ms=message.start_ms,
        end_ms=message.end_ms,
        text=message.text,
        language=message.language,
    )
