"""Lookalikes: names dressed up to be taken for somebody else's, and names that claim a role.

A dressed name is "AdaHost", "the real Ada" or "Ada (guest)": people who read it think of Ada.
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
"""The roles a name may not claim: those who run the space. Sprecher is a surname, and anybody
may speak.
"""

_TITLES = """
the co mod real official verified guest echte echter oficial officiel officielle vrai vraie مشارك
speaker Sprecher Sprecherin ponente متحدث المتحدث
"""
_FILLERS = """
a an I m am is it s this your our of der die das el la le les l ich bin soy je suis
"""
"""The words, with `_TITLES` and `_ROLES`, in which a name may be dressed and stays the same."""

_ASIDE = re.compile(r"\s*[(\[{<|/,;:•·–—@~]|\s-\s")
"""The place in a name where an addition begins: "Ada (she/her)", "Ada | Example"."""

_GLUED_MIN = 4
"""The fewest letters of a word that is found without a blank: "AdaHost", not "Talbot" (bot)."""

_TRIMMED_MAX = 5
"""The most words that are taken off either end of a name."""


@lru_cache(maxsize=4096)
def variants(name: str) -> frozenset[str]:
    """Return the looks of the name with and without its dress: "AdaHost" looks like "Ada"."""
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
    """Return the looks by which a person with the name is known, with an addition and without."""
    return looks(name) | looks(_ASIDE.split(name, maxsplit=1)[0])


@lru_cache(maxsize=4096)
def misleads(name: str) -> bool:
    """Return whether the name claims a role, or contains a Matrix id, whoever is here.

    A role within a name is a claim where it stands apart: "Ada (host)", and not "Jenny Host".
    """
    if any(_ID.search(reading) for reading in readings(name)):
        return True
    return any(map(_is_role, (name, *_parts(name))))


# --- the dress of a name -------------------------------------------------------------------------


def _parts(name: str) -> list[str]:
    """Return the parts into which punctuation and signs divide the name."""
    divided = "".join(c if c.isspace() or _is_letter(c) else "\n" for c in name)
    return [part for part in divided.split("\n") if part.strip()]


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LNMC"


def _words(name: str) -> list[str]:
    """Return the words of the name, also those that only capitals tell apart."""
    return [word for part in _parts(name) for word in _CAMEL.sub(" ", part).split()]


def _trimmed(words: list[str]) -> Iterator[str]:
    """Yield the name with fewer and fewer of the roles, titles and fillers around it."""
    for first in range(_strippable(words) + 1):
        for last in range(_strippable(words[first:][::-1]) + 1):
            yield " ".join(words[first : len(words) - last])


def _strippable(words: list[str]) -> int:
    """Return how many of the first words are dress: a few at most, and never the last one."""
    those = takewhile(lambda word: _is_one_of(word, _dress()), words[:-1])
    return len(list(islice(those, _TRIMMED_MAX)))


def _unglued(look: str) -> Iterator[str]:
    for word in _glued():
        if look != word and look.startswith(word):
            yield look[len(word) :]
        if look != word and look.endswith(word):
            yield look[: -len(word)]


def _is_role(part: str) -> bool:
    """Return whether the part of a name is a role, and nothing else."""
    words = _words(part)
    if all(_is_one_of(word, _dress()) for word in words):
        return any(_is_one_of(word, _roles()) for word in words)
    return any(_is_said_at_once(look) for look in looks(part))


def _is_said_at_once(look: str) -> bool:
    """Return whether the look is roles and titles written as one word: "thehost"."""
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
    """Return a pattern of nothing but roles and titles.

    The longest come first and are never tried again, so the pattern is quick.
    """
    words = sorted(_looks_of(_ROLES + _TITLES), key=lambda word: (-len(word), word))
    return re.compile(f"(?>{'|'.join(map(re.escape, words))})++")


def _looks_of(words: str) -> frozenset[str]:
    return frozenset(look for word in words.split() for look in looks(word))
