"""What clients of calls send in rooms: memberships, raised hands, reactions."""

import logging
from collections import OrderedDict
from typing import Final

from spaces_bridge.app.ports import Clock
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core import commands as cmd
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import EventId, RoomId, UserId
from spaces_bridge.core.limits import HANDS_A_MINUTE
from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.appservice.hand_reactions import HandReactions
from spaces_bridge.matrix.appservice.remote_members import RoomRemoteMembers
from spaces_bridge.matrix.client.errors import RequestRefused
from spaces_bridge.matrix.client.matrix_client import MatrixClient
from spaces_bridge.matrix.commands.flood import FloodGate, Patience
from spaces_bridge.matrix.events import emojis, rtc
from spaces_bridge.matrix.events.translate import CallMemberChanged, Reaction
from spaces_bridge.matrix.rooms.call_reactions import CallReactions
from spaces_bridge.matrix.settings import MatrixSettings

log = logging.getLogger(__name__)

KNOWN_MAX: Final = 4000
"""Events of which is remembered whose membership they are, or that they are none."""
ASKED_A_MINUTE: Final = 120
"""Unknown events of one room that are asked for in a minute."""
REACTIONS_A_MINUTE: Final = 20
"""Reactions of one person in a call that count in a minute: Element Call shows one for 3 s."""
ALL_REACTIONS_A_MINUTE: Final = 240
"""Reactions in one call that count in a minute."""


class MemberEvents:
    """The events by which people are members of calls, each with whose it is; bounded."""

    def __init__(self, bot: MatrixClient, clock: Clock) -> None:
        self._bot = bot
        self._clock = clock
        self._owners = OrderedDict[tuple[RoomId, EventId], UserId | None]()
        self._asked = FloodGate()

    def note(self, room: RoomId, event: EventId, owner: UserId | None) -> None:
        """Note whose membership an event is; None: it is none."""
        self._owners[room, event] = owner
        self._owners.move_to_end((room, event))
        if len(self._owners) > KNOWN_MAX:
            self._owners.popitem(last=False)

    async def is_own(self, room: RoomId, event: EventId, user: UserId) -> bool:
        """Return whether the event is this user's membership. Raises Away.

        An unknown event is asked for, within bounds; beyond them it is nobody's.
        """
        if (room, event) not in self._owners:
            now_ms = self._clock.now_ms()
            for whose, limit in (((room, user), 2 * HANDS_A_MINUTE), (room, ASKED_A_MINUTE)):
                if self._asked.judge(whose, limit, now_ms) is not Patience.ANSWER:
                    return False
            self.note(room, event, await self._owner(room, event))
        return self._owners[room, event] == user

    async def _owner(self, room: RoomId, event: EventId) -> UserId | None:
        try:
            found = await self._bot.call("GET", ["rooms", room, "event", event])
        except RequestRefused:
            return None
        member = rtc.member_in({**found, "room_id": room})
        return member.user if member is not None and member.there else None


class CallEvents:
    """The handler of what clients of calls send. All raise AdapterError."""

    def __init__(
        self,
        spaces: Spaces,
        settings: MatrixSettings,
        clock: Clock,
        members: MemberEvents,
        hands: HandReactions,
        shown: CallReactions,
        remote: RoomRemoteMembers,
    ) -> None:
        self._spaces = spaces
        self._settings = settings
        self._clock = clock
        self._members = members
        self._hands = hands
        self._shown = shown
        self._remote = remote
        self._reacted = FloodGate()

    async def member_changed(self, seen: CallMemberChanged) -> None:
        """Note a membership; who publishes at another server is told what that means here."""
        space, member = self._space(seen.room), seen.member
        if space is None:
            return
        self._members.note(seen.room, seen.event, member.user if member.there else None)
        if space.phase is not Phase.ENDED:
            await self._remote.changed(space, member)

    async def raised(self, space: LiveSpace, reaction: Reaction) -> None:
        """Act on a raised hand, if it is on the person's own membership."""
        if self._settings.call_stage == "off":
            return
        if await self._members.is_own(reaction.room, reaction.target, reaction.sender):
            await self._hands.raised(space, reaction)

    async def reacted(self, said: rtc.CallReaction) -> None:
        """Count a reaction in a call, if it goes with the person's own membership."""
        space, emoji = self._space(said.room), emojis.plain(said.emoji)
        if space is None or emoji is None:
            return
        now_ms = self._clock.now_ms()
        for whose, limit in (
            ((said.room, said.sender), REACTIONS_A_MINUTE),
            (said.room, ALL_REACTIONS_A_MINUTE),
        ):
            if self._reacted.judge(whose, limit, now_ms) is not Patience.ANSWER:
                return
        if not await self._members.is_own(said.room, said.target, said.sender):
            return
        try:
            with self._shown.from_call(space.space, said.sender, emoji):
                await self._spaces.ask(space.space, cmd.React(said.sender, emoji), said.event)
        except Rejected as refusal:
            log.info("a reaction in a call counts nothing: %s", refusal.code)

    def _space(self, room: RoomId) -> LiveSpace | None:
        """Return the live space of a room, where there are calls."""
        return None if self._settings.call_stage == "off" else self._spaces.by_room(room)
