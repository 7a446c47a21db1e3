"""The invite policy: nobody is made to hear from the bot again and again."""

from dataclasses import dataclass

from spaces_bridge.app.notes.dms_and_reactions import Invitation
from spaces_bridge.app.notes.invite_counts import Counted
from spaces_bridge.app.ports import Clock, Followers
from spaces_bridge.app.tasks import InviteByMessage
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.dms.rooms import ChatStanding, DirectRooms
from spaces_bridge.matrix.invites.limits import InviteLimits
from spaces_bridge.matrix.settings import MatrixSettings


@dataclass(frozen=True, slots=True)
class Objection:
    """An objection to an invitation: `why` is a word for us, `text` words for the inviter."""

    why: str
    text: str


class InvitePolicy:
    """The invite policy decides who may be invited, by opt-outs, earlier answers and limits.

    Raises Away, StorageError.
    """

    def __init__(
        self,
        dms: DirectRooms,
        followers: Followers,
        limits: InviteLimits,
        settings: MatrixSettings,
        clock: Clock,
    ) -> None:
        self._dms = dms
        self._followers = followers
        self._limits = limits
        self._settings = settings
        self._clock = clock

    def is_moot(self, space: LiveSpace | None, wanted: InviteByMessage) -> bool:
        """Return whether nobody would miss the invitation."""
        user = wanted.user
        if space is None or space.phase is Phase.ENDED or space.locked:
            return True
        return space.person(user).joined or user in space.removed or self._settings.is_ours(user)

    async def is_silent(self, space: LiveSpace, wanted: InviteByMessage) -> bool:
        """Return whether the person wants nothing from the inviter, or from the host."""
        senders = _sent(space, wanted).senders
        return any([await self._followers.is_silent(wanted.user, who) for who in senders])

    async def objection(
        self, space: LiveSpace, wanted: InviteByMessage, key: str
    ) -> Objection | None:
        """Return what speaks against the invitation; None: it is noted, and counts from now on."""
        user, by, announcement = wanted.user, wanted.by, wanted.announcement
        if not await self._limits.is_first(space, by, user, key, announcement=announcement):
            text = f"You have invited {user} to “{space.title}” already: I write to them once."
            return Objection("again", text)
        standing = await self._dms.standing(user)
        found = await self._said_no(space, wanted, standing)
        found = found or await self._limit(space, wanted, key, standing)
        if found is None:
            await self._limits.note(space, _sent(space, wanted), key)
        return found

    def silence(self, space: LiveSpace, wanted: InviteByMessage) -> Objection:
        """Return the objection for a person who has opted out."""
        text = f"{wanted.user} was not invited: they take no invitations."
        return Objection("silent", f"{text} {self._way(space)}")

    async def _said_no(
        self, space: LiveSpace, wanted: InviteByMessage, standing: ChatStanding
    ) -> Objection | None:
        user = wanted.user
        if standing is ChatStanding.LEFT and not await self._follows_on(wanted):
            text = f"{user} has left my direct messages, so I do not write to them."
            return Objection("left", f"{text} {self._way(space)}")
        if standing is ChatStanding.ASKED and await self._was_unanswered(_sent(space, wanted)):
            text = f"{user} has not answered an earlier invitation, so I do not write to them."
            return Objection("unanswered", f"{text} {self._way(space)}")
        return None

    async def _follows_on(self, wanted: InviteByMessage) -> bool:
        """Return whether the person follows the inviter of an announcement.

        A follower who left because of somebody else's invitations still follows this inviter.
        """
        return wanted.announcement and await self._followers.follows(wanted.by, wanted.user)

    async def _was_unanswered(self, sent: Invitation) -> bool:
        """Return whether an earlier invitation of these senders was left unanswered: that is a no.

        An invitation to another live space counts, and the person is noted as silent to them.
        """
        asked = [
            await self._limits.has_asked_before(who, sent.user, sent.space) for who in sent.senders
        ]
        if any(asked):
            for sender in sent.senders:
                await self._followers.silence(sent.user, sender, self._clock.now_ms())
        return any(asked)

    async def _limit(
        self, space: LiveSpace, wanted: InviteByMessage, key: str, standing: ChatStanding
    ) -> Objection | None:
        """Count the invitation, or return the limit that speaks against it; then none counts."""
        stranger = standing in {ChatStanding.STRANGER, ChatStanding.ASKED}
        full = await self._limits.take(wanted, key, stranger=stranger)
        if full is None:
            return None
        why, text = self._reason(full)
        return Objection(why, f"{wanted.user} was not invited: {text} {self._way(space)}")

    def _reason(self, full: Counted) -> tuple[str, str]:
        """Return the word and the sentence for a limit that has no place left today."""
        match full:
            case Counted.STRANGERS_MET:
                most = self._settings.strangers_per_day
                text = f"I write to at most {most} people a day for you"
                return "strangers", f"{text} who have never talked with me."
            case Counted.INVITATIONS_SENT:
                most = self._settings.invitations_per_inviter
                return "inviter", f"I write at most {most} invitations a day for you."
            case Counted.INVITATIONS_GOT:
                return "person", "they have got many invitations today already."

    def _way(self, space: LiveSpace) -> str:
        return f"Send them the link yourself: {self._settings.page(space.slug)}"


def _sent(space: LiveSpace, wanted: InviteByMessage) -> Invitation:
    return Invitation(space.space, wanted.user, wanted.by, space.host)
