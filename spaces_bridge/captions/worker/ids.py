"""The worker's ids of tracks and utterances."""

import hashlib
from typing import TypeAlias

from spaces_bridge.core.ids import SpaceId, UserId, UtteranceId

TrackId: TypeAlias = tuple[SpaceId, UserId]
"""The id of one speaker's track."""


def utterance_id(space: SpaceId, speaker: UserId, start_ms: int) -> UtteranceId:
    """Return the id of an utterance: the same for whichever worker transcribes it, and whenever.

    An utterance has it as soon as it has begun: its drafts and its final bear the same.
    """
    seed = f"{space}\0{speaker}\0{start_ms}".encode()
    return UtteranceId(hashlib.sha256(seed).hexdigest()[:16])
