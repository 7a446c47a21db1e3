"""Word error rate of English captions: numbers as words, contractions in full, no punctuation."""

import re
from collections.abc import Sequence
from typing import Final

_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES: Final = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip

_WHOLE_WORDS: Final = {
    "won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not",
    "let's": "let us", "ain't": "is not", "gonna": "going to", "wanna": "want to",
    "gotta": "got to", "y'all": "you all", "ok": "okay", "mr": "mister", "mrs": "missus",
    "dr": "doctor", "st": "saint", "vs": "versus", "alright": "all right", "percent": "per cent",
}  # fmt: skip
_ENDINGS: Final = (
    ("n't", " not"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'m", " am"),
    ("'d", " would"),
)  # fmt: skip
_IS_WORDS: Final = frozenset(
    {
        "it", "that", "this", "there", "here", "what", "who", "where", "when", "how", "he", "she",
        "everybody", "everyone",
    }
)  # fmt: skip
_FILLERS: Final = frozenset({"uh", "um", "hmm", "mm", "mhm", "erm", "er"})

_SYMBOLS: Final = (("%", " percent "), ("&", " and "), ("+", " plus "), ("@", " at "))
_TOKEN: Final = re.compile(r"\d+(?:st|nd|rd|th)\b|\d+(?:s\b)?|[^\W\d_]+(?:'[^\W\d_]+)*")


def words_of(text: str) -> list[str]:
    """Return comparable words: `It's 7:30, Mr. Hill` → it is seven thirty mister hill."""
    text = text.casefold().replace("’", "'")
    for symbol, word in _SYMBOLS:
        text = text.replace(symbol, word)
    text = re.sub(r"\$\s*(\d[\d,]*)", r"\1 dollars", text)
    text = re.sub(r"\b\d{1,3}(?:,\d{3})+\b", _without_commas, text)
    text = re.sub(r"(\d):00\b", r"\1", text)
    text = re.sub(r"(\d)\.(\d)", r"\1 point \2", text)
    words = [word for token in _TOKEN.findall(text) for word in _in_full(token)]
    return [word for word in words if word not in _FILLERS]


def word_error_rate(reference: str, hypothesis: str) -> float:
    """Return wrong, missing and added words over the words of the reference; 0 is perfect.

    Raises ValueError for a reference without words.
    """
    wanted = words_of(reference)
    if not wanted:
        raise ValueError("the reference has no words, so there is no error rate")
    return word_errors(wanted, words_of(hypothesis)) / len(wanted)


def word_errors(wanted: Sequence[str], written: Sequence[str]) -> int:
    """Return the fewest substitutions, deletions and insertions that turn one into the other."""
    row = list(range(len(written) + 1))
    for i, want in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], i
        for j, got in enumerate(written, start=1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (want != got))
    return row[-1]


def _without_commas(number: re.Match[str]) -> str:
    return " ".join(_cardinal(int(number[0].replace(",", ""))))


def _in_full(token: str) -> list[str]:
    if token[0].isdigit():
        return _number(token)
    if token in _WHOLE_WORDS:
        return _WHOLE_WORDS[token].split()
    for ending, full in _ENDINGS:
        if token.endswith(ending):
            return [*_in_full(token.removesuffix(ending)), *full.split()]
    stem, apostrophe, rest = token.partition("'")
    if apostrophe and rest == "s" and stem in _IS_WORDS:
        return [stem, "is"]
    return [token.replace("'", "")]


def _number(token: str) -> list[str]:
    digits = re.match(r"\d+", token)
    assert digits is not None
    suffix = token[digits.end() :]
    words = _cardinal(int(digits[0]), years=len(digits[0]) == 4)
    if suffix in {"st", "nd", "rd", "th"}:
        words[-1] = _ordinal(words[-1])
    elif suffix == "s":
        words[-1] = words[-1].removesuffix("y") + ("ies" if words[-1].endswith("y") else "s")
    return words


def _ordinal(word: str) -> str:
    return _ORDINALS.get(word) or word.removesuffix("y") + ("ieth" if word.endswith("y") else "th")


def _cardinal(number: int, *, years: bool = False) -> list[str]:
    """Return a number as it is spoken; `years` speaks 1100..1999 and 2010..2099 in pairs."""
    century, rest = divmod(number, 100)
    if years and (11 <= century <= 19 or (century == 20 and rest >= 10)):
        return _cardinal(century) + (_pair(rest) if rest else ["hundred"])
    if number < 20:
        return [_ONES[number]]
    if number < 100:
        ten, one = divmod(number, 10)
        return [_TENS[ten - 2], *([_ONES[one]] if one else [])]
    for size, name in _SCALES:
        if number >= size:
            count, rest = divmod(number, size)
            return [*_cardinal(count), name, *(_cardinal(rest) if rest else [])]
    raise AssertionError("unreachable: every number of a hundred or more has a scale")


def _pair(rest: int) -> list[str]:
    return ["oh", _ONES[rest]] if rest < 10 else _cardinal(rest)
