"""The old forms of notes: each prefix of their names, and the typed record that it became.

Before schema version 6, a note was a text under a name, and each prefix had an encoding of its
own. The records here are as they were at that step, whatever their classes become later.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Converted:
    """A typed record; `space` is set where it is pruned some time after its live space."""

    kind: str
    key: Sequence[str]
    body: Mapping[str, object]
    space: str | None = None


def converted(name: str, value: str) -> Converted | None:
    """Return the record of an old note; None when the note says that there is nothing (any more).

    Raises ValueError, TypeError, KeyError or AttributeError for a note no bridge has written.
    """
    prefix, _, rest = name.partition(":")
    return _CONVERSIONS[prefix](rest, value)


def _plain(kind: str, key: str, value: str, *, of_space: bool = False) -> "Conversion":
    """Return the conversion of notes with the field `key` in their name, `value` as text."""

    def convert(named: str, text: str) -> Converted:
        body = {key: named, value: text}
        return Converted(kind, [named], body, body["space"] if of_space else None)

    return convert


# --- direct messages --------------------------------------------------------------------------


def _latest_invitation(user: str, value: str) -> Converted:
    body = {"user": user, "invitation": _invitation(value)}
    return Converted("latest_invitation", [user], body)


def _invitation_message(event: str, value: str) -> Converted:
    invitation = _invitation(value)
    body = {"event": event, "invitation": invitation}
    return Converted("invitation_message", [event], body, invitation["space"])


def _stage_invitation_message(event: str, value: str) -> Converted:
    held = _texts(json.loads(value), "space", "user")
    return Converted("stage_invitation_message", [event], {"event": event, **held}, held["space"])


def _hand_message(event: str, value: str) -> Converted:
    space, user = json.loads(value)
    body = {"event": event, "space": _text(space), "user": _text(user)}
    return Converted("hand_message", [event], body, space)


def _invitation_reaction(reaction: str, value: str) -> Converted | None:
    held = json.loads(value)
    if held is None:
        return None
    texts = _texts(held, "space", "user", "message")
    body = {
        "reaction": reaction,
        "emoji": _text(held["key"]),
        **texts,
        "hosts": [_text(host) for host in held["hosts"]],
    }
    return Converted("invitation_reaction", [reaction], body)


def _card_reaction(reaction: str, value: str) -> Converted:
    effect, user, subject = json.loads(value)
    body = {
        "reaction": reaction,
        "effect": _text(effect),
        "user": _text(user),
        "subject": _text(subject),
    }
    return Converted("card_reaction", [reaction], body)


# --- inviting ---------------------------------------------------------------------------------


def _invited(rest: str, value: str) -> Converted:
    space, _, people = rest.partition(":")
    by, user = _two_people(people)
    phase, _, task = value.partition("|")
    body = {"space": space, "by": by, "user": user, "phase": phase, "task": task}
    return Converted("invited", [space, by, user], body, space)


def _latest_from(rest: str, space: str) -> Converted:
    sender, user = _two_people(rest)
    body = {"sender": sender, "user": user, "space": space}
    return Converted("latest_from", [sender, user], body)


def _day_count(counted: str) -> "Conversion":
    def convert(user: str, value: str) -> Converted:
        day, taken = json.loads(value)
        items = [_text(item) for item in taken]
        body = {"counted": counted, "user": user, "day": int(day), "taken": items}
        return Converted("day_count", [counted, user], body)

    return convert


def _uninvited_followers(rest: str, value: str) -> Converted | None:
    space, _, by = rest.partition(":")
    held = {user: bool(had_enough) for user, had_enough in json.loads(value).items()}
    body = {"space": space, "by": by, "had_enough": held}
    return Converted("uninvited_followers", [space, by], body, space) if held else None


def _followers_invited(rest: str, source: str) -> Converted:
    space, _, by = rest.partition(":")
    body = {"space": space, "by": by, "source": source}
    return Converted("followers_invited", [space, by], body, space)


# --- rooms ------------------------------------------------------------------------------------


def _shown_message(shown: str) -> "Conversion":
    def convert(space: str, event: str) -> Converted:
        body = {"shown": shown, "space": space, "event": event}
        return Converted("shown_message", [shown, space], body, space)

    return convert


def _shown_edition(shown: str) -> "Conversion":
    def convert(space: str, value: str) -> Converted:
        held = json.loads(value)
        body = {
            "shown": shown,
            "space": space,
            **_texts(held, "frame", "whole"),
            "at_ms": int(held["at_ms"]),
            "edits": int(held["edits"]),
        }
        return Converted("shown_edition", [shown, space], body, space)

    return convert


def _shown_complete(shown: str) -> "Conversion":
    def convert(space: str, _: str) -> Converted:
        return Converted("shown_complete", [shown, space], {"shown": shown, "space": space}, space)

    return convert


def _bubble_reaction(rest: str, event: str) -> Converted | None:
    space, _, emoji = rest.partition(":")
    body = {"space": space, "emoji": emoji, "event": event}
    return Converted("bubble_reaction", [space, emoji], body, space) if event else None


def _room_shown(space: str, value: str) -> Converted:
    digests = {type_: _text(digest) for type_, digest in json.loads(value).items()}
    return Converted("room_shown", [space], {"space": space, "digests": digests}, space)


def _pinned_post(rest: str, event: str) -> Converted:
    space, _, number = rest.partition(":")
    body = {"space": space, "number": int(number), "event": event}
    return Converted("pinned_post", [space, number], body, space)


def _lock_announced(space: str, value: str) -> Converted:
    locked, _, task = value.partition(" ")
    body = {"space": space, "locked": {"True": True, "False": False}[locked], "task": task}
    return Converted("lock_announced", [space], body, space)


def _hand_asked(rest: str, value: str) -> Converted:
    space, _, people = rest.partition(":")
    moderator, user = _two_people(people)
    hand, _, task = value.partition(" ")
    body = {
        "space": space,
        "moderator": moderator,
        "user": user,
        "hand_at_ms": int(hand),
        "task": task,
    }
    return Converted("hand_asked", [space, moderator, user], body, space)


def _levels_before(room: str, value: str) -> Converted:
    event, _, task = value.partition(" ")
    return Converted("levels_before", [room], {"room": room, "event": event, "task": task})


# --- commands ---------------------------------------------------------------------------------


def _command_person(event: str, value: str) -> Converted:
    user, _, rest = value.partition(" ")
    return Converted("command_person", [event], {"event": event, "user": user, "rest": rest})


def _counted_elsewhere(_named: str, _value: str) -> None:
    """Drop an old count of reports: reports are counted where they are stored."""


def _read_back_from(_: str, value: str) -> Converted | None:
    return Converted("read_back_from", [], {"since_ms": int(value)}) if value else None


Conversion = Callable[[str, str], Converted | None]

_CONVERSIONS: Mapping[str, Conversion] = {
    "dm": _plain("user_room", "user", "room"),
    "direct": _plain("room_user", "room", "user"),
    "told-of-cipher": _plain("encryption_explained", "room", "instead"),
    "invited-last": _latest_invitation,
    "invitation": _invitation_message,
    "offer": _stage_invitation_message,
    "prompt": _hand_message,
    "tap": _invitation_reaction,
    "card-tap": _card_reaction,
    "invited": _invited,
    "asked-in": _latest_from,
    "strangers": _day_count("strangers_met"),
    "invited-by": _day_count("invitations_sent"),
    "invited-to": _day_count("invitations_got"),
    "uninvited": _uninvited_followers,
    "followers-invited": _followers_invited,
    "card": _shown_message("card"),
    "bubble": _shown_message("bubble"),
    "card-shown": _shown_edition("card"),
    "bubble-shown": _shown_edition("bubble"),
    "card-dressed": _shown_complete("card"),
    "bubble-dressed": _shown_complete("bubble"),
    "bubble-of": _plain("bubble_space", "event", "space", of_space=True),
    "bubble-off": _plain("bubble_given_up", "space", "reason", of_space=True),
    "bubble-seed": _bubble_reaction,
    "signboard": _room_shown,
    "post": _pinned_post,
    "caption": _plain("latest_caption", "space", "event", of_space=True),
    "said-lock": _lock_announced,
    "asked": _hand_asked,
    "levels-before": _levels_before,
    "picture": _plain("uploaded_picture", "digest", "address"),
    "which": _plain("command_space", "event", "space"),
    "whom": _command_person,
    "unblocked": _plain("command_unblocked", "event", "target"),
    "reworded": _plain("command_reworded", "message", "edit"),
    "reports": _counted_elsewhere,
    "read-back-from": _read_back_from,
}
"""The conversions by the prefix of old notes' names."""


def _invitation(value: str) -> dict[str, str]:
    return _texts(json.loads(value), "space", "user", "by", "host")


def _two_people(text: str) -> tuple[str, str]:
    """Split two Matrix ids that were joined by a colon, which is in each of them, too."""
    first, second = text.split(":@")
    return first, f"@{second}"


def _texts(held: Mapping[str, object], *names: str) -> dict[str, str]:
    return {name: _text(held[name]) for name in names}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value
