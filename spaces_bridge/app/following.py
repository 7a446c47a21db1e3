"""Inviting one's followers to a live space: once, however it was asked for."""

from typing import Protocol

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.notes.inviting import FollowersInvited
from spaces_bridge.app.ports import Followers, NoteStore
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.common import refuse_if_ended, refuse_unless_moderator


class Wishing(Protocol):
    """``Spaces``, as far as it is needed here."""

    async def wish(self, wanted: wish.Wish, key: str, due_at_ms: int = 0) -> None: ...


async def invite_followers(
    spaces: Wishing,
    notes: NoteStore,
    followers: Followers,
    space: LiveSpace,
    by: UserId,
    source: str,
) -> int:
    """Have them written to; how many they are. Raises Rejected, StorageError.

    ``source`` is what was asked: the same again, after a crash, is done and not refused.
    """
    refuse_if_ended(space)
    refuse_unless_moderator(space, by)
    if space.locked:
        raise Rejected("locked", "This live space is locked: nobody new comes in right now.")
    before = await notes.get(FollowersInvited.key(space.space, by))
    if before is not None and before.source != source:
        raise Rejected("again", "Your followers were told of this live space already.")
    count = await followers.count(by)
    if not count:
        raise Rejected("no_followers", "Nobody follows you yet.")
    wanted = wish.InviteFollowers(space.space, by)
    await spaces.wish(wanted, f"invite-followers:{space.space}:{by}")
    await notes.put(FollowersInvited(space.space, by, source))
    return count
