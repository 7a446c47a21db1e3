"""The handler of `verify`: how people make sure that the bot is who it seems to be."""

from spaces_bridge.core.errors import Rejected
from spaces_bridge.matrix.commands.context import CommandAnswers, CommandCall, CommandContext


class VerificationCommands:
    """The command `verify`. No key is in its answer, which the homeserver could write anew."""

    def __init__(self, context: CommandContext) -> None:
        self._context = context
        self.answers: CommandAnswers = {"verify": self._verify}

    async def _verify(self, _heard: CommandCall) -> str:
        settings = self._context.settings
        if not settings.encrypts:
            raise Rejected(
                "no_keys", "I read no encrypted chats here, so I have no keys to verify."
            )
        return (
            "Open my profile in your client, in our chat, and choose to verify me by emoji: I "
            "then write you the address of a page to compare them with. My keys are on "
            f"{settings.verify_page} for comparing by hand. Open it where you know this bridge's "
            "page from, not from here: what I write passes through the homeserver."
        )
