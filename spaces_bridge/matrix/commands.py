"""What people type to the bot, parsed and nothing more.

In a room a command begins with ``!space``; in a direct message everything is one.
"""

import difflib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from spaces_bridge.core.floor import SpeakPolicy

PREFIX = "!space"
LENGTH_MAX = 1000
QUOTES = {'"': '"', "'": "'", "“": "”", "„": "“", "«": "»", "‘": "’"}
POLICIES = (SpeakPolicy.REQUEST, SpeakPolicy.EVERYONE)
"""What ``create --speak`` knows so far."""

VERBS: Mapping[str, str] = {
    "create": "create TITLE [--private] [--speak request|everyone]",
    "start": "start",
    "end": "end",
    "speak": "speak",
    "cancel": "cancel",
    "approve": "approve USER",
    "deny": "deny USER",
    "demote": "demote USER",
    "invite": "invite USER…",
    "link": "link",
    "live": "live",
    "help": "help [COMMAND]",
}
"""Each verb and how to write it."""
_ALONE = frozenset({"start", "end", "speak", "cancel", "link", "live"})
_WITH_ARGUMENT = frozenset({"create", "invite"})


@dataclass(frozen=True, slots=True)
class Request:
    """A verb of ``VERBS`` with its argument on one line, without outer quotes and controls."""

    verb: str
    argument: str


@dataclass(frozen=True, slots=True)
class Misunderstood:
    """Meant for the bot, but not clear: ``text`` says what to write."""

    text: str


@dataclass(frozen=True, slots=True)
class Creation:
    """The argument of ``create``."""

    title: str
    private: bool
    speak_policy: SpeakPolicy


def parse(body: str, *, direct: bool) -> Request | Misunderstood | None:
    """What the message asks; None when it is not meant for the bot."""
    text = _without_quoted_reply(body).strip()
    addressed = re.match(rf"{PREFIX}(?=\s|$)", text, re.IGNORECASE)
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
    verb, _, argument = text.partition(" ")
    verb = verb.lower().removeprefix("!") or "help"
    if verb not in VERBS:
        close = difflib.get_close_matches(verb[:30], VERBS, n=1)
        hint = f"Did you mean `{close[0]}`?" if close else "`help` shows what I do."
        return Misunderstood(f"I do not know `{_shown(verb)}`. {hint}")
    argument = _unquoted(argument.strip())
    if verb in _ALONE and argument:
        return Misunderstood(f"`{verb}` stands alone: write just `{PREFIX} {verb}`.")
    if verb in _WITH_ARGUMENT and not argument:
        return Misunderstood(f"Write it like this: `{PREFIX} {VERBS[verb]}`.")
    return Request(verb, argument)


def parse_creation(argument: str) -> Creation | Misunderstood:
    """The title and options of ``create``."""
    title: list[str] = []
    private, policy = False, SpeakPolicy.REQUEST
    words = iter(argument.split())
    for word in words:
        option = re.sub("^[—–]", "--", word).lower()  # phones turn -- into a dash
        if option == "--private":
            private = True
        elif option == "--speak":
            wanted = next(words, "").lower()
            if wanted not in list(POLICIES):
                return Misunderstood(f"`--speak` takes {' or '.join(POLICIES)}.")
            policy = SpeakPolicy(wanted)
        elif option.startswith("--"):
            return Misunderstood(
                f"I do not know `{_shown(word)}`. Write: `{PREFIX} {VERBS['create']}`."
            )
        else:
            title.append(word)
    if not title:
        return Misunderstood(f"A live space needs a title: `{PREFIX} create My first talk`.")
    return Creation(_unquoted(" ".join(title)), private, policy)


def _without_quoted_reply(body: str) -> str:
    """Clients put the quoted message before a reply, each line after ``> ``."""
    lines = body.split("\n") if body.startswith("> ") else [body]
    while len(lines) > 1 and lines[0].startswith(">"):
        lines.pop(0)
    return "\n".join(lines)


def _unquoted(text: str) -> str:
    if len(text) > 1 and QUOTES.get(text[0]) == text[-1] and text[0] not in text[1:-1]:
        return text[1:-1].strip()
    return text


def _shown(word: str) -> str:
    return word[:30].replace("`", "'")
