"""The chat as events: what people write in the room, and what the bot says there for pages. Pure.

Only plain bodies count: formatted ones say the same in HTML, or claim to.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import dropwhile
from typing import Any

from spaces_bridge.app.chat import ChatKind, ChatLine
from spaces_bridge.app.tasks import ChatWords, PostChat
from spaces_bridge.core.ids import EventId, UserId
from spaces_bridge.core.text.writing import clean_text
from spaces_bridge.matrix.events.content import message, size
from spaces_bridge.matrix.events.envelope import envelope_of, is_id
from spaces_bridge.matrix.events.own import CHAT, ChatContent
from spaces_bridge.matrix.text.addressed import names_of
from spaces_bridge.matrix.text.commands import parse
from spaces_bridge.matrix.text.pills import pills_of

PER_MINUTE = 8
"""Events a minute of the page's chat in one room.

The room's other events keep their places beside it.
"""

MERGED_MAX_BYTES = 12_000
"""Bytes of text in one event, which holds everything twice."""

MERGED_MAX_LINES = 20
"""Lines in one event: when it is redacted, pages are told line by line."""

_NEXT_LINE = "\n    "
"""Further lines of one message are indented: none of them can pass for somebody else's."""

_WRITTEN = ("m.room.message", "m.sticker")
_KINDS = {
    "m.text": ChatKind.TEXT,
    "m.notice": ChatKind.TEXT,
    "m.emote": ChatKind.EMOTE,
    "m.image": ChatKind.PICTURE,
    "m.video": ChatKind.VIDEO,
    "m.audio": ChatKind.SOUND,
    "m.file": ChatKind.FILE,
    "m.location": ChatKind.PLACE,
}
_SENT = {
    ChatKind.PICTURE: "sent a picture",
    ChatKind.VIDEO: "sent a video",
    ChatKind.SOUND: "sent a sound",
    ChatKind.FILE: "sent a file",
    ChatKind.STICKER: "sent a sticker",
    ChatKind.PLACE: "sent a place",
}
_QUOTE_BEGINS = re.compile(r"> (\* )?<[@#]?[^\s>]*>")


# --- from the room ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wrote:
    """Somebody wrote a line, or sent a file. `at_ms`: their server's time, None without one."""

    event: EventId
    sender: UserId
    text: str
    kind: ChatKind
    file: str
    at_ms: int | None


@dataclass(frozen=True, slots=True)
class Reworded:
    """The message `target` was edited and says `text` now; empty: nothing that can be read."""

    target: EventId
    sender: UserId
    text: str


@dataclass(frozen=True, slots=True)
class WentOut:
    """The bot has said these lines for people on the page."""

    event: EventId
    lines: tuple[ChatLine, ...]


def chat_in(event: Mapping[str, Any], bot: str) -> Wrote | Reworded | WentOut | None:
    """Return what the event adds to the chat of its room; None: nothing.

    Commands are no chat, and of the bot's messages only those that say what pages wrote.
    """
    envelope = envelope_of(event)
    if envelope is None or envelope.type not in _WRITTEN or envelope.state_key is not None:
        return None
    id_, sender, content = envelope.event, envelope.sender, envelope.content
    if sender == bot:
        lines = _lines_in(content.get(CHAT))
        return WentOut(id_, lines) if lines else None
    kind = ChatKind.STICKER if envelope.type == "m.sticker" else _kind_of(content)
    relation = content.get("m.relates_to")
    relation = relation if isinstance(relation, Mapping) else {}
    if relation.get("rel_type") == "m.replace":
        return _reworded(sender, content, relation)
    if kind is None or _is_command(content, bot):
        return None
    text, file = _text_of(content, kind, is_reply="m.in_reply_to" in relation)
    at_ms = event.get("origin_server_ts")
    at_ms = at_ms if isinstance(at_ms, int) and not isinstance(at_ms, bool) else None
    return Wrote(id_, sender, text, kind, file, at_ms) if text else None


def _kind_of(content: Mapping[str, Any]) -> ChatKind | None:
    msgtype = content.get("msgtype")
    return _KINDS.get(msgtype) if isinstance(msgtype, str) else None


def _is_command(content: Mapping[str, Any], bot: str) -> bool:
    body = content.get("body")
    is_text = content.get("msgtype") == "m.text" and isinstance(body, str)
    names = names_of(bot, pills_of(content.get("formatted_body")))
    return is_text and parse(str(body), direct=False, names=names) is not None


