"""Wishes carried out by direct message to one person."""

import json
from typing import get_args

from spaces_bridge.app import wishes as wish
from spaces_bridge.app.ports import Outbox
from spaces_bridge.core.ids import EventId, SpaceId, UserId
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.client import MatrixClient
from spaces_bridge.matrix.content import annotation, message
from spaces_bridge.matrix.dms import DirectRooms, Standing
from spaces_bridge.matrix.doors import SessionsDoor, SpacesDoor
from spaces_bridge.matrix.emojis import NO, YES
from spaces_bridge.matrix.errors import Refused
from spaces_bridge.matrix.invites import STRANGERS_A_DAY, InviteLimits
from spaces_bridge.matrix.people import shown
from spaces_bridge.matrix.settings import MatrixSettings

LetterWish = (
    wish.PromptModerator | wish.OfferFloor | wish.TellUser | wish.InviteByMessage | wish.SendLink
)


class Letters:
    """Writes direct messages. All raise Refused, Away, StorageError."""

    kinds = get_args(LetterWish)

    def __init__(
        self,
        bot: MatrixClient,
        dms: DirectRooms,
        spaces: SpacesDoor,
        sessions: SessionsDoor,
        outbox: Outbox,
        settings: MatrixSettings,
        limits: InviteLimits,
    ) -> None:
        self._bot = bot
        self._dms = dms
        self._spaces = spaces
        self._sessions = sessions
        self._outbox = outbox
        self._settings = settings
        self._limits = limits

    async def run(self, wanted: LetterWish, key: str) -> EventId | None:
        """Write it; the result is the message's event id."""
        match wanted:
            case wish.TellUser():
                return await self._write(wanted.user, wanted.text, key)
            case wish.PromptModerator():
                return await self._prompt(wanted, key)
            case wish.OfferFloor():
                return await self._offer(wanted, key)
            case wish.SendLink():
                return await self._link(wanted, key)
            case wish.InviteByMessage():
                return await self._invite(wanted, key)

    async def refused(self, wanted: LetterWish, refusal: Refused) -> None:
        """The person cannot be written to: an inviter is told."""
        if isinstance(wanted, wish.InviteByMessage):
            text = f"{wanted.user} could not be invited: they take no invitations from here."
            if refusal.errcode not in {"M_FORBIDDEN", "M_INVITE_BLOCKED"}:
                text = f"{wanted.user} could not be invited. Is that Matrix ID right?"
            key = f"refused-invite:{wanted.space}:{wanted.by}:{wanted.user}"
            await self._spaces.wish(wish.TellUser(wanted.by, text), key)

    async def question_of(self, prompt: EventId) -> tuple[SpaceId, UserId] | None:
        """The live space and the person a prompt was about."""
        note = await self._outbox.lookup(f"prompt:{prompt}")
        if note is None:
            return None
        space, user = json.loads(note)
        return SpaceId(space), UserId(user)

    async def _write(self, user: UserId, text: str, key: str) -> EventId:
        room = await self._dms.room_for(user)
        return await self._bot.send(room, "m.room.message", message(text, None, "m.text"), key)

    async def _prompt(self, wanted: wish.PromptModerator, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or wanted.user not in space.requests:
            return None  # withdrawn or answered meanwhile
        asked = f"asked:{wanted.space}:{wanted.moderator}:{wanted.user}"
        hand = str(space.requests[wanted.user].asked_at_ms)
        at, _, of = (await self._outbox.lookup(asked) or "").partition(" ")
        if at == hand and of != key:
            return None  # raised, lowered and raised again before we came to ask
        await self._outbox.remember(asked, f"{hand} {key}")
        name = shown(space, wanted.user)
        who = "A guest of the page" if name == "a guest" else name
        text = (
            f"✋ {who} asks to speak in “{space.title}”. "
            f"Tap {YES} to give the floor, {NO} to decline."
        )
        room = await self._dms.room_for(wanted.moderator)
        event = await self._bot.send(room, "m.room.message", message(text, None, "m.text"), key)
        await self._outbox.remember(f"prompt:{event}", json.dumps([wanted.space, wanted.user]))
        for emoji in (YES, NO):
            await self._bot.send(room, "m.reaction", annotation(event, emoji), f"{key}:{emoji}")
        return event

    async def _offer(self, wanted: wish.OfferFloor, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or not space.may_speak(wanted.user):
            return None
        link = await self._personal_link(space, wanted.user)
        text = (
            f"The floor in “{space.title}” is yours. Open {link} and switch your microphone on: "
            "nobody hears you before you do. The link is yours alone, keep it to yourself."
        )
        return await self._write(wanted.user, text, key)

    async def _link(self, wanted: wish.SendLink, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or space.phase is Phase.ENDED:
            return None
        link = await self._personal_link(space, wanted.user)
        text = f"Your personal link to “{space.title}”: {link}\nKeep it to yourself: it is you."
        return await self._write(wanted.user, text, key)

    async def _invite(self, wanted: wish.InviteByMessage, key: str) -> EventId | None:
        space = await self._spaces.find(wanted.space)
        if space is None or space.phase is Phase.ENDED:
            return None
        if not await self._may_invite(space, wanted, key):
            return None
        name = shown(space, wanted.by)
        page = self._settings.page(space.slug)
        title = f"{name} invites you: {space.title}"
        if space.private:
            await self._let_in(space, wanted.user)
        room = await self._dms.room_for(wanted.user, title, page)
        when = "It is live now." if space.phase is Phase.LIVE else "It has not started yet."
        door = f"https://matrix.to/#/{self._settings.alias(space.slug)}"
        way = f"Listen in your browser: {page}\nOr join the room: {door}"
        if space.private:
            way = f"Accept the invitation to its room, {door}, then write `link` here to listen."
        text = f"{title}\n{when} {way}"
        return await self._bot.send(room, "m.room.message", message(text, None, "m.text"), key)

    async def _may_invite(self, space: LiveSpace, wanted: wish.InviteByMessage, key: str) -> bool:
        """Nobody is made to hear from us again and again. The inviter is told why not."""
        user, by = wanted.user, wanted.by
        if not await self._limits.is_first(space.space, by, user, key):
            text = f"You have invited {user} to “{space.title}” already: I write to them once."
            await self._tell_inviter(wanted, "again", text)
            return False
        way = f"Send them the link yourself: {self._settings.page(space.slug)}"
        standing = await self._dms.standing(user)
        if standing is Standing.LEFT:
            text = f"{user} has left my direct messages, so I do not write to them. {way}"
            await self._tell_inviter(wanted, "left", text)
            return False
        if standing is Standing.STRANGER and not await self._limits.may_meet(by, user):
            text = (
                f"{user} was not invited: I write to at most {STRANGERS_A_DAY} people a day for "
                f"you who have never talked with me. {way}"
            )
            await self._tell_inviter(wanted, "strangers", text)
            return False
        await self._limits.note(space.space, by, user, key)
        return True

    async def _tell_inviter(self, wanted: wish.InviteByMessage, why: str, text: str) -> None:
        told = f"no-invite:{why}:{wanted.space}:{wanted.by}:{wanted.user}"
        await self._spaces.wish(wish.TellUser(wanted.by, text), told)

    async def _let_in(self, space: LiveSpace, user: UserId) -> None:
        if space.room is None:
            return
        member = await self._bot.state(space.room, "m.room.member", user)
        if member is None or member.get("membership") not in {"join", "invite"}:
            await self._bot.call("POST", ["rooms", space.room, "invite"], {"user_id": user})

    async def _personal_link(self, space: LiveSpace, user: UserId) -> str:
        name = space.person(user).name
        secret = await self._sessions.mint(space.space, user, name, guest=False)
        return f"{self._settings.page(space.slug)}#t={secret}"
