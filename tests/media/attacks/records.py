"""DTLS records as tests cut them."""

from spaces_bridge.media.worker.edge.dtls import Identity
from tests.media.test_dtls_intake import client_hello, fragment, record

__all__ = ["fragment", "hello_in_pieces", "record"]

_CLIENT_HELLO = 1
_HEAD = 13 + 12
_SHARED = Identity()


def hello_in_pieces(number: int = 0, identity: Identity | None = None) -> list[bytes]:
    """A client's first message in two datagrams, as today's browsers need for theirs.

    `number` is that of the first record.
    """
    body = client_hello(identity or _SHARED)[_HEAD:]
    half, size = len(body) // 2, len(body)
    first = fragment(0, size, body[:half], kind=_CLIENT_HELLO)
    rest = fragment(0, size, body[half:], offset=half, kind=_CLIENT_HELLO)
    return [record(first, number=2 * number), record(rest, number=2 * number + 1)]
