"""The parser of commands: it reads what people type to the bot, and does nothing more.

In a room a command begins with `!space` (`!spaces`, after the bot's name, is as good); in a
direct message everything is a command.
"""

import difflib
import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass

from spaces_bridge.matrix.text.addressed import KNOWN, addressed, bare, seen, unquoted
from spaces_bridge.matrix.text.verbs import PREFIX, VERBS, Takes

LENGTH_MAX = 1000


@dataclass(frozen=True, slots=True)
class Request:
    """A request: a verb of `VERBS` and its argument.

    The argument is on one line, without outer quotes and controls.
    """

    verb: str
    argument: str


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """A misunderstood command, meant for the bot but not clear; `text` says what to write."""

    text: str


def parse(
    body: str, *, direct: bool, names: Collection[str] = ()
) -> Request | Misunderstood | None:
    """Return what the message asks; None when the message is not meant for the bot.

    `names`: what the message may call the bot by (see `names_of`).
    """
    text = addressed(without_quoted_reply(body), direct=direct, names=names)
    if text is None:
        return None
    if len(text) > LENGTH_MAX:
        return Misunderstood(
            f"That is too long for a command: write at most {LENGTH_MAX} characters."
        )
    if len(text.splitlines()) > 1:
        return Misunderstood("Write the command on one line, please.")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c != "\t" for c in text):
        return Misunderstood("There are invisible control characters in it: type it anew, please.")
    # Bidi marks and the like would make a title read as something else; emoji need the joiner.
    return _request(" ".join(seen(text).split()))


def _request(text: str) -> Request | Misunderstood:
    word, _, argument = text.partition(" ")
    # phones make a dash of a hyphen
    name = re.sub("[—–‑]", "-", bare(word)).removeprefix("!").removeprefix("/") or "help"
    if name not in VERBS:
        hint = meant(name)
        better = f"Did you mean `{hint}`?" if hint else "`help` shows what I do."
        return Misunderstood(f"I do not know `{quoted(name)}`. {better}")
    verb, argument = VERBS[name], unquoted(argument.strip())
    if verb.takes is Takes.NOTHING and argument:
        return Misunderstood(f"`{name}` stands alone: write just `{PREFIX} {name}`.")
    if verb.takes is Takes.ARGUMENT and not argument:
        example = f", such as `{PREFIX} {verb.example}`" if verb.example else ""
        return Misunderstood(f"Write it like this: `{PREFIX} {verb.usage}`{example}.")
    return Request(name, argument)


def meant(word: str) -> str | None:
    """Return the command that somebody may have meant by a word that is none."""
    close = difflib.get_close_matches(word.lower()[:30], KNOWN, n=1, cutoff=0.65)
    return KNOWN[close[0]] if close else None


def quoted(word: str) -> str:
    """Return what somebody wrote, for an answer: short, and unable to leave its quotes."""
    return word[:30].replace("`", "'")


def without_quoted_reply(body: str) -> str:
    """Return the body without the message that clients quote before a reply, after `> `."""
    lines = body.split("\n") if body.startswith("> ") else [body]
    while len(lines) > 1 and lines[0].startswith(">"):
        lines.pop(0)
    return "\n".join(lines)
