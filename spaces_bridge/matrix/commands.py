"""What people type to the bot, parsed and nothing more.

In a room a command begins with ``!space`` (``!spaces``, after the bot's name, is as good); in a
direct message everything is one.
"""

import difflib
import re
import unicodedata
from dataclasses import dataclass

from spaces_bridge.matrix.verbs import PREFIX, VERBS, Takes

LENGTH_MAX = 1000
QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "‘": "’"}
_KNOWN = {name: name for name in VERBS} | {
    other: verb.name for verb in VERBS.values() for other in verb.also
}
"""What people try -> the command it is called here."""


@dataclass(frozen=True, slots=True)
class Request:
    """A verb of ``VERBS`` with its argument on one line, without outer quotes and controls."""

    verb: str
    argument: str


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """Meant for the bot, but not clear: ``text`` says what to write."""

    text: str


def parse(body: str, *, direct: bool) -> Request | Misunderstood | None:
    """What the message asks; None when it is not meant for the bot."""
    text = _without_quoted_reply(body).strip()
    addressed = re.match(rf"{PREFIX}s?(?=\s|$)", text, re.IGNORECASE)
    if addressed is None and not direct:
        return None
    text = text[addressed.end() :].strip() if addressed else text
    if len(text) > LENGTH_MAX:
        return Misunderstood(
            f"That is too long for a command: write at most {LENGTH_MAX} characters."
        )
    if len(text.splitlines()) > 1:
        return Misunderstood("Write the command on one line, please.")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c != "\t" for c in text):
        return Misunderstood("There are invisible control characters in it: type it anew, please.")
    # Bidi marks and the like would make a title read as something else; emoji need the joiner.
    visible = "".join(c for c in text if c == "\u200d" or unicodedata.category(c) != "Cf")
    return _request(" ".join(visible.split()))


def _request(text: str) -> Request | Misunderstood:
    word, _, argument = text.partition(" ")
    # phones make a dash of a hyphen
    name = re.sub("[—–‑]", "-", word).lower().removeprefix("!").removeprefix("/") or "help"
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
    """The command that somebody may have meant by a word that is none."""
    close = difflib.get_close_matches(word.lower()[:30], _KNOWN, n=1, cutoff=0.65)
    return _KNOWN[close[0]] if close else None


def unquoted(text: str) -> str:
    """Without the quotes around the whole of it."""
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def quoted(word: str) -> str:
    """What somebody wrote, for an answer: short, and unable to leave its quotes."""
    return word[:30].replace("`", "'")


def _without_quoted_reply(body: str) -> str:
    """Clients put the quoted message before a reply, each line after ``> ``."""
    lines = body.split("\n") if body.startswith("> ") else [body]
    while len(lines) > 1 and lines[0].startswith(">"):
        lines.pop(0)
    return "\n".join(lines)
