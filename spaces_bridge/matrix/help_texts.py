"""What the bot says about itself."""

from collections.abc import Mapping

from spaces_bridge.matrix.commands import PREFIX, VERBS

BOT_NAME = "Spaces"
CIPHER = (
    "Hello! I cannot read encrypted messages yet, so nothing you write here reaches me.\n"
    "I have opened a second, unencrypted chat and invited you: please accept it and write there."
)
PLAIN_ROOM = "Spaces (unencrypted chat)"
PLAIN_REASON = "Your chat with the Spaces bot. It cannot read encrypted messages yet."

_EXPLAINED: Mapping[str, str] = {
    "create": "prepares a live audio room and invites you. `--private`: only for people invited.",
    "start": "goes live.",
    "end": "ends it for everybody.",
    "speak": "raises your hand. Tapping ✋ on the card does the same.",
    "cancel": "lowers your hand.",
    "approve": "gives the floor to somebody with a hand up: a name, a Matrix ID or their number.",
    "deny": "declines a raised hand.",
    "demote": "takes the floor from a speaker.",
    "invite": "invites people by direct message, by their Matrix IDs.",
    "link": "sends you your personal link to the page, where you listen and speak.",
    "live": "shows what is on now.",
    "help": "shows this, or how to write one command.",
}


def greeting(*, direct: bool) -> str:
    """Two lines: who this is, and the next step."""
    prefix = "" if direct else f"{PREFIX} "
    return (
        "Hello! I run live audio rooms: you talk, everybody listens in any browser, "
        "and what is said is captioned.\n"
        f"Write `{prefix}create My first talk` to host one, `{prefix}live` to see what is on, "
        f"or `{prefix}help` for all I can do."
    )


def help_text(topic: str) -> str | None:
    """All commands, or one; None for an unknown one."""
    verb = topic.lower().removeprefix(PREFIX).strip().removeprefix("!")
    if not verb:
        lines = [f"`{PREFIX} {VERBS[verb]}` {text}" for verb, text in _EXPLAINED.items()]
        return "\n".join([*lines, f"Here with me alone you can leave `{PREFIX}` out."])
    if verb not in VERBS:
        return None
    return f"`{PREFIX} {VERBS[verb]}` {_EXPLAINED[verb]}"
