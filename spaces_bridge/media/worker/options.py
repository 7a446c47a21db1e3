"""The options of a media worker, on its command line. Nothing in them is secret."""

import dataclasses
import json
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """The worker options; file descriptors are its own, inherited and already bound."""

    path: str
    """The path of the unix socket on which the worker listens for the control process."""
    udp: tuple[int, ...]
    tcp: tuple[int, ...]
    addresses: tuple[str, ...]
    """IP addresses that clients are told."""
    port: int
    memory_limit_mb: int = 1024
    orphan_grace_s: float = 900.0
    opus_bitrate: int = 32_000
    crowd_frame_ms: int = 60
    """The sound in a packet for those who only listen, once they are `crowd_from`: 20, 40, 60."""
    crowd_from: int = 200

    def to_json(self) -> str:
        """Return the options as JSON, for the command line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "WorkerOptions":
        """Return the options of a JSON text made by `to_json`."""
        values = json.loads(text)
        for name in ("udp", "tcp", "addresses"):
            values[name] = tuple(values[name])
        return cls(**values)
