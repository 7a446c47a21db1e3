"""The argument of ``create``: a title, and options anywhere in it. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.matrix.words.addressed import QUOTES, bare, unquoted
from spaces_bridge.matrix.words.commands import quoted
from spaces_bridge.matrix.words.times import WORDS_MAX, take_time
from spaces_bridge.matrix.words.verbs import PREFIX, VERBS

_OPTION = re.compile(r"(?:--|[—–]|-(?=(?:at|private|speak)\b))([a-z]\S*)", re.IGNORECASE)
"""Phones turn ``--`` into a dash."""
_MARKS = "".join({*QUOTES, *QUOTES.values()})


@dataclass(frozen=True, slots=True)
class Creation:
    """What is wanted. ``at_ms`` None: no time was named."""

    title: str
    private: bool = False
    speak_policy: SpeakPolicy = SpeakPolicy.REQUEST
    at_ms: int | None = None


def names_a_time(argument: str) -> bool:
    """Whether the writer's time zone matters."""
    return any(_option(word).partition("=")[0] == "at" for word in argument.split())


def parse_creation(argument: str, now_ms: int, zone: tzinfo) -> Creation:
    """Raises Rejected with a sentence. ``zone``: where the writer is."""
    words, title = argument.split(), list[str]()
    private, policy, at_ms = False, SpeakPolicy.REQUEST, None
    while words:
        word = words.pop(0)
        option, _, value = _option(word).partition("=")
        if value:
            words.insert(0, word.partition("=")[2])
        match option:
            case "":
                title.append(word)
            case "private":
                private = True
            case "speak":
                policy = speak_policy(words.pop(0) if words else "", "`--speak`")
            case "at":
                at_ms, used = _time(words, now_ms, zone)
                del words[:used]
            case _:
                raise Rejected(
                    "misunderstood",
                    f"I do not know `{quoted(word)}`. Write: `{PREFIX} {VERBS['create'].usage}`.",
                )
    shown = unquoted(" ".join(title))
    if not shown:
        raise Rejected("no_title", f"A live space needs a title: `{PREFIX} create My first talk`.")
    return Creation(shown, private, policy, at_ms)


def speak_policy(word: str, what: str = "`policy`") -> SpeakPolicy:
    """The policy of that name. Raises Rejected."""
    try:
        return SpeakPolicy(bare(word))
    except ValueError:
        *most, last = SpeakPolicy
        raise Rejected(
            "misunderstood", f"{what} takes {', '.join(most)} or {last}, in one word."
        ) from None


def _option(word: str) -> str:
    found = _OPTION.fullmatch(word)
    return found[1].lower() if found else ""


def _time(words: Sequence[str], now_ms: int, zone: tzinfo) -> tuple[int, int]:
    # `--at "friday 19:00"`, with whatever quotes
    return take_time([word.strip(_MARKS) for word in words[:WORDS_MAX]], now_ms, zone)
