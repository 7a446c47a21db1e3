"""HTTP calls of the Client-Server API as an appservice.

Every call on behalf of a user carries `user_id` and `device_id`: without the device Synapse
forgets transaction ids over a restart and does things twice.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeGuard
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from spaces_bridge.core.ids import UserId
from spaces_bridge.matrix.client.errors import Away, RequestRefused
from spaces_bridge.matrix.client.reach import Reach
from spaces_bridge.matrix.client.shapes import is_answer

log = logging.getLogger(__name__)

Json = Mapping[str, Any]

DEVICE = "SPACES"
"""The device of the bot and of every ghost."""
TIMEOUT_S = 60.0
"""A join or an invite may wait for another server."""
CONNECT_TIMEOUT_S = 5.0
OPTIONAL = frozenset({"appservice", "profile", "users", "directory", "capabilities"})
"""Paths that a homeserver may not have."""
WRITES = frozenset({"rooms", "createRoom", "join"})
"""Paths whose calls make events."""
NOT_MATRIX = "Not the homeserver, but something answers {}."
ERRCODE_MAX = 100
TRANSIENT = frozenset({"M_LIMIT_EXCEEDED", "M_UNKNOWN_TOKEN", "M_MISSING_TOKEN"})
"""Errcodes that are not about the request: too fast, or no registration loaded (yet)."""


def home_connector() -> aiohttp.TCPConnector:
    """Return a connector to our own homeserver, by whatever names this machine knows hosts.

    Names of its hosts file, of containers and of local services are not all known to name servers.
    """
    return aiohttp.TCPConnector(resolver=aiohttp.ThreadedResolver())


class HomeserverApi:
    """The HTTP client that calls the homeserver with the appservice's token."""

    def __init__(
        self, address: str, token: str, reach: Reach, on_write: Callable[[str], None]
    ) -> None:
        """`on_write` is told of every call that may make an event: the room, empty without one."""
        self._base = f"{address}/_matrix/client"
        self._media = f"{address}/_matrix/media/v3/upload"
        self._thumbnails = f"{address}/_matrix/client/v1/media/thumbnail"
        self._token = token
        self._reach = reach
        self._on_write = on_write
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Open the HTTP session."""
        self._session = aiohttp.ClientSession(
            connector=home_connector(),
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_TIMEOUT_S),
            middlewares=(_write_state_once,),
        )

    async def stop(self) -> None:
        """Close the HTTP session. Safe to repeat."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(
        self,
        method: str,
        path: Sequence[str],
        body: Json | None = None,
        *,
        user: UserId | None = None,
        device: str | None = DEVICE,
        query: Mapping[str, str] | None = None,
        version: str = "v3",
        within_s: float = TIMEOUT_S,
    ) -> Any:  # noqa: ANN401 - JSON
        """Make one call; `path` is the unescaped parts below `/_matrix/client/VERSION`.

        Returns the JSON of a success that is an answer to this call. Raises RequestRefused, and
        Away: also where something answers that is no homeserver, whatever its status.
        """
        parameters = dict(query or {})
        if user is not None:
            parameters["user_id"] = user
            if device is not None:
                parameters["device_id"] = device
        if method != "GET" and path[0] in WRITES:
            self._on_write(path[1] if path[0] == "rooms" else "")
        url = "/".join([self._base, version, *(quote(part, safe="") for part in path)])
        status, headers, answer = await self._exchange(
            method, f"{url}?{urlencode(parameters)}", body, within_s=within_s
        )
        if not 200 <= status < 300:
            raise self._failure(status, headers, answer, path[0] in OPTIONAL)
        if not await self._is_answer(method, path, answer):
            self._reach.note_lost()
            raise Away(NOT_MATRIX.format(status), unreached=True)
        self._reach.note_found()
        return answer

    async def is_there(self, within_s: float) -> None:
        """Ask for the versions. Raises Away, RequestRefused: no homeserver answers in time."""
        url = f"{self._base}/versions"
        status, headers, answer = await self._exchange("GET", url, within_s=within_s)
        if status != 200:
            raise self._failure(status, headers, answer, optional=True)
        if not is_answer("GET", ["versions"], answer):
            self._reach.note_lost()
            raise Away(NOT_MATRIX.format(status), unreached=True)
        self._reach.note_found()

    async def _is_answer(self, method: str, path: Sequence[str], answer: object) -> bool:
        """Return whether the answer is the homeserver's. Raises Away.

        Where an answer could be anybody's (`{}`, of which the spec has many), the homeserver is
        asked right after who we are: whatever else stands at its address does not know.
        """
        judgement = is_answer(method, path, answer)
        if judgement is not None:
            return judgement
        with suppress(RequestRefused):  # whoever refuses speaks Matrix
            await self.call("GET", ["account", "whoami"])
        return True

    async def upload(self, file: bytes, content_type: str, name: str, user: UserId) -> str:
        """Upload a file; return its `mxc://` address. Raises RequestRefused, Away.

        Media may be served by another program than the rest, or by none: its answer says nothing
        about whether the homeserver is there.
        """
        query = urlencode({"filename": name, "user_id": user})
        data = aiohttp.BytesPayload(file, content_type=content_type)
        status, headers, answer = await self._exchange("POST", f"{self._media}?{query}", data=data)
        if _is_error(answer, status):
            raise self._failure(status, headers, answer, optional=True)
        address = answer.get("content_uri") if isinstance(answer, dict) else None
        if status != 200 or not isinstance(address, str) or not address.startswith("mxc://"):
            raise Away(f"No media: {status} without a Matrix error.", broken=True)
        return address

    async def thumbnail(
        self, place: Sequence[str], query: Mapping[str, str], limit: int, within_s: float
    ) -> bytes:
        """Return a small version of the file at `place` (server, id). Raises RequestRefused, Away.

        RequestRefused is also raised for one of more than `limit` bytes. As with uploads, no
        answer says anything about whether the homeserver is there.
        """
        if self._session is None:
            raise Away("The Matrix side is not running.", unreached=True)
        path = "/".join(quote(part, safe="") for part in place)
        url = URL(f"{self._thumbnails}/{path}?{urlencode(query)}", encoded=True)
        timeout = aiohttp.ClientTimeout(total=within_s)
        try:
            async with self._session.get(url, timeout=timeout, allow_redirects=False) as response:
                if response.status != 200:
                    raise RequestRefused(response.status, "M_UNKNOWN", "no thumbnail")
                return await _at_most(response.content, limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Away(f"No thumbnail ({type(error).__name__}).", broken=True) from error

    async def _exchange(
        self,
        method: str,
        url: str,
        body: Json | None = None,
        data: aiohttp.BytesPayload | None = None,
        within_s: float = TIMEOUT_S,
    ) -> tuple[int, Mapping[str, str], Any]:
        if self._session is None:
            raise Away("The Matrix side is not running.", unreached=True)
        try:
            async with (
                self._reach.waiting(within_s),
                self._session.request(
                    method, URL(url, encoded=True), json=body, data=data, allow_redirects=False
                ) as response,
            ):
                try:
                    answer = await response.json(content_type=None)
                except (ValueError, RecursionError):
                    answer = None
                return response.status, response.headers, answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._reach.note_lost()
            raise Away(
                f"The homeserver does not answer ({type(error).__name__}).", unreached=True
            ) from error

    def _failure(
        self, status: int, headers: Mapping[str, str], answer: object, optional: bool
    ) -> Exception:
        if not _is_error(answer, status):
            self._reach.note_lost()
            return Away(NOT_MATRIX.format(status), unreached=True)
        errcode = answer["errcode"][:ERRCODE_MAX]
        text = str(answer.get("error", ""))[:500]
        self._reach.note_found()
        if status >= 500 or (errcode == "M_UNRECOGNIZED" and not optional):
            # every homeserver has these endpoints: a worker, or another service, got the request
            return Away(f"{status} {errcode}: {text}", broken=True)
        if status in {408, 429} or errcode in TRANSIENT:
            wait_s = retry_after_s(headers, answer)
            return Away(f"{status} {errcode}: {text}", retry_after_s=wait_s)
        return RequestRefused(status, errcode, text)


def _is_error(answer: object, status: int) -> TypeGuard[dict[str, Any]]:
    """Return whether it is a Matrix error: Client-Server API, "Standard error response"."""
    return status >= 400 and isinstance(answer, dict) and isinstance(answer.get("errcode"), str)


async def _at_most(content: aiohttp.StreamReader, limit: int) -> bytes:
    body = bytearray()
    async for part in content.iter_any():
        body += part
        if len(body) > limit:
            raise RequestRefused(200, "M_TOO_LARGE", f"a thumbnail of more than {limit} bytes")
    return bytes(body)


async def _write_state_once(
    request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from sending an unanswered PUT of state once more by itself.

    State has no transaction ids: the event may have been taken, and changed by somebody else
    since. The caller must look first.
    """
    try:
        return await send(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method != "PUT" or "/state/" not in request.url.path:
            raise
        raise aiohttp.ClientConnectionError("A state event may have been written.") from error


def retry_after_s(headers: Mapping[str, str], answer: Json) -> float | None:
    """Return the seconds to wait: the header's, else the deprecated field's; an hour at most.

    Spec: Client-Server API, "Rate limiting".
    """
    header = headers.get("Retry-After", "")
    if header.isascii() and header.isdigit():
        return min(float(header), 3600.0)
    field = answer.get("retry_after_ms")
    if isinstance(field, int) and not isinstance(field, bool) and field >= 0:
        return min(field / 1000, 3600.0)
    return None
