"""What the bridge's owner says of sound."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class MediaOptions:
    """The `media` section of the config."""

    addresses: tuple[str, ...]
    """IP addresses that clients are told."""
    port: int
    """UDP and TCP; 0: any free one."""
    hostnames: tuple[str, ...]
    """Addresses to bind it on."""
    runtime_dir: Path
    memory_limit_mb: int = 1024
    orphan_grace_s: float = 900.0
    opus_bitrate: int = 32_000

    @property
    def socket_path(self) -> str:
        """Where the worker listens for us."""
        return str(self.runtime_dir.absolute() / "media-0.sock")
