"""The supervisor keeps one media worker alive: finds or starts it, watches it, replaces it.

It holds the public sockets and the resume records of all peers, in memory only: so a worker that
is killed is replaced by another that goes on with the same peers, who notice a short gap.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.media.launch import (
    Process,
    RunningWorker,
    attach,
    prepare_directory,
    spawn,
)
from spaces_bridge.media.link import START_S, MediaWorkerLink
from spaces_bridge.media.messages import (
    PROTOCOL,
    FromMediaWorker,
    Hello,
    PeerChanged,
    Record,
    ToMediaWorker,
)
from spaces_bridge.media.options import MOST_WORKERS, MediaOptions
from spaces_bridge.media.sockets import Sockets, open_sockets
from spaces_bridge.media.worker.values import PeerPhase
from spaces_bridge.pacing.backoff import Backoff
from spaces_bridge.wire.messages import BadMessage
from spaces_bridge.wire.worker_link import WorkerNotRunning, WorkerUnresponsive

log = logging.getLogger(__name__)

TASK: Final = "media worker"
_ATTACH_S: Final = 2.0
_ATTACH_EVERY_S: Final = 0.02
_TERM_S: Final = 1.0
_LAST_MOMENT_S: Final = 0.1
_SHORT_LIFE_S: Final = 1.0
WORKER_BACKOFF: Final = Backoff(1.0, 5.0)
"""The wait before another worker is started, after the second short life in a row."""
_SUSPECT_AFTER: Final = 4
"""Short lives in a row after which the records are dropped, in case one of them is the cause."""


class Supervisor:
    """A supervisor has one worker at a time. Callbacks come from the loop, and must not wait."""

    def __init__(
        self,
        options: MediaOptions,
        *,
        on_message: Callable[[FromMediaWorker], None],
        on_attached: Callable[[Hello, Mapping[str, Record]], None],
        tasks: TaskSupervisor | None = None,
    ) -> None:
        """`on_attached` gets what this worker has, and the records to go on with if it is new."""
        self._options = options
        self._on_message, self._on_attached = on_message, on_attached
        self._sockets: Sockets | None = None
        self._records: dict[str, Record] = {}
        self._link: MediaWorkerLink | None = None
        self._attached = asyncio.Event()
        self._tasks = tasks or TaskSupervisor()
        self._task = f"{TASK} {options.place + 1}" if options.place else TASK
        self.restarts = 0
        """The number of times a worker had to be replaced."""

    @property
    def port(self) -> int:
        """The public port. Raises AdapterError before the start."""
        if self._sockets is None:
            raise AdapterError("The sound has not been started.")
        return self._sockets.port

    @property
    def pid(self) -> int | None:
        """The worker's process id; None while it is not attached."""
        link = self._link
        return link.process.pid if link is not None and self._attached.is_set() else None

    @property
    def is_attached(self) -> bool:
        """Return whether the worker can be reached now."""
        return self._attached.is_set()

    async def attached(self, timeout: float) -> None:
        """Wait until a worker is attached. Raises AdapterError after `timeout` seconds."""
        try:
            await asyncio.wait_for(self._attached.wait(), timeout)
        except TimeoutError as problem:
            text = "The sound is being restarted. Try again in a moment."
            raise AdapterError(text) from problem

    async def start(self) -> None:
        """Find the worker of an earlier run, or start one. Raises StartUpError, AdapterError."""
        prepare_directory(self._options)
        link = await self._find()
        if link is None:
            if self._sockets is None:
                self._sockets = open_sockets(self._options)
            await self._start_worker()
        self._tasks.finish(self._task, self._watch)

    async def stop(self) -> None:
        """End the worker, and with it the sound."""
        await self._tasks.stop(self._task)
        self._attached.clear()
        if self._link is not None and self._link.is_superseded:
            self._link.close()
        elif self._link is not None:
            await self._link.end(_TERM_S)
        if self._sockets is not None:
            self._sockets.close()

    def send(self, message: ToMediaWorker) -> None:
        """Send to the worker; without one nothing is sent, and `on_attached` makes up for it."""
        link = self._link
        if link is not None and link.connection is not None and self._attached.is_set():
            link.connection.send(message)

    def heard(self, message: FromMediaWorker) -> None:
        """Take a message of the worker's: records are kept here, all else is for the stage."""
        if isinstance(message, Record):
            self._records[message.peer] = message
            return
        if isinstance(message, PeerChanged) and message.phase is PeerPhase.CLOSED:
            self._records.pop(message.peer, None)
        self._on_message(message)

    def forget(self, peer: str) -> None:
        """Drop the record of this peer, so that no worker goes on with it."""
        self._records.pop(peer, None)

    def attach_again(self) -> None:
        """Have the worker say anew what it has: `on_attached` gets it, with no records."""
        if self._link is not None and self._attached.is_set():
            self._link.close()

    # --- coming to life ---

    async def _find(self) -> MediaWorkerLink | None:
        """Attach to a worker that is there; return None if there is none that can be used."""
        try:
            found = await attach(self._options.socket_path, want_sockets=True, timeout=_ATTACH_S)
        except WorkerUnresponsive as unresponsive:
            log.warning("ending a media worker of an earlier run: it does not answer")
            await _kill(unresponsive.pid)
            return None
        except (WorkerNotRunning, BadMessage):
            return None
        try:
            link = MediaWorkerLink(Process(found.pid), self.heard)
        except ProcessLookupError:
            found.connection.close()
            found.sockets.close()
            return None
        with contextlib.suppress(TimeoutError):
            await link.open(found, PROTOCOL)
        if self._options.port not in (0, found.sockets.port):
            log.warning("ending a media worker of an earlier run: it has another port")
            found.sockets.close()
            await link.end()
            return None
        self._sockets = found.sockets
        if found.greeting.protocol == PROTOCOL and link.hello is not None:
            log.info("took over the media worker of an earlier run (pid %d)", found.pid)
            self._take(link, {})
            return link
        log.warning("replacing a media worker of another version")
        link.talk.ready()  # takes its records
        await link.end()
        return None

    async def _start_worker(self) -> MediaWorkerLink:
        """Start a worker and attach to it. Raises AdapterError if that fails."""
        assert self._sockets is not None
        text = "The media worker did not start; the lines above say why."
        try:
            link = MediaWorkerLink(spawn(self._options, self._sockets), self.heard)
        except OSError as problem:
            raise AdapterError(text) from problem
        try:
            async with asyncio.timeout(START_S):
                found = await self._attach_until_greeted(link.process)
                await link.open(found, PROTOCOL)
        except (TimeoutError, BadMessage, OSError) as problem:
            await link.end()
            raise AdapterError(text) from problem
        except asyncio.CancelledError:
            await link.end()
            raise
        self._take(link, self._records)
        return link

    async def _attach_until_greeted(self, process: Process) -> RunningWorker:
        while not process.is_gone:
            try:
                found = await attach(
                    self._options.socket_path, want_sockets=False, timeout=_ATTACH_S
                )
            except WorkerNotRunning:
                await asyncio.sleep(_ATTACH_EVERY_S)
                continue
            if found.pid == process.pid:
                return found
            found.connection.close()  # of the worker that it replaces, which has not quite ended
        raise OSError("the worker ended at once")

    def _take(self, link: MediaWorkerLink, records: Mapping[str, Record]) -> None:
        assert link.hello is not None
        self._link = link
        self._attached.set()
        self._on_attached(link.hello, records)
        link.talk.ready()

    # --- watching ---

    async def _watch(self) -> None:
        """Watch worker after worker; return only when another bridge has taken the worker over."""
        loop = asyncio.get_running_loop()
        short_lives = 0
        assert self._link is not None
        link = self._link
        while True:
            born = loop.time()
            # after a bug of ours the worker may be there without being attached
            reason = await self._live_with(link) if self.is_attached else "was lost track of"
            self._attached.clear()
            if link.is_superseded:
                log.error(
                    "another bridge process has taken over the media worker: is one running?"
                )
                return
            again = await self._attach_again(link)
            if again is not None:
                link = again
                continue
            log.error("the media worker is replaced: it %s", reason)
            await link.end()
            short_lives = short_lives + 1 if loop.time() - born < _SHORT_LIFE_S else 0
            link = await self._replace(short_lives)

    async def _live_with(self, link: MediaWorkerLink) -> str:
        """Ping the worker until something is wrong, and return what, in words."""
        gone = asyncio.ensure_future(link.process.ended())
        lost = asyncio.ensure_future(link.ended.wait())
        silent = asyncio.ensure_future(link.talk.until_unresponsive())
        try:
            await asyncio.wait({gone, lost, silent}, return_when=asyncio.FIRST_COMPLETED)
            if not gone.done() and not lost.done():
                await silent  # raises if a bug of ours has ended it
                return "answers no more"
            if not gone.done():  # the connection of a dead process ends a moment before it
                await asyncio.wait({gone}, timeout=_LAST_MOMENT_S)
            return "died" if gone.done() else "hung up"
        finally:
            for task in (gone, lost, silent):
                task.cancel()

    async def _attach_again(self, link: MediaWorkerLink) -> MediaWorkerLink | None:
        """Attach to the worker again if it lives: it may only have ended the connection."""
        if not link.ended.is_set() or link.process.is_gone:
            return None
        try:
            found = await attach(self._options.socket_path, want_sockets=False, timeout=_ATTACH_S)
            if found.pid != link.process.pid:
                found.connection.close()
                return None
            again = MediaWorkerLink(link.process, self.heard)
            await again.open(found, PROTOCOL)
        except (OSError, BadMessage, TimeoutError):
            return None
        link.close()
        self._take(again, {})
        return again

    async def _replace(self, short_lives: int) -> MediaWorkerLink:
        """Start a new worker on the same sockets, trying until one comes up."""
        while True:
            if short_lives >= _SUSPECT_AFTER:
                self._records.clear()
            await asyncio.sleep(WORKER_BACKOFF.wait_s(short_lives - 1))
            self.restarts += 1
            try:
                return await self._start_worker()
            except AdapterError as problem:
                log.error("no media worker: %s", problem)
                short_lives += 1


async def end_surplus(options: MediaOptions, count: int) -> None:
    """End the workers of an earlier run that are beyond `count`; their clients come back."""
    paths = (Path(options.of_worker(at).socket_path) for at in range(count, MOST_WORKERS))
    for path in paths:
        if not path.exists():
            continue
        try:
            found = await attach(str(path), want_sockets=False, timeout=_ATTACH_S)
            pid = found.pid
            found.connection.close()
        except WorkerUnresponsive as unresponsive:
            pid = unresponsive.pid
        except (WorkerNotRunning, BadMessage):
            continue
        log.warning("ending a media worker of an earlier run: there are fewer now")
        with contextlib.suppress(ProcessLookupError):
            await Process(pid).end(_TERM_S)


async def _kill(pid: int) -> None:
    """Send SIGKILL to a process that is not our child, and wait for its end."""
    with contextlib.suppress(ProcessLookupError):
        await Process(pid).end()
