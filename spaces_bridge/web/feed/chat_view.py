"""Views of the chat for the pages.

The name of a guest without the floor is for moderators and for that guest; others get null.
"""

from collections.abc import Sequence

from spaces_bridge.app.chat import ChatLine, ChatNews, LinesFound, LinesGone, WriterGone
from spaces_bridge.core.display_names import DisplayNames, shown_name
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web.feed.channel import Channel, Client
from spaces_bridge.web.feed.outgoing import encode
from spaces_bridge.web.frames.server import ChatFrame
from spaces_bridge.web.frames.views import ChatLineView
from spaces_bridge.web.views import You, tone


def line_view(line: ChatLine, plates: DisplayNames, *, names: bool) -> ChatLineView:
    """Return the view of one line; times are Unix milliseconds.

    `names` shows also the names of guests without the floor.
    """
    name = plates.shown(line.user, line.name) if line.guest else line.name
    known = names or line.named
    view: ChatLineView = {
        "id": line.id,
        "user": line.user,
        "name": shown_name(name, line.user, guest=line.guest) if known else None,
        "text": line.text,
        "at_ms": line.at_ms,
        "guest": line.guest,
        "tone": tone(line.user),
        "kind": line.kind.value,
        "edited": line.edited,
    }
    if line.file:
        view["file"] = line.file
    if line.nonce:
        view["nonce"] = line.nonce
    return view


def lines_view(space: LiveSpace, you: You, lines: Sequence[ChatLine]) -> list[ChatLineView]:
    """Return the views of the last lines for one page."""
    names = you.moderates(space)
    plates = DisplayNames(space)
    return [line_view(line, plates, names=names or line.user == you.user) for line in lines]


def show(channel: Channel, news: ChatNews) -> None:
    """Send the news of the chat to all pages of the channel."""
    match news:
        case LinesGone(ids):
            for id_ in ids:
                channel.broadcast({"type": "chat", "id": id_, "removed": True})
        case WriterGone(user):
            channel.broadcast({"type": "chat", "user": user, "removed": True})
        case LinesFound(lines):
            for client in channel.clients:
                view = lines_view(channel.space, client.you, lines)
                client.send({"type": "chat", "lines": view})
        case ChatLine():
            _show_line(channel, news)


def _show_line(channel: Channel, line: ChatLine) -> None:
    plates = DisplayNames(channel.space)
    texts: dict[bool, bytes] = {}
    for client in channel.clients:
        names = line.named or _knows(channel, client, line)
        if names not in texts:
            texts[names] = encode(_line_frame(line, plates, names=names))
        # in a flood of lines a slow page misses some of them, and nothing else
        client.outgoing.put(texts[names], fades=not line.edited)


def _line_frame(line: ChatLine, plates: DisplayNames, *, names: bool) -> ChatFrame:
    return {"type": "chat", **line_view(line, plates, names=names)}


def _knows(channel: Channel, client: Client, line: ChatLine) -> bool:
    return client.you.user == line.user or client.you.moderates(channel.space)
