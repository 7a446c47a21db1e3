"""Views of live spaces in lists: the directory and the public API. Pure."""

from collections.abc import Iterable

from spaces_bridge.app.records import SpaceSummary
from spaces_bridge.core.display_names import shown_name
from spaces_bridge.core.floor import RequestState
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.web import views
from spaces_bridge.web.frames.views import SpaceView
from spaces_bridge.web.settings import WebSettings

TRANSCRIPTS = ("txt", "vtt", "srt", "json")
"""Formats of transcripts."""


def past_view(space: SpaceSummary, settings: WebSettings) -> views.JsonBody:
    """Return an ended live space for the directory; `transcript` is None without captions."""
    page = settings.page(space.slug)
    return {
        "title": space.title,
        "page": page,
        "host": {
            "id": space.host,
            "name": shown_name(space.host_name, space.host, guest=False),
            "tone": views.tone(space.host),
            # None, as a picture would take reading the whole journal
            "picture": None,
        },
        "tone": views.tone(space.host),
        "started_at": space.started_at_ms,
        "ended_at": space.ended_at_ms,
        "transcript": {kind: f"{page}/transcript.{kind}" for kind in TRANSCRIPTS}
        if space.captions
        else None,
    }


def api_view(space: LiveSpace, about: SpaceView, guests: int) -> views.JsonBody:
    """Return a live space for the public API."""
    accepted = RequestState.ACCEPTED
    hands = [r for r in space.requests.values() if r.state is not accepted]
    page = about["page"]
    return {
        **about,
        "stage": [views.on_stage(space, person, page) for person in space.stage],
        "hands": len(hands),
        "listeners": views.listeners(space, guests),
        "reactions": dict(space.reactions),
    }


def most_recent_first(spaces: Iterable[LiveSpace]) -> list[LiveSpace]:
    """Return the live spaces by when they started (or were made), newest first."""
    return sorted(spaces, key=lambda s: -(s.started_at_ms or s.created_at_ms))
