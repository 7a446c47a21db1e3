"""The shares of a worker's address space: every bound in numbers has its bound in bytes.

Peers have three quarters of what the worker itself leaves; TCP connections and the sound that is
kept for captions have the rest.
"""

from typing import Final

PEER_BYTES: Final = 160 * 1024
"""The most bytes of one peer in any phase: most of it is OpenSSL's, during the handshake."""
WORKER_BYTES: Final = 192 * 1024 * 1024
"""The bytes of a worker without peers: its libraries, and the mixers of some live spaces."""


def most_peers(limit_mb: int) -> int:
    """Return how many peers fit into an address space of so many MiB, at least one."""
    left = limit_mb * 1024 * 1024 - WORKER_BYTES
    return max(1, left * 3 // 4 // PEER_BYTES)
