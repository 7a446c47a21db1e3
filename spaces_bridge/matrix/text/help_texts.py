"""The texts in which the bot explains itself: greetings and help."""

from spaces_bridge.core.errors import Rejected
from spaces_bridge.matrix.text.commands import meant
from spaces_bridge.matrix.text.verbs import PREFIX, VERBS, HelpSection, Verb

CIPHER = (
    "Hello! I cannot read encrypted messages yet, so nothing you write here reaches me.\n"
    "I have opened a second, unencrypted chat and invited you: please accept it and write there."
)
PLAIN_ROOM = "Spaces (unencrypted chat)"
PLAIN_REASON = "Your chat with the Spaces bot. It cannot read encrypted messages yet."

UNREADABLE = (
    "I could not read what you wrote: your client has not given me the key to it. I have asked "
    "for the key. Please send your message again; if I still cannot read it, sign out and in "
    "again, or write to me from another client."
)
_WITHHELD = {
    "m.unverified": "it gives keys only to verified devices. Verify me (open my profile and "
    "choose Verify), or allow unverified devices in its settings",
    "m.blacklisted": "my device is blocked there. Unblock me in its settings",
    "m.unauthorised": "it says that I may not read this",
    "m.unavailable": "it no longer has the key itself",
    "m.no_olm": "it found no way to send me the key. I have offered it a new one",
}


def withheld(code: str) -> str:
    """Return the answer to a message whose key its sender's client does not give, and why."""
    why = f", because {_WITHHELD[code]}" if code in _WITHHELD else ""
    return (
        f"I could not read what you wrote: your client did not give me the key{why}. Then send "
        "your message again."
    )


def greeting(*, direct: bool) -> str:
    """Return the greeting, two lines: who the bot is, and the next step."""
    prefix = "" if direct else f"{PREFIX} "
    by_call = " or by a call to me" if direct else ""
    return (
        f"Hello! I run live audio rooms: you talk, everybody listens in any browser{by_call}, "
        "and what is said is captioned.\n"
        f"Write `{prefix}create My first talk` to host one, `{prefix}live` to see what is on, "
        f"or `{prefix}help` for all I can do."
    )


def help_text(topic: str, *, direct: bool) -> str:
    """Return the help on all commands, briefly where others read along, or on one.

    Raises Rejected for an unknown command, with what may have been meant.
    """
    name = topic.lower().removeprefix(PREFIX).strip().removeprefix("!")
    if not name:
        return _everything() if direct else _names()
    if name in VERBS:
        return _in_full(VERBS[name])
    hint = meant(name)
    better = f"Did you mean `{hint}`?" if hint else "`help` shows them all."
    raise Rejected("no_such_command", f"There is no such command. {better}")


def _everything() -> str:
    lines = [f"Here is what I do. In a room, write `{PREFIX}` before each."]
    for section in HelpSection:
        lines.append(f"— {section} —")
        lines += [f"`{v.usage}` {v.does}" for v in VERBS.values() if v.section is section]
    lines.append("`help COMMAND` tells more about one, such as `help create`.")
    return "\n".join(lines)


def _names() -> str:
    lines = []
    for section in HelpSection:
        names = ", ".join(verb.name for verb in VERBS.values() if verb.section is section)
        lines.append(f"{section}: {names}")
    lines.append(
        f"`{PREFIX} help COMMAND` tells more about one; alone with me, `help` explains them all."
    )
    return "\n".join(lines)


def _in_full(verb: Verb) -> str:
    lines = [f"`{PREFIX} {verb.usage}` {verb.does}. Who may: {verb.who}."]
    if verb.more:
        lines.append(verb.more)
    if verb.example:
        lines.append(f"Example: `{PREFIX} {verb.example}`")
    return "\n".join(lines)
