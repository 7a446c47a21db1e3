"""What goes with a report, however it was made."""

from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import rank

LINES = 5
"""The last words of the reported that moderators are shown."""


def context_of(space: LiveSpace, reported: UserId) -> str:
    """What moderators need to judge: role, and the last words.

    It is shown in a room: a guest who never had the floor stays nameless there, too.
    """
    person = space.person(reported)
    role = (
        "guest"
        if person.guest
        else rank(space, reported).name.lower().replace("cohost", "co-host")
    )
    nameless = person.guest and not person.joined
    named = role if nameless or not person.name else f"{person.name} · {role}"
    said = [line for line in space.caption_lines if line.speaker == reported]
    lines = [f"“{line.text}”" for line in said[-LINES:]]
    return "\n".join([f"{named} in “{space.title}”", *lines])
