"""A flood of reactions: guests over the feed, members by annotating the live card.

Everybody taps at an even pace; the same numbers give the same taps. Meanwhile some people talk
with the bot, and each answer is timed. The bridge's events are read from the homeserver's own
record of the room afterwards.
"""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from spaces_bridge_demo.deployment import CAPTION, Deployment, LiveRoom, Person
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.matrix_user import MatrixUser

KINDS = [
    "👏",
    "❤️",
    "😂",
    "💯",
    "🎉",
    "🔥",
    "👍",
    "🙏",
    "😮",
    "🤔",
    "😢",
    "🥳",
    "🚀",
    "🌟",
    "💡",
    "🎵",
    "🍀",
    "🌈",
    "🦄",
    "🐢",
]
"""The emoji that are tapped; a member can hold one annotation of each kind at a time."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """A crowd: how many people tap how often within how many seconds."""

    guests: int
    taps_per_guest: int
    members: int
    taps_per_member: int
    seconds: float
    askers: int
    questions_each: int

    @property
    def taps(self) -> int:
        """Return the number of all taps."""
        return self.guests * self.taps_per_guest + self.members * self.taps_per_member


@dataclass(slots=True)
class Outcome:
    """A flood's outcome; `began_ms` is Unix time, answers are in seconds."""

    began_ms: int
    tapped: Counter[str]
    answered_s: list[float] = field(default_factory=list)


class Flood:
    """A flood: prepares the crowd, lets it tap, and reads the results."""

    def __init__(
        self, deployment: Deployment, host: Person, space: LiveRoom, crowd: Crowd
    ) -> None:
        self._deployment = deployment
        self._host = host
        self._space = space
        self._crowd = crowd
        self._guests: list[PageGuest] = []
        self._members: list[MatrixUser] = []
        self._askers: list[Person] = []
        self._open = AsyncExitStack()

    async def __aenter__(self) -> "Flood":
        crowd = self._crowd
        for number in range(crowd.guests):
            address = f"198.51.{number // 200}.{number % 200 + 1}"
            guest = PageGuest(self._space.page, f"Guest {number}", address)
            self._guests.append(guest)
            await self._open.enter_async_context(guest)
        for number in range(crowd.members):
            account = await self._deployment.homeserver.register(f"fan{number}")
            member = MatrixUser(self._deployment.homeserver.url, account)
            await member.start(follow=False)
            self._open.push_async_callback(member.stop)
            await member.join(self._space.alias)
            self._members.append(member)
        for number in range(crowd.askers):
            asker = await self._deployment.person(f"asker{number}")
            await asker.meet_bot()
            self._askers.append(asker)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def run(self) -> Outcome:
        """Let everybody tap for the crowd's time."""
        outcome = Outcome(time.time_ns() // 1_000_000, Counter())
        crowd = self._crowd
        await asyncio.gather(
            *(self._tap_page(n, g, outcome) for n, g in enumerate(self._guests)),
            *(self._tap_card(n, m, outcome) for n, m in enumerate(self._members)),
            *(self._ask(n, a, outcome) for n, a in enumerate(self._askers)),
        )
        if sum(outcome.tapped.values()) != crowd.taps:
            raise RuntimeError("somebody did not tap as often as meant")
        return outcome

    async def _tap_page(self, number: int, guest: PageGuest, outcome: Outcome) -> None:
        step_s = self._crowd.seconds / self._crowd.taps_per_guest
        await asyncio.sleep(step_s * number / len(self._guests))
        for tap in range(self._crowd.taps_per_guest):
            emoji = KINDS[(number + tap) % len(KINDS)]
            await guest.send({"type": "react", "emoji": emoji})
            outcome.tapped[emoji] += 1
            await asyncio.sleep(step_s)

    async def _tap_card(self, number: int, member: MatrixUser, outcome: Outcome) -> None:
        step_s = self._crowd.seconds / self._crowd.taps_per_member
        ends_at = time.monotonic() + self._crowd.seconds
        await asyncio.sleep(step_s * number / len(self._members))
        for tap in range(self._crowd.taps_per_member):
            emoji = KINDS[(number + tap) % len(KINDS)]
            await member.react(self._space.room, self._space.card, emoji)
            outcome.tapped[emoji] += 1
            await asyncio.sleep(min(step_s, max(0.0, ends_at - time.monotonic())))

    async def _ask(self, number: int, asker: Person, outcome: Outcome) -> None:
        step_s = self._crowd.seconds / self._crowd.questions_each
        await asyncio.sleep(step_s * number / len(self._askers))
        for _ in range(self._crowd.questions_each):
            asked = time.monotonic()
            await asker.tell_bot("live")
            took_s = time.monotonic() - asked
            outcome.answered_s.append(took_s)
            await asyncio.sleep(max(0.0, step_s - took_s))

    # --- results --------------------------------------------------------------------------------

    async def totals(self) -> Counter[str]:
        """Return the reactions that the live space has counted, by its public API."""
        page = self._space.page
        url = f"{page.rpartition('/s/')[0]}/api/v1/spaces/{self._space.slug}"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return Counter((await answer.json())["reactions"])

    async def card_total(self) -> int | None:
        """Return the number of reactions that the live card shows; None while it shows none."""
        edits = [e for e in await self._host.timeline(self._space.room) if _edits(e, self._space)]
        body = str(edits[-1]["content"]["m.new_content"]["body"]) if edits else ""
        found = re.search(r"\((\d+) in all\)", body)
        return int(found[1]) if found else None

    async def events_of_bridge(self, from_ms: int, until_ms: int) -> list[dict[str, Any]]:
        """Return the events of bot and ghosts in the room, besides captions and redactions."""
        return [
            dict(event)
            for event in await self._host.timeline(self._space.room)
            if from_ms <= event["origin_server_ts"] < until_ms
            and _is_ours(event["sender"], self._deployment.bridge.bot)
            and event["type"] != "m.room.redaction"
            and CAPTION not in event["content"]
        ]

    def busiest_minute(self, events: Sequence[dict[str, Any]]) -> int:
        """Return the most events within any 60 seconds."""
        times = [int(event["origin_server_ts"]) for event in events]
        return max((sum(t <= u < t + 60_000 for u in times) for t in times), default=0)


def _edits(event: Any, space: LiveRoom) -> bool:  # noqa: ANN401 - JSON
    relation = event["content"].get("m.relates_to", {})
    return bool(relation.get("rel_type") == "m.replace" and relation["event_id"] == space.card)


def _is_ours(sender: str, bot: str) -> bool:
    return sender == bot or sender.startswith("@spaces_")
