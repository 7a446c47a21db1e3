"""The argument of `create`: a title, and options anywhere in it. Pure."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo

from spaces_bridge.core.errors import Rejected
from spaces_bridge.core.floor import SpeakPolicy
from spaces_bridge.matrix.text.addressed import QUOTES, bare, unquoted
from spaces_bridge.matrix.text.commands import quoted
from spaces_bridge.matrix.text.time_forms import read
from spaces_bridge.matrix.text.times import WORDS_MAX, parse_time, take_time
from spaces_bridge.matrix.text.verbs import PREFIX, VERBS

_OPTION = re.compile(r"(?:--|[—–]|-(?=(?:at|private|speak)\b))([a-z]\S*)", re.IGNORECASE)
"""Phones turn `--` into a dash."""
_SLIP = re.compile(r"-([a-z]{2,}\S*)", re.IGNORECASE)
_AT = frozenset({"at", "@", "um", "a", "à"})
OPTIONS = ("at", "private", "speak")
_MARKS = "".join({*QUOTES, *QUOTES.values()})


@dataclass(frozen=True, slots=True)
class Creation:
    """The creation that `create` asks for. `at_ms` None: no time was named."""

    title: str
    private: bool = False
    speak_policy: SpeakPolicy = SpeakPolicy.REQUEST
    at_ms: int | None = None


def names_a_time(argument: str) -> bool:
    """Return whether the argument names a time, so that the writer's time zone matters."""
    return any(_option(word).partition("=")[0] == "at" for word in argument.split())


def title_names_a_time(title: str) -> bool:
    """Return whether the title ends like "Jazz at 8" or "Jazz friday 19:00".

    Perhaps a time was meant.
    """
    words = title.split()
    for count in range(1, min(WORDS_MAX, len(words) - 1) + 1):
        written = read(" ".join(words[-count:]))
        said_at = bare(words[-count]) in _AT
        if written is not None and written.names_an_hour and (said_at or not written.doubt):
            return True
    return False


def parse_creation(argument: str, now_ms: int, zone: tzinfo) -> Creation:
    """Parse the argument of `create`. Raises Rejected with a sentence.

    `zone`: the time zone of the writer.
    """
    words, title = argument.split(), list[str]()
    private, policy, at_ms, given = False, SpeakPolicy.REQUEST, None, set[str]()
    while words:
        word = words.pop(0)
        option, _, value = _option(word).partition("=")
        if value:
            words.insert(0, word.partition("=")[2])
        _refuse_odd(option, given, value)
        match option:
            case "":
                title.append(word)
            case "private":
                private = True
            case "speak":
                policy = speak_policy(words.pop(0) if words else "", "`--speak`")
            case "at":
                at_ms, words = _time(words, now_ms, zone, alone=bool(title))
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
    """Return the policy of that name. Raises Rejected."""
    try:
        return SpeakPolicy(bare(word))
    except ValueError:
        *most, last = SpeakPolicy
        raise Rejected(
            "misunderstood", f"{what} takes {', '.join(most)} or {last}, in one word."
        ) from None


def _option(word: str) -> str:
    found = _OPTION.fullmatch(word) or _SLIP.fullmatch(word)
    if found is None:
        return ""
    option = found[1].lower()
    slip = word.startswith("-") and not word.startswith("--")
    near = difflib.get_close_matches(option.partition("=")[0], OPTIONS, n=1, cutoff=0.6)
    return "" if slip and not near else option


def _refuse_odd(option: str, given: set[str], value: str) -> None:
    """Raise Rejected for an option given twice, or a value where none belongs.

    Nothing must be half understood.
    """
    if option == "private" and value:
        raise Rejected("misunderstood", "`--private` stands alone: write it, or leave it out.")
    if option in given & {"at", "speak"}:
        raise Rejected("misunderstood", f"`--{option}` is there twice: write it once.")
    given.add(option)


def _time(
    words: Sequence[str], now_ms: int, zone: tzinfo, *, alone: bool
) -> tuple[int, list[str]]:
    """Return the time that follows `--at`, and the words after it. Raises Rejected.

    A time in quotes ends with them. Any other reaches to the next option or, unless it is
    `alone` behind a title, to a title in quotes.
    """
    ends = next((at for at, word in enumerate(words) if _option(word)), len(words))
    quoted_to = _quote_end(words[:ends])
    if quoted_to:
        text = " ".join(words[:quoted_to]).strip(_MARKS)
        return parse_time(text, now_ms, zone), list(words[quoted_to:])
    if not alone:
        ends = next((at for at in range(ends) if _quote_end(words[at:ends])), ends)
    these = [word.strip(_MARKS) for word in words[:ends]]
    if alone or read(" ".join(these)) is not None:
        return parse_time(" ".join(these), now_ms, zone), list(words[ends:])
    _, used = take_time(these, now_ms, zone)
    raise _end_unclear(" ".join(these[:used]), " ".join(these[used:]))


def _quote_end(words: Sequence[str]) -> int:
    """Return how many words stand in the quotes that begin with the first; 0 without quotes."""
    closing = QUOTES.get(words[0][:1]) if words else None
    if closing is None:
        return 0
    return next((at for at, word in enumerate(words, 1) if word[1:].endswith(closing)), 0)


def _end_unclear(time: str, behind: str) -> Rejected:
    """Return the refusal of words that may be a time's zone or the title: `--at 19:00 Munich`."""
    return Rejected(
        "bad_time",
        f"I read `{quoted(time)}`, but not `{quoted(behind)}`: if that is the title, write it"
        " before `--at`, or in quotes.",
    )
