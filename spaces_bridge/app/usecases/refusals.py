"""The refusals that several use cases share."""

from spaces_bridge.app.context import AppSettings
from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.ids import UserId


def refuse_bot(user: UserId, settings: AppSettings) -> None:
    """Raise Rejected when `user` is the bot: it is nobody to remove, block or report."""
    if user == settings.bot:
        raise Rejected("ours", "That is the bot that keeps this room.")


def refuse_oneself(user: UserId, by: UserId) -> None:
    """Raise Rejected when people mean themselves."""
    if user == by:
        raise Rejected("oneself", "You cannot do that to yourself.")


def no_such_space() -> Rejected:
    """Return the refusal for what does not exist, and for what the asker may not know of."""
    return Rejected(
        "not_found",
        "There is no such live space, or it is private. Open it by the link you were sent.",
    )
