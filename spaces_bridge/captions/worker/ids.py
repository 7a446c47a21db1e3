"""How the worker names speakers and utterances."""

import hashlib
from typing import TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId

TrackId: TypeAlias = tuple[SpaceId, UserId]
"""One speaker's track."""


def utterance_id(space: SpaceId, speaker: UserId, start_ms: int) -> UtteranceId:
    """The same id for the same words of the same person, whoever writes them down and when.

    An utterance has it as soon as it has begun: its drafts and its final bear the same.
    """
    seed = f"{space}\0{speaker}\0{start_ms}".encode()
    return UtteranceId(hashlib.sha256(seed).hexdigest()[:16])
