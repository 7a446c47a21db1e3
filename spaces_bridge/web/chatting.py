"""Writing in the chat from the page: who may, and how fast.

A crowd is held back as one: what many write at once is read by nobody, and the room has to carry
all of it.
"""

import re

from spaces_bridge.app.chat_desk import ChatDesk, Writer
from spaces_bridge.app.registry import Spaces
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.core.rules.talk import refuse_to_chat
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.verbs import Frame, Refusal, doer_of, misshapen, text_of
from spaces_bridge.web.views import You

PERSON_BURST, PERSON_PER_S = 5, 0.5
"""Messages of one person."""

GUESTS_BURST, GUESTS_PER_S = 10, 1
"""Messages of all guests of one live space: they come in any number, and under any name."""

CROWD_BURST, CROWD_PER_S = 60, 5
"""Messages of one live space's pages."""

_NONCE = re.compile(r"[\w-]{0,64}", re.ASCII)


class Chatting:
    """The feed's ``chat`` frames."""

    def __init__(self, settings: WebSettings, spaces: Spaces) -> None:
        self._guests_write = settings.guest_chat
        self._desk = ChatDesk(spaces)
        self._people = TokenBuckets(PERSON_BURST, PERSON_PER_S)
        self._guests = TokenBuckets(GUESTS_BURST, GUESTS_PER_S)
        self._crowds = TokenBuckets(CROWD_BURST, CROWD_PER_S)

    async def say(self, frame: Frame, you: You, space: LiveSpace) -> None:
        """Say it; ``space`` as it is now. Raises Refusal, Rejected, StorageError."""
        user = doer_of(you)
        text, nonce = text_of(frame, "text"), text_of(frame, "nonce")
        if not _NONCE.fullmatch(nonce):
            raise misshapen("“nonce” is at most 64 letters, digits, - and _")
        if you.guest and not self._guests_write:
            text = "Guests only read the chat here. Join with a Matrix account to write."
            raise Rejected("guest_chat_off", text)
        refuse_to_chat(space, user, guest=you.guest)
        self._pace(space, you)
        await self._desk.say(space.space, Writer(user, you.name, you.guest), text, nonce)

    def _pace(self, space: LiveSpace, you: You) -> None:
        if not self._people.has((space.space, you.user)):
            raise Refusal("chat_too_fast", "You write very fast. Wait a moment.")
        crowds = [self._crowds, self._guests] if you.guest else [self._crowds]
        if not all(crowd.has(space.space) for crowd in crowds):
            raise Refusal("chat_crowded", "Very many people write at once. Try again in a moment.")
        self._people.take((space.space, you.user))
        for crowd in crowds:
            crowd.take(space.space)
