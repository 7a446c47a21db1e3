"""Direct rooms between the bot and people: found again, or made.

Requests that make a room or invite have no transaction id. So a new room is made empty, recorded,
and only then is the person invited: a crash leaves at worst an empty room that nobody sees.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final, Protocol

from spaces_bridge.app.notes.dms_and_reactions import RoomUser, UserRoom
from spaces_bridge.app.ports import NoteStore
from spaces_bridge.core.ids import RoomId, UserId
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.events.content import cut
from spaces_bridge.pacing.keyed_locks import KeyedLocks

NAME_MAX_BYTES = 240
PAIR = 2
SMALL = 8

CROWDS_KEPT = 10_000
"""Rooms that are known to be no direct ones; the one longest known is looked at again first."""


class ChatStanding(Enum):
    """The standing of a person with the bot."""

    STRANGER = "stranger"
    ASKED = "asked"
    """The person was invited to a direct room, and has not answered."""
    KNOWN = "known"
    """The person is in a direct room."""
    LEFT = "left"
    """The person left the direct room, declined it, or sent the bot out."""


ENCRYPTION: Final = "m.room.encryption"
ALGORITHM: Final = "m.megolm.v1.aes-sha2"

_STANDINGS = {"join": ChatStanding.KNOWN, "invite": ChatStanding.ASKED}


class ChatPrivacy(Protocol):
    """The port to what the bot can do in encrypted chats, and when it opens one."""

    @property
    def is_possible(self) -> bool:
        """Whether the bot can read and write in encrypted rooms."""
        ...

    async def opens_encrypted(self, user: UserId, earlier: RoomId | None) -> bool:
        """Return whether to open an encrypted chat; `earlier`: the person's last chat.

        Raises Away, StorageError.
        """
        ...


class NoPrivacy:
    """Encryption is switched off: the bot reads nothing that is encrypted."""

    is_possible = False

    async def opens_encrypted(self, user: UserId, earlier: RoomId | None) -> bool:
        """Return False."""
        return False


class DirectRooms:
    """The direct rooms of all people with the bot. Notes: `UserRoom`, `RoomUser`."""

    def __init__(
        self, bot: MatrixClient, notes: NoteStore, privacy: ChatPrivacy | None = None
    ) -> None:
        """`privacy`: None is as if encryption were switched off."""
        self._bot = bot
        self._notes = notes
        self._privacy: ChatPrivacy = privacy or NoPrivacy()
        self._locks = KeyedLocks()
        self._crowds: dict[RoomId, int] = {}

    async def room_for(self, user: UserId, title: str = "", word: str = "") -> RoomId:
        """Return a direct room in which the person is, or is invited.

        It is one that the bot can write in: an encrypted one only where it can encrypt. `title`
        and `word` are what somebody sees of a new room before accepting: its name, and its topic
        and the invite's reason. Raises RequestRefused (no such person, or one who wants no
        invites), Away.
        """
        async with self._locks.holding(user):
            known = await self._notes.get(UserRoom.key(user))
            if known is not None and await self._usable(known.room, user, word):
                return known.room
            earlier = known.room if known is not None else None
            secret = await self._privacy.opens_encrypted(user, earlier)
            room = await self._make(title, word, secret=secret)
            await self._record(user, room)
            await self._invite(room, user, word)
            return room

    @property
    def can_be_encrypted(self) -> bool:
        """Whether the bot reads and writes in encrypted rooms."""
        return self._privacy.is_possible

    async def standing(self, user: UserId) -> ChatStanding:
        """Return the person's standing with the bot, as far as one can see. Raises Away."""
        known = await self._notes.get(UserRoom.key(user))
        if known is None:
            return ChatStanding.STRANGER
        try:
            held = await self._bot.all_state(known.room)
        except RequestRefused:
            return ChatStanding.STRANGER
        both = [held.get(("m.room.member", u), {}) for u in (user, self._bot.user)]
        if any(member.get("membership") in {"leave", "ban"} for member in both):
            return ChatStanding.LEFT
        return _STANDINGS.get(str(both[0].get("membership")), ChatStanding.STRANGER)

    async def have_met(self, user: UserId) -> bool:
        """Return whether the person has, or had, a direct room with the bot."""
        return await self._notes.get(UserRoom.key(user)) is not None

    async def adopt(self, user: UserId, room: RoomId) -> None:
        """Record a direct room that the person opened: it is where they look."""
        async with self._locks.holding(user):
            await self._record(user, room)

    async def is_direct(self, room: RoomId) -> bool:
        """Return whether the bot and one person are alone in the room, or were when they met.

        Invited people count: most rooms are made by inviting everybody, and the bot is the first
        to come. A public room is a community's, however few people are there yet.
        """
        if room in self._crowds:
            return False
        if await self._notes.get(RoomUser.key(room)) is not None:
            return True
        try:
            members = len(await self._bot.joined(room))
            if members <= PAIR:
                members = _expected(await self._bot.all_state(room))
        except RequestRefused:
            return False
        if members > PAIR:
            self._crowds[room] = members
            if len(self._crowds) > CROWDS_KEPT:
                del self._crowds[next(iter(self._crowds))]
        return members <= PAIR

    def members_changed(self, room: RoomId) -> None:
        """Look at a small room anew next time: it may have become one of two."""
        if self._crowds.get(room, 0) <= SMALL:
            self._crowds.pop(room, None)

    async def _record(self, user: UserId, room: RoomId) -> None:
        await self._notes.put(RoomUser(room, user))
        await self._notes.put(UserRoom(user, room))

    async def _usable(self, room: RoomId, user: UserId, word: str) -> bool:
        try:
            held = await self._bot.all_state(room)
        except RequestRefused:
            return False
        mine = held.get(("m.room.member", self._bot.user), {}).get("membership")
        theirs = held.get(("m.room.member", user), {}).get("membership")
        secret = held.get((ENCRYPTION, ""))
        if secret is not None and not self._can_write(secret):
            return False
        if mine != "join" or theirs == "ban":
            return False
        if theirs not in {"join", "invite"}:
            await self._invite(room, user, word)
        return True

    def _can_write(self, encryption: Mapping[str, Any]) -> bool:
        return self._privacy.is_possible and encryption.get("algorithm") == ALGORITHM

    async def _make(self, title: str, word: str, *, secret: bool) -> RoomId:
        body: dict[str, object] = {"preset": "private_chat", "is_direct": True}
        if secret:
            content = {"algorithm": ALGORITHM}
            state = {"type": ENCRYPTION, "state_key": "", "content": content}
            body["initial_state"] = [state]
        if title:
            body["name"] = cut(title, NAME_MAX_BYTES)
        if word:
            body["topic"] = cut(word, 2000)
        return RoomId(str((await self._bot.call("POST", ["createRoom"], body))["room_id"]))

    async def _invite(self, room: RoomId, user: UserId, word: str) -> None:
        # As a state event, because only that carries `is_direct` after creation.
        content: dict[str, object] = {"membership": "invite", "is_direct": True}
        if word:
            content["reason"] = cut(word, 2000)
        await self._bot.write_state(room, "m.room.member", content, user)


def _expected(state: Mapping[tuple[str, str], Mapping[str, Any]]) -> int:
    """Return how many people are in the room or invited; for a public room more than a pair."""
    here = sum(
        type_ == "m.room.member" and content.get("membership") in _STANDINGS
        for (type_, _), content in state.items()
    )
    public = state.get(("m.room.join_rules", ""), {}).get("join_rule") == "public"
    return max(here, PAIR + 1) if public else here
