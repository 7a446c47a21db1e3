"""The opening of a microphone in the live space, which its owner's own act asks for."""

import logging
from collections.abc import Callable
from enum import Enum, auto

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import SpaceId, UserId

log = logging.getLogger(__name__)


class Opening(Enum):
    """What came of asking a live space to open a microphone."""

    REFUSED = auto()
    """The live space did not open it, or could not."""
    GONE = auto()
    """It was opened, and its owner wants it no more: who asked closes it, or has another one."""
    CLOSED = auto()
    """It was opened, and the live space has closed it again meanwhile."""
    OPEN = auto()


async def asked_to_open(
    spaces: Spaces, space: SpaceId, user: UserId, is_wanted: Callable[[], bool]
) -> Opening:
    """Ask the live space to open a person's microphone, and return what came of it.

    `is_wanted` tells, after the answer, whether the person's act still stands.
    """
    try:
        await spaces.ask(space, cmd.OpenMicrophone(user))
    except (Rejected, AdapterError) as refusal:
        code = refusal.code if isinstance(refusal, Rejected) else "an outage"
        log.debug("a microphone of a call stays shut: %s", code)
        return Opening.REFUSED
    if not is_wanted():
        return Opening.GONE
    view = spaces.view(space)
    is_on_air = view is not None and user in view.on_air
    return Opening.OPEN if is_on_air else Opening.CLOSED
