"""Transcripts of live spaces: WebVTT, SubRip, plain text or JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from spaces_bridge.app import codec
from spaces_bridge.app.ports import Journal
from spaces_bridge.core import events as ev
from spaces_bridge.core.display_names import shown_name
from spaces_bridge.core.live_space import LiveSpace
from spaces_bridge.pacing.token_bucket import TokenBuckets
from spaces_bridge.web.access.page_access import PageAccess
from spaces_bridge.web.problems import too_many

TranscriptLine = ev.UtteranceCaptioned


class Transcripts:
    """The transcripts' handler: serves `/s/SLUG/transcript.{vtt,srt,txt,json}`."""

    def __init__(self, access: PageAccess, journal: Journal) -> None:
        self._access = access
        self._journal = journal
        self._limiter = TokenBuckets(20, 0.5)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer with all captions so far, in the wanted format."""
        space, _ = await self._access.from_request(request)
        if not self._limiter.take(self._access.addresses.of(request)):
            raise too_many()
        kind = request.match_info["format"]
        content_type, write = FORMATS[kind]
        lines = await self._lines(space)
        return web.Response(
            status=HTTPStatus.OK,
            body=write(lines).encode(),
            headers={
                "Content-Type": content_type,
                "Content-Disposition": f'inline; filename="{space.slug}.{kind}"',
                "Cache-Control": "no-cache",
            },
        )

    async def _lines(self, space: LiveSpace) -> list[TranscriptLine]:
        rows = await self._journal.replay(space.space)
        happened = (codec.event_from(r) for r in rows if r.kind == TranscriptLine.stored_as)
        lines = [event for event in happened if isinstance(event, TranscriptLine)]
        return sorted(lines, key=lambda line: (line.start_ms, line.end_ms))


def vtt(lines: Sequence[TranscriptLine]) -> str:
    """Return the transcript as WebVTT with voice tags."""
    cues = (
        f"{_clock(line.start_ms, '.')} --> {_clock(_end(line), '.')}\n"
        f"<v {_cue(_name(line))}>{_cue(line.text)}</v>\n"
        for line in lines
    )
    return "\n".join(("WEBVTT\n", *cues))


def srt(lines: Sequence[TranscriptLine]) -> str:
    """Return the transcript as SubRip."""
    cues = (
        f"{number}\n{_clock(line.start_ms, ',')} --> {_clock(_end(line), ',')}\n"
        f"{_flat(_name(line))}: {_flat(line.text)}\n"
        for number, line in enumerate(lines, start=1)
    )
    return "\n".join(cues)


def txt(lines: Sequence[TranscriptLine]) -> str:
    """Return the transcript as plain text, one utterance a line, with its time."""
    return "".join(
        f"[{_clock(line.start_ms, '.')[:8]}] {_flat(_name(line))}: {_flat(line.text)}\n"
        for line in lines
    )


def as_json(lines: Sequence[TranscriptLine]) -> str:
    """Return the transcript as JSON, with times in milliseconds since the start."""
    utterances = [
        {
            "id": line.utterance,
            "speaker": line.speaker,
            "name": _name(line),
            "start_ms": line.start_ms,
            "end_ms": line.end_ms,
            "text": line.text,
            "language": line.language,
        }
        for line in lines
    ]
    return json.dumps({"utterances": utterances}, ensure_ascii=False)


FORMATS: Mapping[str, tuple[str, Callable[[Sequence[TranscriptLine]], str]]] = {
    "vtt": ("text/vtt; charset=utf-8", vtt),
    "srt": ("application/x-subrip; charset=utf-8", srt),
    "txt": ("text/plain; charset=utf-8", txt),
    "json": ("application/json", as_json),
}


def _name(line: TranscriptLine) -> str:
    return shown_name(line.name, line.speaker, guest=False)


def _end(line: TranscriptLine) -> int:
    return max(line.end_ms, line.start_ms + 1)


def _clock(at_ms: int, point: str) -> str:
    seconds, milliseconds = divmod(max(0, at_ms), 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{point}{milliseconds:03}"


def _flat(text: str) -> str:
    # a blank line would end the cue, and an arrow could begin one
    return " ".join(text.split()).replace("-->", "→")


def _cue(text: str) -> str:
    return _flat(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
