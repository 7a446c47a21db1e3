"""The task handler of prompts: DMs that are answered with a tap on ✅ or ❌."""

from contextlib import suppress
from typing import get_args

from spaces_bridge.app import tasks
from spaces_bridge.app.notes.dms_and_reactions import StageInvitationMessage
from spaces_bridge.app.notes.rooms import HandAsked
from spaces_bridge.app.ports import Followers, NoteStore
from spaces_bridge.app.records import CallAlert
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases.calling import Calling
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.dms.rooms import DirectRooms
from spaces_bridge.matrix.dms.store import DmStore
from spaces_bridge.matrix.dms.tappable import seed, write
from spaces_bridge.matrix.events.emojis import NO, YES
from spaces_bridge.matrix.text.people import NAMELESS, shown

Question = tasks.PromptModerator | tasks.OfferToSpeak


class PromptHandler:
    """The prompt handler asks by DM. Its methods raise RequestRefused, Away, StorageError."""

    kinds = get_args(Question)

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        spaces: Spaces,
        notes: NoteStore,
        dm_store: DmStore,
        followers: Followers,
        calling: Calling,
    ) -> None:
        self._followers = followers
        self._calling = calling
        self._bot = bot
        self._dms = dms
        self._spaces = spaces
        self._notes = notes
        self._dm_store = dm_store

    async def run(self, wanted: Question, key: str) -> EventId | None:
        """Send the prompt, unless it is answered already; the result is the message's event id."""
        match wanted:
            case tasks.PromptModerator():
                return await self._prompt(wanted, key)
            case tasks.OfferToSpeak():
                return await self._offer(wanted, key)

    async def refused(self, wanted: Question, refusal: RequestRefused) -> None:
        """Tell the inviter that an invitation to speak did not reach the person."""
        if isinstance(wanted, tasks.OfferToSpeak):
            text = f"I could not ask {wanted.user} whether they want to speak: write to them."
            key = f"refused-offer:{wanted.space}:{wanted.by}:{wanted.user}"
            await self._spaces.enqueue_task(tasks.TellUser(wanted.by, text), key)

    async def _prompt(self, wanted: tasks.PromptModerator, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        request = space.requests.get(wanted.user) if space is not None else None
        if space is None or request is None or request.state is not RequestState.PENDING:
            return None  # withdrawn or answered meanwhile
        hand = request.asked_at_ms
        asked = HandAsked(wanted.space, wanted.moderator, wanted.user, hand, key)
        before = await self._notes.get(HandAsked.key(wanted.space, wanted.moderator, wanted.user))
        if before is not None and (before.hand_at_ms == hand) != (before.task == key):
            # Raised, lowered and raised again before we came to ask, or while we asked: this
            # hand is for the other prompt, which has a transaction id of its own.
            return None
        await self._notes.put(asked)
        name = shown(space, wanted.user)
        who = "A guest of the page" if name == NAMELESS else name
        text = (
            f"✋ {who} asks to speak in “{space.title}”. "
            f"Tap {YES} to give the floor, {NO} to decline."
        )
        room = await self._dms.room_for(wanted.moderator)
        with self._dm_store.sending(room, key):
            event = await write(self._bot, room, text, key)
            await self._dm_store.note_prompt(event, wanted.space, wanted.user)
        await seed(self._bot, room, event, (YES, NO), key)
        return event

    async def _offer(self, wanted: tasks.OfferToSpeak, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or space.offers.get(wanted.user) != wanted.by:
            return None  # answered or taken back meanwhile
        name = shown(space, wanted.by)
        text = (
            f"🎙 {name} invites you to speak in “{space.title}”. "
            f"Tap {YES} to take the floor, {NO} to stay a listener. Nobody hears you before you "
            "switch your microphone on."
        )
        room = await self._dms.room_for(wanted.user, f"{name} invites you to speak: {space.title}")
        with self._dm_store.sending(room, key):
            event = await write(self._bot, room, text, key)
            await self._dm_store.note_offer(
                StageInvitationMessage(event, space.space, wanted.user)
            )
        await seed(self._bot, room, event, (YES, NO), key)
        await self._ring(space, wanted.user, key)
        return event

    async def _ring(self, space: LiveSpace, user: UserId, key: str) -> None:
        """Have the bot call who was asked onto the stage, if they chose `ring` for its host."""
        if await self._followers.alert(space.host, user) is CallAlert.RING:
            with suppress(Rejected):
                await self._calling.call_me(space, user, f"asked:{key}")
