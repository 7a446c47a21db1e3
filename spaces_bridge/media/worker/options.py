"""What a media worker is told on its command line. Nothing in it is secret."""

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """File descriptors are the worker's own, inherited and already bound."""

    path: str
    """Of the unix socket it listens on for the control process."""
    udp: tuple[int, ...]
    tcp: tuple[int, ...]
    addresses: tuple[str, ...]
    """IP addresses that clients are told."""
    port: int
    memory_limit_mb: int = 1024
    orphan_grace_s: float = 900.0
    opus_bitrate: int = 32_000

    def to_json(self) -> str:
        """For the command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "WorkerOptions":
        """Undo `to_json`."""
        values = json.loads(text)
        for name in ("udp", "tcp", "addresses"):
            values[name] = tuple(values[name])
        return cls(**values)
