"""The SFU client: it does what its relay says, in as many rooms as that wants."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final, assert_never

from spaces_bridge.core.ids import SpaceId
from spaces_bridge.media.pcm_link import PcmFrame
from spaces_bridge.media.sfu_client import messages
from spaces_bridge.media.sfu_client.background import BackgroundTasks
from spaces_bridge.media.sfu_client.limits import MOST_ATTEMPTS, MOST_ROOMS
from spaces_bridge.media.sfu_client.room import SfuRoom
from spaces_bridge.media.sfu_client.secrecy import reason_of
from spaces_bridge.media.sfu_client.sound import WorkerSound

log = logging.getLogger(__name__)

STATS_EVERY_S: Final = 1.0
LEAVE_S: Final = 0.05
"""Seconds that another room in the same place waits for the one before it to be left."""


class SfuClient:
    """An SFU client knows no rules: rooms, tracks and texts come in messages of its relay."""

    def __init__(self, directory: Path, tell: Callable[[messages.FromSfuClient], None]) -> None:
        """`directory` is that of its media worker; `tell` sends to the relay without waiting."""
        self._tell = tell
        self._sound = WorkerSound(directory, self._publish)
        self._rooms: dict[tuple[SpaceId, str], SfuRoom] = {}
        self._lives: dict[tuple[SpaceId, str], asyncio.Task[None]] = {}
        self.attempts: Counter[tuple[SpaceId, str]] = Counter()
        """The attempts in each room's place that have not ended."""
        self._publishing: dict[SpaceId, SfuRoom] = {}
        self._background = BackgroundTasks()

    def start(self) -> None:
        """Begin. Raises OSError."""
        self._sound.open()
        self._background.start(self._count())

    async def stop(self) -> None:
        """Leave all rooms."""
        for room in self._rooms.values():
            room.leave()
        if self._lives:
            await asyncio.wait(self._lives.values())
        await self._background.stop()
        self._sound.close()

    def obey(self, message: messages.ToSfuClient) -> None:
        """Do what a message says; what goes wrong costs the room that it is about, no other."""
        try:
            self._obey(message)
        except Exception as problem:
            log.exception("a message could not be obeyed")
            if not isinstance(message, messages.SfuPing):
                self._lose(message, reason_of(problem))

    def _lose(
        self,
        message: messages.JoinSfuRoom
        | messages.LeaveSfuRoom
        | messages.TakeSfuTracks
        | messages.SendSfuText,
        reason: str,
    ) -> None:
        """End the room of a message; the relay is told, and joins it anew if it is wanted."""
        key = (message.space, message.name)
        room = self._rooms.get(key)
        if room is not None:
            room.give_up(reason)
        elif isinstance(message, messages.JoinSfuRoom):
            self._tell(messages.SfuRoomLost(*key, message.attempt, reason))

    def _obey(self, message: messages.ToSfuClient) -> None:
        match message:
            case messages.SfuPing():
                self._tell(messages.SfuPong(message.number))
            case messages.JoinSfuRoom():
                self._join(message)
            case messages.LeaveSfuRoom():
                room = self._rooms.pop((message.space, message.name), None)
                if room is not None:
                    self._left(message.space, room)
                    room.leave()
            case messages.TakeSfuTracks():
                if (room := self._rooms.get((message.space, message.name))) is not None:
                    room.take(message)
            case messages.SendSfuText():
                if (room := self._rooms.get((message.space, message.name))) is not None:
                    room.say(message)
            case _:
                assert_never(message)

    def _join(self, join: messages.JoinSfuRoom) -> None:
        key = (join.space, join.name)
        if key not in self._rooms and len(self._rooms) >= MOST_ROOMS:
            reason = f"one process joins {MOST_ROOMS} rooms at most"
            self._tell(messages.SfuRoomLost(*key, join.attempt, reason))
            return
        before = self._rooms.pop(key, None)
        if before is not None:
            self._left(join.space, before)
            before.leave()
        if self.attempts[key] >= MOST_ATTEMPTS:
            reason = "earlier attempts to join it have not ended yet"
            self._tell(messages.SfuRoomLost(*key, join.attempt, reason))
            return
        self.attempts[key] += 1
        room = self._rooms[key] = SfuRoom(join, self._sound, self._tell)
        if join.publishes:
            self._publishing[join.space] = room
        life = self._background.start(self._live(key, room, self._lives.get(key)))
        self._lives[key] = life

    async def _live(
        self, key: tuple[SpaceId, str], room: SfuRoom, before: asyncio.Task[None] | None
    ) -> None:
        """Live through a room, once the one before it in its place is left: it is one identity.

        One whose server does not answer is left later: the new one must not wait for that.
        """
        if before is not None:
            await asyncio.wait({before}, timeout=LEAVE_S)
        try:
            await room.live()
        finally:
            self._left(key[0], room)
            self.attempts -= Counter([key])
            if self._rooms.get(key) is room:
                del self._rooms[key]
            if self._lives.get(key) is asyncio.current_task():
                del self._lives[key]

    def _left(self, space: SpaceId, room: SfuRoom) -> None:
        if self._publishing.get(space) is room:
            del self._publishing[space]

    def _publish(self, frame: PcmFrame) -> None:
        room = self._publishing.get(frame.space)
        if room is not None and room.publishes:
            room.publish(frame.user, frame.pcm)

    async def _count(self) -> None:
        while True:
            counts = [room.counts for room in self._rooms.values()]
            numbers = {
                "sfu_rooms": len(counts),
                "sfu_taken": sum(taken for taken, _ in counts),
                "sfu_published": sum(published for _, published in counts),
                "sfu_sound_dropped": self._sound.dropped,
            }
            self._tell(messages.SfuStats(numbers))
            await asyncio.sleep(STATS_EVERY_S)
