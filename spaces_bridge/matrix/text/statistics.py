"""The numbers of a live space, in words. Pure."""

from collections.abc import Iterator

from spaces_bridge.core.live_space import LiveSpace, Phase
from spaces_bridge.matrix.text.people import shown

SPEAKERS_SHOWN = 15
SECOND_MS = 1000


def statistics(space: LiveSpace, listeners: int, now_ms: int) -> str:
    """Return the statistics as some lines; nobody but speakers is named."""
    return "\n".join(_lines(space, listeners, now_ms))


def _lines(space: LiveSpace, listeners: int, now_ms: int) -> Iterator[str]:
    yield f"“{space.title}” {_since(space, now_ms)}"
    if space.phase is Phase.LIVE:
        yield f"Listeners now: {listeners} · on the stage: {len(space.stage)}"
    yield (
        f"Hands raised: {space.hands_raised} · reactions: {sum(space.reactions.values())} · "
        f"captions: {space.captions_said} · posts: {space.posts_shared}"
    )
    spoken = sorted(space.airtime_ms.items(), key=lambda item: (-item[1], item[0]))
    if spoken:
        times = [f"{shown(space, user)} {_length(ms)}" for user, ms in spoken[:SPEAKERS_SHOWN]]
        yield f"Spoken, as far as it was captioned: {', '.join(times)}"


def _since(space: LiveSpace, now_ms: int) -> str:
    if space.started_at_ms is None:
        return "was called off" if space.phase is Phase.ENDED else "has not started yet"
    if space.phase is Phase.ENDED:
        return f"was live for {_length((space.ended_at_ms or now_ms) - space.started_at_ms)}"
    return f"has been live for {_length(now_ms - space.started_at_ms)}"


def _length(ms: int) -> str:
    """Return the length like `1:05:09`, or like `5:09` below an hour."""
    minutes, seconds = divmod(max(0, ms) // SECOND_MS, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
