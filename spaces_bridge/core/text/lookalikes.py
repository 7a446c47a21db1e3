"""What names are dressed in to be taken for somebody else's, and what no name may say.

A dressed name is "AdaHost", "the real Ada" or "Ada (guest)": whoever reads it thinks of Ada.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import islice, takewhile

from spaces_bridge.core.text.skeletons import looks, readings

_ID = re.compile(r"@[^@:\s]+:\S")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")

_ROLES = """
host cohost moderator admin administrator bot spacesbot
Gastgeber Gastgeberin Moderatorin Administratorin
anfitrión anfitriona coanfitrión coanfitriona moderador moderadora administrador
hôte hôtesse cohôte modérateur modératrice animateur animatrice administrateur
مضيف المضيف مضيفة المضيفة مشرف المشرف хост ведущий ведущая модератор админ
"""
"""What a name may not claim: who runs the space. Sprecher is a name, and anybody may speak."""

_TITLES = """
the co mod real official verified guest echte echter oficial officiel officielle vrai vraie مشارك
speaker Sprecher Sprecherin ponente متحدث المتحدث
"""
_FILLERS = """
a an I m am is it s this your our of der die das el la le les l ich bin soy je suis
"""
"""What a name may be dressed in beside a role, and stays the same name."""

_ASIDE = re.compile(r"\s*[(\[{<|/,;:•·–—@~]|\s-\s")
"""Where in a name begins what is said besides: "Ada (she/her)", "Ada | Example"."""

_GLUED_MIN = 4
"""Letters of a word that is seen without a blank: "AdaHost", and not Tal in "Talbot"."""

_TRIMMED_MAX = 5
"""Words that are taken off either end of a name."""


@lru_cache(maxsize=4096)
def guises(name: str) -> frozenset[str]:
    """The looks of the name, also without what it is dressed in: "AdaHost" looks like "Ada"."""
    found = {look for bare in _trimmed(_words(name)) for look in looks(bare)} | looks(name)
    left = list(found)
    while left:
        for shorter in _unglued(left.pop()):
            if shorter not in found:
                found.add(shorter)
                left.append(shorter)
    return frozenset(found)


@lru_cache(maxsize=4096)
def known_as(name: str) -> frozenset[str]:
    """What somebody with the name may be taken for: with what is said besides, and without."""
    return looks(name) | looks(_ASIDE.split(name, maxsplit=1)[0])


@lru_cache(maxsize=4096)
def misleads(name: str) -> bool:
    """Whether the name says that somebody has a role, or is a Matrix id, whoever is here.

    A role within a name is a claim where it stands apart: "Ada (host)", and not "Jenny Host".
    """
    if any(_ID.search(reading) for reading in readings(name)):
        return True
    return any(map(_is_role, (name, *_parts(name))))


# --- what a name is dressed in -------------------------------------------------------------------


def _parts(name: str) -> list[str]:
    """What punctuation and signs divide the name into."""
    divided = "".join(c if c.isspace() or _is_letter(c) else "\n" for c in name)
    return [part for part in divided.split("\n") if part.strip()]


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNMC"


def _words(name: str) -> list[str]:
    """The words of the name, also those that only capitals tell apart."""
    return [word for part in _parts(name) for word in _CAMEL.sub(" ", part).split()]


def _trimmed(words: list[str]) -> Iterator[str]:
    """The name with fewer and fewer of the words around it that say a role, or nothing."""
    for first in range(_decked(words) + 1):
        for last in range(_decked(words[first:][::-1]) + 1):
            yield " ".join(words[first : len(words) - last])


def _decked(words: list[str]) -> int:
    """How many of the first words may go: a few, and never the last one."""
    those = takewhile(lambda word: _is_one_of(word, _dress()), words[:-1])
    return len(list(islice(those, _TRIMMED_MAX)))


def _unglued(look: str) -> Iterator[str]:
    for word in _glued():
        if look != word and look.startswith(word):
            yield look[len(word) :]
        if look != word and look.endswith(word):
            yield look[: -len(word)]


def _is_role(part: str) -> bool:
    """Whether the part of a name says a role, and nothing else."""
    words = _words(part)
    if all(_is_one_of(word, _dress()) for word in words):
        return any(_is_one_of(word, _roles()) for word in words)
    return any(_is_said_at_once(look) for look in looks(part))


def _is_said_at_once(look: str) -> bool:
    """Roles and titles written as one word: "thehost"."""
    return any(role in look for role in _roles()) and _said().fullmatch(look) is not None


def _is_one_of(word: str, those: frozenset[str]) -> bool:
    return not looks(word).isdisjoint(those)


@cache
def _roles() -> frozenset[str]:
    return _looks_of(_ROLES)


@cache
def _dress() -> frozenset[str]:
    return _looks_of(_ROLES + _TITLES + _FILLERS)


@cache
def _glued() -> tuple[str, ...]:
    words = [word for word in (_ROLES + _TITLES).split() if len(word) >= _GLUED_MIN]
    return tuple(sorted(_looks_of(" ".join(words))))


@cache
def _said() -> re.Pattern[str]:
    """Nothing but roles and titles; the longest first and never tried again, so it is quick."""
    words = sorted(_looks_of(_ROLES + _TITLES), key=lambda word: (-len(word), word))
    return re.compile(f"(?>{'|'.join(map(re.escape, words))})++")


def _looks_of(words: str) -> frozenset[str]:
    return frozenset(look for word in words.split() for look in looks(word))
