"""The rules of what is said and shown: captions, reactions, posts, invitations, chat."""

from collections.abc import Callable, Iterator

from spaces_bridge.core import commands as cmd
from spaces_bridge.core import events as ev
from spaces_bridge.core import refusals
from spaces_bridge.core.access import GuestPolicy
from spaces_bridge.core.display_names import called
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.rules.common import (
    refuse_if_ended,
    refuse_if_removed,
    refuse_unless_live,
    refuse_unless_moderator,
)
from spaces_bridge.core.text.links import URL_MAX, is_web_address

EMOJI_MAX = 50
"""The number of different emoji counted in one live space; everybody is sent all counts."""

OTHERS = "💬"
"""The emoji that stands for all further ones that people in the room react with."""


def caption_utterance(space: LiveSpace, command: cmd.CaptionUtterance) -> Iterator[ev.Event]:
    """Add a caption once; late ones still count after the end, none when captions are off."""
    if space.phase is Phase.SCHEDULED or not space.captions:
        return
    middle_ms = (command.start_ms + command.end_ms) // 2
    if middle_ms <= space.captioned_until_ms.get(command.speaker, -1):
        return  # captioned again after a restart; neighbouring utterances share only an edge
    name = called(space, command.speaker) or command.speaker
    yield ev.UtteranceCaptioned(
        command.utterance,
        command.speaker,
        name,
        command.start_ms,
        command.end_ms,
        command.text,
        command.language,
    )


def react(space: LiveSpace, command: cmd.React) -> Iterator[ev.Event]:
    refuse_unless_live(space)
    refuse_if_removed(space, command.by)
    emoji = command.emoji
    if emoji not in space.reactions and len(space.reactions) >= EMOJI_MAX:
        if command.annotation is None:
            raise refusals.too_many_kinds()
        emoji = OTHERS  # the reaction is in the room already, whatever we say
    yield ev.Reacted(command.by, emoji, command.annotation)


def count_reactions(space: LiveSpace, command: cmd.CountReactions) -> Iterator[ev.Event]:
    if space.phase is not Phase.LIVE:
        return
    counts = dict[str, int]()
    for emoji, count in sorted(command.counts.items()):
        known = emoji in space.reactions or len(space.reactions.keys() | counts) < EMOJI_MAX
        if known and count > 0:
            counts[emoji] = count
    if counts:
        yield ev.ReactionsCounted(counts)


def may_share(space: LiveSpace, user: UserId) -> bool:
    """Return whether the person may share links now."""
    return _is_let(_refuse_sharer, space, user)


def share_post(space: LiveSpace, command: cmd.SharePost) -> Iterator[ev.Event]:
    _refuse_sharer(space, command.by)
    if len(command.url) > URL_MAX:
        raise Rejected(
            "link_too_long", "That link is longer than {most} characters.", most=URL_MAX
        )
    if not is_web_address(command.url):
        raise Rejected(
            "bad_link", "Share a link that begins with https:// or http://, then names its server."
        )
    if command.url in [post.url for post in space.posts]:
        raise Rejected("already_shared", "That is pinned already.")
    name = space.person(command.by).name or command.by
    yield ev.PostShared(
        space.posts_shared + 1, command.url, command.event, command.by, name, command.at_ms
    )


def _refuse_sharer(space: LiveSpace, user: UserId) -> None:
    refuse_unless_moderator(space, user)
    refuse_unless_live(space)


def may_invite(space: LiveSpace, user: UserId) -> bool:
    """Return whether the person may invite others now."""
    return _is_let(_refuse_inviter, space, user)


def invite_person(space: LiveSpace, command: cmd.InvitePerson) -> Iterator[ev.Event]:
    _refuse_inviter(space, command.by)
    if space.person(command.user).guest:
        raise refusals.guest_invited()
    if command.user in space.removed:
        raise refusals.is_removed()
    if space.person(command.user).joined:
        raise Rejected("already_here", "That person is here already.")
    yield ev.PersonInvited(command.user, command.by)


def _refuse_inviter(space: LiveSpace, user: UserId) -> None:
    refuse_if_ended(space)
    if space.person(user).guest:
        raise refusals.account_needed()
    if user in space.removed or not space.person(user).joined:
        raise refusals.not_joined()
    if space.private and not space.role(user).may_moderate:
        raise Rejected("private_invites", "In a private live space only hosts invite.")
    if space.locked:
        raise refusals.locked()


def _is_let(refuse: Callable[[LiveSpace, UserId], None], space: LiveSpace, user: UserId) -> bool:
    try:
        refuse(space, user)
    except Rejected:
        return False
    return True


def may_chat(space: LiveSpace, user: UserId, *, guest: bool) -> bool:
    """Return whether `refuse_to_chat` would let the person write."""
    return _why_not_chat(space, user, guest=guest) is None


def refuse_to_chat(space: LiveSpace, user: UserId, *, guest: bool) -> None:
    """Raise Rejected when the person may not write in the chat from the page.

    The room's levels keep the same rule for everybody else: where listeners may not write, only
    people with the floor do. The journal keeps no chat, so writing is no command. Whether a server
    lets guests write at all is not asked here.
    """
    refusal = _why_not_chat(space, user, guest=guest)
    if refusal is not None:
        raise refusal


def _why_not_chat(space: LiveSpace, user: UserId, *, guest: bool) -> Rejected | None:
    if space.phase is Phase.ENDED:
        return refusals.ended()
    if user in space.removed:
        return refusals.removed()
    if guest and space.guests is not GuestPolicy.SPEAK:
        return refusals.guests_only_read()
    person = space.person(user)
    if not guest and not person.joined:
        return refusals.not_joined()
    seated = person.joined and space.role(user).may_speak and user not in space.closing
    if space.listeners_may_write or seated:
        return None
    if space.locked:
        return Rejected("locked_chat", "The room is locked: listeners cannot write for now.")
    return Rejected("chat_off", "The chat is off: only people with the floor write for now.")
