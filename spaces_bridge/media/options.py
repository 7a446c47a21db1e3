"""The options for sound that the administrator sets."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """The media options are the `media` section of the config."""

    addresses: tuple[str, ...]
    """IP addresses that clients are told."""
    port: int
    """The port for UDP and TCP; 0: any free one."""
    hostnames: tuple[str, ...]
    """Addresses to bind the port on."""
    runtime_dir: Path
    memory_limit_mb: int = 1024
    orphan_grace_s: float = 900.0
    opus_bitrate: int = 32_000
    crowd_frame_ms: int = 60
    crowd_from: int = 200

    @property
    def socket_path(self) -> str:
        """The path of the unix socket on which the worker listens for the control process."""
        return str(self.runtime_dir.absolute() / "media-0.sock")
