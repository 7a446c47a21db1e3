"""The rules of policy lists, ordered so that asking is quick: lists hold thousands of them.

Most name one user or one server; only those with wildcards have to be tried one by one.
"""

import fnmatch
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from spaces_bridge.app.records import PolicyRule
from spaces_bridge.core.ids import RoomId, UserId

_Place = tuple[RoomId, str, str]
_PORT = re.compile(r":[0-9]+$")


class PolicyBook:
    """All rules of all lists, by room, kind and key."""

    def __init__(self, rules: Iterable[PolicyRule] = ()) -> None:
        self._rules: dict[_Place, PolicyRule] = {}
        self._plain: dict[tuple[str, str], dict[_Place, PolicyRule]] = {}
        """Rules without wildcards, by kind and whom they are about."""
        self._globs: dict[_Place, PolicyRule] = {}
        for rule in rules:
            self.put(rule)

    def rules(self) -> Iterator[PolicyRule]:
        yield from self._rules.values()

    def put(self, rule: PolicyRule) -> None:
        """The same room, kind and key again replaces the rule."""
        place = (rule.room, rule.kind, rule.key)
        self.drop(*place)
        self._rules[place] = rule
        if _is_glob(rule.entity):
            self._globs[place] = rule
        else:
            self._plain.setdefault(_subject(rule), {})[place] = rule

    def drop(self, room: RoomId, kind: str, key: str) -> None:
        place = (room, kind, key)
        rule = self._rules.pop(place, None)
        if rule is None:
            return
        self._globs.pop(place, None)
        same = self._plain.get(_subject(rule), {})
        same.pop(place, None)
        if not same:
            self._plain.pop(_subject(rule), None)

    def replace(self, room: RoomId, rules: Iterable[PolicyRule]) -> None:
        """These are all rules of one list."""
        for place in [place for place in self._rules if place[0] == room]:
            self.drop(*place)
        for rule in rules:
            self.put(rule)

    def rule_against(self, user: UserId) -> PolicyRule | None:
        """A rule that bans this person or their server, on whatever port."""
        server = user.partition(":")[2].lower()
        subjects = [("user", user.lower()), ("server", server), ("server", _PORT.sub("", server))]
        for subject in subjects:
            for rule in self._plain.get(subject, {}).values():
                return rule
        for rule in self._globs.values():
            names = [name for kind, name in subjects if kind == rule.kind]
            if any(matches(rule.entity, name) for name in names):
                return rule
        return None


def matches(glob: str, text: str) -> bool:
    """Whether the whole text fits; ``*`` is any text, ``?`` one character (spec: "Glob")."""
    glob, text = glob.lower(), text.lower()
    return _pattern(glob).match(text) is not None if _is_glob(glob) else glob == text


def _is_glob(entity: str) -> bool:
    return "*" in entity or "?" in entity


def _subject(rule: PolicyRule) -> tuple[str, str]:
    return rule.kind, rule.entity.lower()


@lru_cache(maxsize=4096)
def _pattern(glob: str) -> re.Pattern[str]:
    # fnmatch's expressions do not backtrack over stars, however hostile; brackets mean themselves
    return re.compile(fnmatch.translate(glob.replace("[", "[[]")))
