"""The sender of invitations by DM: when they are written, and what they say."""

from functools import partial

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.dms_and_reactions import Invitation
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.core.text.dates import shown_utc
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.dms.tappable import seed, write
from spaces_bridge.matrix.events.emojis import NOBODY, NOT_THEM, YES
from spaces_bridge.matrix.invites.limits import InviteReport
from spaces_bridge.matrix.invites.policy import InvitePolicy, Objection
from spaces_bridge.matrix.invites.throttle import ServerThrottle
from spaces_bridge.matrix.settings import MatrixSettings
from spaces_bridge.matrix.text.people import shown
from spaces_bridge.pacing.fair_queue import FairQueue

GROUP = "invitations"
"""The group of invitations, which shares the rate with live spaces and DMs, event by event."""
NO_INVITES = frozenset({"M_FORBIDDEN", "M_INVITE_BLOCKED"})


class InvitationSender:
    """The invitation sender carries out `InviteByMessage`.

    Raises RequestRefused, Away, StorageError.
    """

    kinds = (tasks.InviteByMessage,)

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        spaces: Spaces,
        dm_store: DmStore,
        policy: InvitePolicy,
        report: InviteReport,
        settings: MatrixSettings,
        throttle: ServerThrottle,
        share: FairQueue,
    ) -> None:
        self._bot = bot
        self._dms = dms
        self._spaces = spaces
        self._dm_store = dm_store
        self._policy = policy
        self._report = report
        self._settings = settings
        self._throttle = throttle
        self._share = share

    async def run(self, wanted: tasks.InviteByMessage, key: str) -> EventId | None:
        """Write the invitation in its turn; the result is the message's event id.

        None: the invitation is not written.
        """
        server = _server(wanted.user)
        async with self._throttle.turn(server, partial(self._is_wanted, wanted)) as is_wanted:
            space = await self._spaces.find(wanted.space)
            if space is None:
                return None
            if not is_wanted:
                await self._tell_of_silence(space, wanted)
                return None
            objection = await self._policy.objection(space, wanted, key)
            if objection is not None:
                await self._not_invited(wanted, objection)
                return None
            sent = Invitation(space.space, wanted.user, wanted.by, space.host)
            await self._dm_store.note_last(sent)
            return await self._write(space, sent, wanted, key)

    async def refused(self, wanted: tasks.InviteByMessage, refusal: RequestRefused) -> None:
        """Tell the inviter that the person cannot be written to."""
        text = f"{wanted.user} could not be invited: they take no invitations from here."
        if refusal.errcode not in NO_INVITES:
            text = f"{wanted.user} could not be invited. Is that Matrix ID right?"
        await self._not_invited(wanted, Objection("refused", text))

    async def _is_wanted(self, wanted: tasks.InviteByMessage) -> bool:
        """Return whether the invitation is still wanted.

        This is asked the moment before it is written, and quick, because all others wait
        meanwhile.
        """
        space = await self._spaces.find(wanted.space)
        if space is None or self._policy.is_moot(space, wanted):
            return False
        return not await self._policy.is_silent(space, wanted)

    async def _tell_of_silence(self, space: LiveSpace, wanted: tasks.InviteByMessage) -> None:
        if not wanted.announcement and not self._policy.is_moot(space, wanted):
            await self._not_invited(wanted, self._policy.silence(space, wanted))

    async def _not_invited(self, wanted: tasks.InviteByMessage, no: Objection) -> None:
        space, by, user = wanted.space, wanted.by, wanted.user
        if not wanted.announcement:
            told = f"no-invite:{no.why}:{space}:{by}:{user}"
            await self._spaces.enqueue_task(tasks.TellUser(by, no.text), told)
        elif no.why != "again":
            await self._report.note(space, by, user, tomorrow=no.why == "person")

    # --- writing ------------------------------------------------------------------------------

    async def _write(
        self, space: LiveSpace, sent: Invitation, wanted: tasks.InviteByMessage, key: str
    ) -> EventId | None:
        room = await self._room(space, wanted)
        await self._turn()
        if await self._policy.is_silent(space, wanted):
            return None  # the person opted out while the room was made ready
        with self._dm_store.sending(room, key):
            event = await write(self._bot, room, self._text(space, wanted), key)
            await self._dm_store.note_invitation(event, sent)
        taps = (NOT_THEM, NOBODY) if space.phase is Phase.LIVE else (YES, NOT_THEM, NOBODY)
        await seed(self._bot, room, event, taps, key, self._turn)
        return event

    async def _room(self, space: LiveSpace, wanted: tasks.InviteByMessage) -> RoomId:
        """Return the person's direct room, into which they are invited if it is a new one.

        Raises Away, for another server that does not answer with the time for which it rests.
        """
        await self._turn()
        server = _server(wanted.user)
        title, page = _title(space, wanted), self._settings.page(space.slug)
        try:
            if space.private:
                await self._let_in(space, wanted.user)
            room = await self._dms.room_for(wanted.user, title, page)
        except Away as away:
            if server == self._settings.domain or away.retry_after_s is not None:
                raise
            rest_s = self._throttle.failed(server, certain=not away.unreached)
            raise Away(str(away), retry_after_s=rest_s) from away
        self._throttle.answered(server)
        return room

    async def _let_in(self, space: LiveSpace, user: UserId) -> None:
        if space.room is None:
            return
        member = await self._bot.state(space.room, "m.room.member", user)
        if member is None or member.get("membership") not in {"join", "invite"}:
            await self._bot.call("POST", ["rooms", space.room, "invite"], {"user_id": user})

    async def _turn(self) -> None:
        await self._share.turn(GROUP)

    def _text(self, space: LiveSpace, wanted: tasks.InviteByMessage) -> str:
        name = shown(space, wanted.by)
        title = _title(space, wanted)
        when = [_when(space)]
        if wanted.announcement and space.phase is Phase.LIVE:
            title, when = f"🔴 {name} is live: {space.title}", []
        reminder = "" if space.phase is Phase.LIVE else f"{YES} remind me · "
        taps = f"{reminder}{NOT_THEM} nothing more from {name} · {NOBODY} no invitations at all"
        return "\n".join([title, *when, self._ways(space), f"Tap {taps}."])

    def _ways(self, space: LiveSpace) -> str:
        room_link = f"https://matrix.to/#/{self._settings.alias(space.slug)}"
        if space.private:
            return (
                f"Accept the invitation to its room, {room_link}, "
                "then write `link` here to listen."
            )
        page = self._settings.page(space.slug)
        return f"Listen in your browser: {page}\nOr join the room: {room_link}"


def _title(space: LiveSpace, wanted: tasks.InviteByMessage) -> str:
    return f"{shown(space, wanted.by)} invites you: {space.title}"


def _when(space: LiveSpace) -> str:
    if space.phase is Phase.LIVE:
        return "It is live now."
    if space.scheduled_at_ms is None:
        return "It has not started yet."
    return f"It starts on {shown_utc(space.scheduled_at_ms)}."


def _server(user: UserId) -> str:
    return user.partition(":")[2]
