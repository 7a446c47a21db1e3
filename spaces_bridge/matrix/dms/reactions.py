"""Reactions of people in their direct room: taps on the bot's DMs, and leaving the room."""

import logging
from contextlib import suppress

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.dms_and_reactions import (
    Invitation,
    InvitationReaction,
    StageInvitationMessage,
)
from spaces_bridge.app.ports import Clock, Followers
from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.events import emojis
from spaces_bridge.matrix.events.translate import MemberChanged, Reaction, Redaction
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.text.people import shown
from spaces_bridge.matrix.text.wording import FLOOR_COMES, STAYS_LISTENER

log = logging.getLogger(__name__)

TAPS = frozenset({emojis.YES, emojis.NO, emojis.NOT_THEM, emojis.NOBODY})
QUARTER_MS = 15 * 60_000
DAY_MS = 86_400_000


class DmReactions:
    """The handler of DM reactions carries out what they ask, and replies.

    Its methods are safe to repeat, and raise AdapterError.
    """

    def __init__(
        self,
        spaces: Spaces,
        followers: Followers,
        dm_store: DmStore,
        settings: MatrixSettings,
        clock: Clock,
        calling: Calling,
    ) -> None:
        self._spaces = spaces
        self._calling = calling
        self._followers = followers
        self._dm_store = dm_store
        self._settings = settings
        self._clock = clock

    async def reacted(self, reaction: Reaction) -> None:
        """Handle a tap on a message of ours; any other reaction means nothing."""
        key = emojis.plain(reaction.key)
        if key not in TAPS:
            return
        sent = self._dm_store.on_the_way(reaction.room)
        if not await self._answered(reaction, key) and sent:
            # the homeserver shows a message before it tells us which event it became
            await self._dm_store.noted(reaction.room, sent)
            await self._answered(reaction, key)

    async def took_back(self, redaction: Redaction) -> None:
        """Handle the redaction of a tap on an invitation."""
        tap = await self._dm_store.tap(redaction.target)
        if tap is None or tap.user != redaction.sender:
            return
        if tap.emoji == emojis.YES:
            await self._ask(tap.space, cmd.DropReminder(tap.user), redaction.event)
            await self._calling.do_not_call(tap.space, tap.user)
            answer = "No reminder, then."
        else:
            for host in tap.hosts or (None,):
                await self._followers.hear_again(tap.user, host)
            answer = "You may be invited again."
        await self._reply(redaction.room, tap.message, redaction.event, answer)
        await self._dm_store.forget_tap(redaction.target)

    async def member_changed(self, change: MemberChanged) -> None:
        """Take declining or leaving the direct room as a no to those who invited last."""
        if not change.gone or not await self._dm_store.is_of(change.room, change.user):
            return
        last = await self._dm_store.last(change.user)
        if last is None:
            return
        for sender in last.senders:
            await self._followers.silence(change.user, sender, self._clock.now_ms())
        log.info("an invitation was declined")

    async def _answered(self, reaction: Reaction, key: str) -> bool:
        """Handle the tap; return whether it was on a message that we know to be ours."""
        if key != emojis.NO:
            invitation = await self._dm_store.invitation(reaction.target)
            if invitation is not None:
                await self._answer_invitation(invitation, reaction, key)
                return True
        if key in {emojis.YES, emojis.NO}:
            return await self._answer_question(reaction, yes=key == emojis.YES)
        return False

    # --- invitations --------------------------------------------------------------------------

    async def _answer_invitation(
        self, invitation: Invitation, reaction: Reaction, key: str
    ) -> None:
        user = reaction.sender
        if user != invitation.user or not await self._dm_store.is_of(reaction.room, user):
            return
        hosts: tuple[UserId, ...] = ()
        ok = True
        if key == emojis.YES:
            answer, ok = await self._want_reminder(invitation, reaction)
        elif key == emojis.NOT_THEM:
            hosts = invitation.senders
            for host in hosts:
                await self._followers.silence(user, host, self._clock.now_ms())
            answer = "Nothing more from them. Take your 🔕 back, or `follow` them, to undo it."
        else:
            await self._followers.silence(user, None, self._clock.now_ms())
            answer = "No more invitations. Take your 🚫 back, or `follow` somebody, to undo it."
        await self._dm_store.note_tap(
            InvitationReaction(reaction.event, key, invitation.space, user, reaction.target, hosts)
        )
        await self._reply(reaction.room, reaction.target, reaction.event, answer, ok=ok)

    async def _want_reminder(self, invitation: Invitation, reaction: Reaction) -> tuple[str, bool]:
        refusal = await self._ask(
            invitation.space, cmd.WantReminder(invitation.user), reaction.event
        )
        space = await self._spaces.find(invitation.space)
        if refusal is None:
            promise = _promise(space, self._clock.now_ms())
            if space is not None and await self._is_to_be_called(invitation, space, reaction):
                return f"{promise} Then I call you, too.", True
            return promise, True
        if space is not None and space.phase is Phase.LIVE:
            return f"{refusal} {self._way(space)}", True
        return refusal, False

    async def _is_to_be_called(
        self, invitation: Invitation, space: LiveSpace, reaction: Reaction
    ) -> bool:
        """Have the person called when it goes live, if they chose `ring` for its host."""
        alert = await self._followers.alert(invitation.host, invitation.user)
        if alert is not CallAlert.RING:
            return False
        with suppress(Rejected):
            await self._calling.call_me(space, invitation.user, reaction.event)
            return True
        return False

    def _way(self, space: LiveSpace) -> str:
        if space.private:
            return f"https://matrix.to/#/{self._settings.alias(space.slug)}"
        return self._settings.page(space.slug)

    # --- prompts ------------------------------------------------------------------------------

    async def _answer_question(self, reaction: Reaction, *, yes: bool) -> bool:
        offer = await self._dm_store.offer(reaction.target)
        if offer is not None:
            await self._answer_offer(offer, reaction, yes=yes)
            return True
        prompt = await self._dm_store.prompt(reaction.target)
        if prompt is not None:
            await self._answer_prompt(prompt.space, prompt.user, reaction, yes=yes)
        return prompt is not None

    async def _answer_offer(
        self, offer: StageInvitationMessage, reaction: Reaction, *, yes: bool
    ) -> None:
        if reaction.sender != offer.user:
            return
        command: cmd.Command = cmd.DeclineInvitation(offer.user)
        answer = STAYS_LISTENER
        if yes:
            command = cmd.AcceptInvitation(offer.user)
            answer = FLOOR_COMES
        await self._ask_and_reply(offer.space, command, reaction, answer)

    async def _answer_prompt(
        self, identity: SpaceId, user: UserId, reaction: Reaction, *, yes: bool
    ) -> None:
        space = await self._spaces.find(identity)
        if space is None:
            return
        name = shown(space, user)
        command: cmd.Command = cmd.DenySpeaker(reaction.sender, user)
        answer = f"Declined: {name}."
        if yes:
            command = cmd.ApproveSpeaker(reaction.sender, user)
            answer = f"The floor goes to {name}."
        await self._ask_and_reply(identity, command, reaction, answer)

    # --- answering ----------------------------------------------------------------------------

    async def _ask_and_reply(
        self, space: SpaceId, command: cmd.Command, reaction: Reaction, answer: str
    ) -> None:
        refusal = await self._ask(space, command, reaction.event)
        text, ok = (answer, True) if refusal is None else (refusal, False)
        await self._reply(reaction.room, reaction.target, reaction.event, text, ok=ok)

    async def _ask(self, space: SpaceId, command: cmd.Command, source: EventId) -> str | None:
        """Ask the live space; return None when it is done, else a sentence that says why not."""
        try:
            await self._spaces.ask(space, command, source)
        except Rejected as refusal:
            return refusal.text
        return None

    async def _reply(
        self, room: RoomId, message: EventId, cause: EventId, text: str, *, ok: bool = True
    ) -> None:
        await self._spaces.enqueue_task(tasks.Reply(room, message, text, ok), f"reply:{cause}")


def _promise(space: LiveSpace | None, now_ms: int) -> str:
    """Return the promise of those reminders only that are still to come."""
    if space is None or space.scheduled_at_ms is None:
        return "I write to you when it starts."
    left_ms = space.scheduled_at_ms - now_ms
    if left_ms > DAY_MS:
        return "I remind you a day and 15 minutes before, and when it starts."
    if left_ms > QUARTER_MS:
        return "I remind you 15 minutes before, and when it starts."
    return "I write to you when it starts."
