"""Texts that the client says into one room, in order, as LiveKit text streams."""

import asyncio
import logging
from collections import deque

from livekit import rtc
from spaces_bridge.media.sfu_client.limits import LONGEST_TEXT, MOST_TEXTS
from spaces_bridge.media.sfu_client.messages import SendSfuText

log = logging.getLogger(__name__)


class RoomTexts:
    """The texts of a room wait here in order; when too many do, the oldest goes."""

    def __init__(self, room: rtc.Room) -> None:
        self._room = room
        self._waiting: deque[SendSfuText] = deque(maxlen=MOST_TEXTS)
        self._came = asyncio.Event()

    def put(self, text: SendSfuText) -> None:
        """Have a text said; a longer one than `LONGEST_TEXT` is not."""
        size = len(text.text) + sum(len(k) + len(v) for k, v in text.attributes.items())
        if size > LONGEST_TEXT:
            log.warning("a text of %d characters is too long to be said in a room", size)
            return
        self._waiting.append(text)
        self._came.set()

    async def run(self) -> None:
        """Say text after text, until cancelled."""
        while True:
            while self._waiting:
                await self._say(self._waiting.popleft())
            self._came.clear()
            await self._came.wait()

    async def _say(self, text: SendSfuText) -> None:
        participant = self._room.local_participant
        try:
            writer = await participant.stream_text(
                topic=text.topic,
                attributes=dict(text.attributes),
                sender_identity=text.sender or participant.identity,
            )
            await writer.write(text.text)
            await writer.aclose()
        except (rtc.StreamError, RuntimeError) as problem:
            log.warning("a text could not be said in a room: %s", type(problem).__name__)
