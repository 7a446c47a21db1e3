"""The feed's `chat` frames, each of which becomes a line of the chat."""

import re

from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.usecases import chat
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.feed.verbs import Frame, acting_user, misshapen, text_of
from spaces_bridge.web.settings import WebSettings
from spaces_bridge.web.views import You

_NONCE = re.compile(r"[\w-]{0,64}", re.ASCII)


class Chatting:
    """The handler of `chat` frames, which hands their text to the chat service."""

    def __init__(self, settings: WebSettings, spaces: Spaces) -> None:
        limits = chat.ChatLimits(
            person=TokenBuckets(chat.PERSON_BURST, chat.PERSON_PER_S),
            guests=TokenBuckets(chat.GUESTS_BURST, chat.GUESTS_PER_S),
            crowd=TokenBuckets(chat.CROWD_BURST, chat.CROWD_PER_S),
        )
        self._chat = chat.ChatService(spaces, limits, guests_write=settings.guest_chat)

    async def say(self, frame: Frame, you: You, space: LiveSpace) -> None:
        """Say the text in `space` as it is now. Raises Refusal, Rejected, StorageError."""
        user = acting_user(you)
        text, nonce = text_of(frame, "text"), text_of(frame, "nonce")
        if not _NONCE.fullmatch(nonce):
            raise misshapen("“nonce” is at most 64 letters, digits, - and _")
        await self._chat.say(space.space, chat.ChatAuthor(user, you.name, you.guest), text, nonce)
