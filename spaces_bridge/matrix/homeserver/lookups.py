"""Looking up names that strangers have chosen, so that nobody else waits for it.

A name server may take its time, and the look-up in the C library cannot be given up. In the event
loop's own threads a few such names would hold up all others, and the end of the program.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

AT_ONCE = 64
"""Look-ups under way, those included for which nobody waits any more."""

_Infos = Sequence[tuple[Any, ...]]
"""As ``socket.getaddrinfo`` gives them."""


class PatientLookups(AbstractResolver):
    """Each look-up in a thread of its own, which ends with the program at the latest."""

    def __init__(self) -> None:
        self._free = threading.BoundedSemaphore(AT_ONCE)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """All addresses of a name. Raises OSError, UnicodeError."""
        infos = await self._in_thread(
            lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=kind,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, protocol, _, address in infos
        ]

    async def close(self) -> None:
        """Who still waits is told when the name server has answered."""

    async def _in_thread(self, look_up: Callable[[], _Infos]) -> _Infos:
        if not self._free.acquire(blocking=False):
            raise OSError("too many names are being looked up")
        loop = asyncio.get_running_loop()
        found: asyncio.Future[_Infos] = loop.create_future()

        def run() -> None:
            try:
                infos, failure = look_up(), None
            except (OSError, UnicodeError) as error:
                infos, failure = [], error
            finally:
                self._free.release()
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(_settle, found, infos, failure)

        threading.Thread(target=run, name="name look-up", daemon=True).start()
        return await found


def _settle(
    found: asyncio.Future[_Infos], infos: _Infos, failure: OSError | UnicodeError | None
) -> None:
    if found.done():
        return  # nobody waits any more
    if failure is not None:
        found.set_exception(failure)
    else:
        found.set_result(infos)
