"""The policy book holds the rules of policy lists, indexed for quick look-ups in thousands.

Most rules name one user or one server; only those with wildcards have to be tried one by one.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core.ids import RoomId, UserId

_Place = tuple[RoomId, str, str]
ANSWERS_KEPT = 20_000
"""The number of people about whom the answer is remembered."""
_PORT = re.compile(r":[0-9]+$")


class PolicyBook:
    """The book of all rules of all policy lists, by room, kind and key."""

    def __init__(self, rules: Iterable[PolicyRule] = ()) -> None:
        self._rules: dict[_Place, PolicyRule] = {}
        self._plain: dict[tuple[str, str], dict[_Place, PolicyRule]] = {}
        """The rules without wildcards, by kind and entity."""
        self._globs: dict[_Place, PolicyRule] = {}
        self._answers: dict[UserId, PolicyRule | None] = {}
        for rule in rules:
            self.put(rule)

    def rules(self) -> Iterator[PolicyRule]:
        """Yield all rules of all lists."""
        yield from self._rules.values()

    def put(self, rule: PolicyRule) -> None:
        """Add a rule; it replaces the one with the same room, kind and key."""
        place = (rule.room, rule.kind, rule.key)
        self.drop(*place)
        for user in [u for u, found in self._answers.items() if found is None]:
            if _is_against(rule, _subjects(user)):
                self._answers[user] = rule
        self._rules[place] = rule
        if _is_glob(rule.entity):
            self._globs[place] = rule
        else:
            self._plain.setdefault(_subject(rule), {})[place] = rule

    def drop(self, room: RoomId, kind: str, key: str) -> None:
        """Drop a rule, if there is one with this room, kind and key."""
        place = (room, kind, key)
        rule = self._rules.pop(place, None)
        if rule is None:
            return
        self._answers = {u: found for u, found in self._answers.items() if found is not rule}
        self._globs.pop(place, None)
        same = self._plain.get(_subject(rule), {})
        same.pop(place, None)
        if not same:
            self._plain.pop(_subject(rule), None)

    def replace(self, room: RoomId, rules: Iterable[PolicyRule]) -> None:
        """Replace all rules of one policy list, the one in `room`."""
        self._answers.clear()
        for place in [place for place in self._rules if place[0] == room]:
            self.drop(*place)
        for rule in rules:
            self.put(rule)

    def rule_against(self, user: UserId) -> PolicyRule | None:
        """Return a rule that bans this person or their server, on whatever port, or None."""
        if user not in self._answers:
            if len(self._answers) >= ANSWERS_KEPT:
                self._answers.clear()
            self._answers[user] = self._find(user)
        return self._answers[user]

    def _find(self, user: UserId) -> PolicyRule | None:
        subjects = _subjects(user)
        for subject in subjects:
            for rule in self._plain.get(subject, {}).values():
                return rule
        return next((r for r in self._globs.values() if _is_against(r, subjects)), None)


def _subjects(user: UserId) -> list[tuple[str, str]]:
    """Return the kinds and entities by which rules may name this person."""
    server = user.partition(":")[2].lower()
    return [("user", user.lower()), ("server", server), ("server", _PORT.sub("", server))]


def _is_against(rule: PolicyRule, subjects: Iterable[tuple[str, str]]) -> bool:
    return any(kind == rule.kind and matches(rule.entity, name) for kind, name in subjects)


def matches(glob: str, text: str) -> bool:
    """Return whether the glob fits the whole text (spec: "Glob").

    `*` is any text, `?` one character.
    """
    glob, text = glob.lower(), text.lower()
    if "?" in glob:
        return _pattern(glob).match(text) is not None
    return _fits(glob.split("*"), text) if "*" in glob else glob == text


def _fits(pieces: Sequence[str], text: str) -> bool:
    """Return whether the pieces stand in the text in this order, the outer ones at its ends.

    Thousands of globs are tried for everybody who comes in, and none has to be compiled.
    """
    first, *others, last = pieces
    end = len(text) - len(last)
    if end < len(first) or not (text.startswith(first) and text.endswith(last)):
        return False
    place = len(first)
    for piece in others:
        place = text.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True


def _is_glob(entity: str) -> bool:
    return "*" in entity or "?" in entity


def _subject(rule: PolicyRule) -> tuple[str, str]:
    return rule.kind, rule.entity.lower()


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    # fnmatch's expressions do not backtrack over stars, however hostile; brackets mean themselves
    return re.compile(fnmatch.translate(glob.replace("[", "[[]")))
