"""The outside world of the end-to-end tests: shared deployments, people, listening ears.

A *deployment* (homeserver and bridge, see `spaces_bridge_demo.deployment`) is costly and shared;
people and their live spaces are made anew by each test, through a `World`.
"""

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from spaces_bridge_demo.deployment import Deployment, LiveRoom, Person
from spaces_bridge_demo.feed import PageGuest
from spaces_bridge_demo.peer import RATE, ListenerPeer, Pcm, SpeakerPeer

_NUMBERS = itertools.count(1)


@contextmanager
def open_deployment(deployment: Deployment) -> Iterator[Deployment]:
    """Run a deployment outside any event loop, for fixtures of a wider scope than one test."""
    with asyncio.Runner() as runner:
        runner.run(deployment.__aenter__())
    try:
        yield deployment
    finally:
        with asyncio.Runner() as runner:
            runner.run(deployment.stop())


@contextmanager
def model_directory() -> Iterator[Path]:
    """Where speech models are put together once for a whole test run."""
    directory = Path(tempfile.mkdtemp(prefix="spaces-models-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class OnAir:
    """A live space with its host on air and somebody who listens."""

    host: Person
    space: LiveRoom
    host_page: PageGuest
    host_mic: SpeakerPeer
    listener: ListenerPeer


class World:
    """The people of one test, in a deployment that may be shared; `async with` sends them home."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self._people: list[Person] = []
        self._pages: list[PageGuest] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for page in self._pages:
            await page.close()
        for person in self._people:
            await person.stop()

    async def person(self, name: str, *, met: bool = True) -> Person:
        """Somebody new, whose name starts with `name`; `met`: with a DM with the bot."""
        deployment = self.deployment
        account = await deployment.homeserver.register(f"{name}{next(_NUMBERS)}")
        person = Person(deployment.homeserver.url, account, deployment.bridge.bot)
        await person.start()
        self._people.append(person)
        if met:
            await person.meet_bot()
        return person

    async def page(self, link: str, name: str | None = None) -> PageGuest:
        """Open a page: with a personal link, or a bare one and a guest's name (None: nameless)."""
        tab = PageGuest(link, name)
        self._pages.append(tab)
        await tab.open()
        return tab

    async def live_space(self, host: Person, title: str = "An evening talk") -> LiveRoom:
        """A live space, started."""
        space = await host.create_space(title)
        await host.start_space(space)
        return space

    async def on_air(self, title: str = "An evening talk") -> OnAir:
        """A live space with an open microphone and a listener who gave no name."""
        host = await self.person("ada")
        space = await self.live_space(host, title)
        host_page = await self.page(await host.personal_link(space))
        host_mic = await host_page.open_microphone()
        listener = await (await self.page(space.page)).listen()
        await listener.wait_packets(10)
        return OnAir(host, space, host_page, host_mic, listener)

    async def speaker(self, live: OnAir, name: str = "mia") -> tuple[Person, PageGuest]:
        """Somebody who has joined, asked and been granted the floor, with the page open."""
        person = await self.person(name)
        await person.join(live.space.alias)
        page = await self.page(await person.personal_link(live.space))
        offered = page.next_frame("role", lambda frame: frame["may_speak"])
        await live.host.grant_floor(live.space, person)
        await offered
        return person, page


def last(listener: ListenerPeer, seconds: float) -> Pcm:
    """The last seconds heard."""
    return listener.pcm()[-round(seconds * RATE) :]


def quiet_stretches(pcm: Pcm, threshold: float = 0.01) -> Sequence[float]:
    """The lengths, in seconds, of all stretches quieter than `threshold` (1 is full scale)."""
    window = RATE // 100
    usable = pcm[: len(pcm) // window * window].reshape(-1, window).astype(np.float64) / 32768
    quiet = np.sqrt((usable**2).mean(axis=1)) < threshold
    runs = [len(list(group)) for is_quiet, group in itertools.groupby(quiet) if is_quiet]
    return [run / 100 for run in runs]