def _reworded(
    sender: UserId, content: Mapping[str, Any], relation: Mapping[str, Any]
) -> Reworded | None:
    target, instead = relation.get("event_id"), content.get("m.new_content")
    if not is_id(target) or not isinstance(instead, Mapping):
        return None
    kind = _kind_of(instead)
    # in the new content there is no quoted message: replies keep what they reply to
    text = _text_of(instead, kind, is_reply=False)[0] if kind is not None else ""
    return Reworded(EventId(str(target)), sender, text)


def _text_of(content: Mapping[str, Any], kind: ChatKind, *, is_reply: bool) -> tuple[str, str]:
    """Return the text to show, and the name of a file."""
    body, named = content.get("body"), content.get("filename")
    text = clean_text(_without_quote(body) if is_reply else body) if isinstance(body, str) else ""
    if kind not in _SENT:
        return text, ""
    # since spec v1.10 a file with another name has words to it in its body
    file = _on_one_line(clean_text(named)) if isinstance(named, str) else ""
    caption = text if file and text != file else ""
    file = file or _on_one_line(text)
    sent = f"{_SENT[kind]}: {file}" if file else _SENT[kind]
    return (f"{sent}\n{caption}" if caption else sent), file


def _on_one_line(text: str) -> str:
    return " ".join(text.split())[:100]


def _without_quote(body: str) -> str:
    """Return the body without the quoted message.

    Clients used to put the message that is replied to before the reply, line by line.
    """
    if _QUOTE_BEGINS.match(body) is None:
        return body
    return "\n".join(dropwhile(lambda line: line.startswith(">"), body.split("\n")))


def _lines_in(block: object) -> tuple[ChatLine, ...]:
    entries = block if isinstance(block, list) else [block]
    return tuple(line for entry in entries if (line := _line_in(entry)) is not None)


def _line_in(entry: object) -> ChatLine | None:
    """Return the entry as a line, None if it has not the form of one.

    Guests without the floor are not named in the room: their user ids are never read back.
    """
    if not isinstance(entry, Mapping):
        return None
    id_, user, name = entry.get("id"), entry.get("user"), entry.get("name")
    text, at_ms = entry.get("text"), entry.get("at_ms")
    if not (isinstance(id_, str) and isinstance(name, str) and isinstance(text, str)):
        return None
    who = user if isinstance(user, str) else ""
    when = at_ms if isinstance(at_ms, int) else 0
    guest = entry.get("guest") is True
    return ChatLine(id_, UserId(who), name, text, when, guest=guest, named=bool(who))


# --- to the room --------------------------------------------------------------------------------


def content(lines: Sequence[ChatWords]) -> dict[str, Any]:
    """Return the bot's message for these lines, of which there is at least one."""
    entries = [_entry(line) for line in lines]
    body = "\n".join(_said(line) for line in lines)
    block: object = entries[0] if len(entries) == 1 else entries
    return {**message(body, msgtype="m.text"), CHAT: block}


def _said(line: ChatWords) -> str:
    text = _NEXT_LINE.join(line.text.split("\n"))
    return f"{' '.join(line.name.split())}: {text}"


def _entry(line: ChatWords) -> ChatContent:
    entry: ChatContent = {
        "id": line.id,
        "name": line.name,
        "text": line.text,
        "at_ms": line.at_ms,
    }
    if line.named:
        entry["user"] = line.user
    if line.guest:
        entry["guest"] = True
    return entry


def merge(head: PostChat, waiting: Sequence[PostChat]) -> tuple[PostChat, tuple[int, ...]]:
    """Merge the head with waiting lines, when more is written than events are allowed.

    Return the merged task, and the places among the waiting that it stands for, from the
    first on: the order stays.
    """
    lines, places = head.lines, list[int]()
    used = sum(_size(line) for line in lines)
    for place, wanted in enumerate(waiting):
        used += sum(_size(line) for line in wanted.lines)
        if used > MERGED_MAX_BYTES or len(lines) + len(wanted.lines) > MERGED_MAX_LINES:
            break
        lines = (*lines, *wanted.lines)
        places.append(place)
    return PostChat(head.space, lines), tuple(places)


def _size(line: ChatWords) -> int:
    # 150: the entry in the list of lines, besides name and text
    return size(line.text) + 2 * size(line.name) + len(line.user) + 150
