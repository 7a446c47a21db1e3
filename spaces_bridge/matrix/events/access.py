"""Access to a live space's room, as state events. Pure."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from spaces_bridge.app.policy_book import matches
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.events.content import size

DENIED_MAX = 1000
DENIED_MAX_BYTES = 30_000
"""The limit of bytes for denied servers; a state event may have 65,536 bytes."""


class Access(NamedTuple):
    """One state event about access, with an empty state key."""

    type: str
    content: dict[str, Any]


def access_of(space: LiveSpace) -> Iterator[Access]:
    """Yield who may come in and read: nobody new while the live space is locked."""
    rule = "invite" if space.private or space.locked else "public"
    yield Access("m.room.join_rules", {"join_rule": rule})
    yield Access("m.room.history_visibility", {"history_visibility": "shared"})
    yield Access("m.room.guest_access", {"guest_access": "forbidden"})


def server_acl(globs: Sequence[str], domain: str) -> tuple[dict[str, Any], int]:
    """Return the content of `m.room.server_acl`, and how many of the globs found no place.

    Our own server is never kept out.
    """
    ours = domain.rpartition(":")[0] if domain.rpartition(":")[2].isdigit() else domain
    wanted = [g for g in sorted(set(globs)) if not matches(g, ours) and not matches(g, domain)]
    denied, bytes_left = list[str](), DENIED_MAX_BYTES
    for glob in wanted[:DENIED_MAX]:
        bytes_left -= size(glob) + 3
        if bytes_left < 0:
            break
        denied.append(glob)
    content = {"allow": ["*"], "allow_ip_literals": True, "deny": denied}
    return content, len(wanted) - len(denied)
