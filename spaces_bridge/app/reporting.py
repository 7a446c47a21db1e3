"""What goes with a report, however it was made."""

from collections.abc import Sequence

from spaces_bridge.app.chat import ChatLine
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import rank

LINES = 5
"""The last words of the reported that moderators are shown, said and written."""

WRITTEN_MAX = 300
"""Characters of each written one."""


def context_of(space: LiveSpace, reported: UserId, chat: Sequence[ChatLine] = ()) -> str:
    """What moderators need to judge: role, and the last words. ``chat``: everybody's.

    It is shown in a room: a guest who never had the floor stays nameless there, too.
    """
    person = space.person(reported)
    wrote = [line for line in chat if line.user == reported]
    guest = person.guest or any(line.guest for line in wrote)
    role = "guest" if guest else rank(space, reported).name.lower().replace("cohost", "co-host")
    nameless = guest and not person.joined
    named = role if nameless or not person.name else f"{person.name} · {role}"
    said = [line for line in space.caption_lines if line.speaker == reported]
    lines = [f"“{line.text}”" for line in said[-LINES:]]
    written = [f"wrote: “{_short(line.text)}”" for line in wrote[-LINES:]]
    return "\n".join([f"{named} in “{space.title}”", *lines, *written])


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WRITTEN_MAX else line[:WRITTEN_MAX] + "…"
