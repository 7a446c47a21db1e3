"""The options of a media node: flags, or variables of the environment for what is secret."""

import argparse
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import urlsplit

from spaces_bridge.media.nodes.limits import SECRET_MIN
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.startup import ExitCode, StartUpError

SECRET_VARIABLE: Final = "SPACES_NODE_SECRET"
"""The secret itself; with `_FILE`, the path of a file that holds it."""

DESCRIPTION: Final = (
    "Carry sound for a Spaces bridge on another machine: page listeners of its live spaces. The "
    "bridge needs media.engine: livekit and media.node_secret; this machine needs UDP and TCP on "
    "one port from the internet, and a way to the LiveKit server. See docs/nodes.md."
)
EPILOG: Final = (
    f"The secret comes by --secret-file, {SECRET_VARIABLE}_FILE (a path) or {SECRET_VARIABLE}."
)


@dataclass(frozen=True, slots=True)
class NodeOptions:
    """The node options: the bridge's address, its secret, and the worker of this machine."""

    url: str
    """The WebSocket address of the bridge's endpoint."""
    secret: str = field(repr=False)
    name: str
    media: MediaOptions
    log_level: str = "INFO"
    json_logs: bool = False


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise StartUpError(ExitCode.USAGE, f"{self.prog}: {message}")


def parse(arguments: Sequence[str], environ: Mapping[str, str]) -> NodeOptions:
    """Return the options of a command line. Raises StartUpError."""
    read = _parser().parse_args(arguments)
    for flag, addresses in (("--address", read.address), ("--hostname", read.hostname)):
        for address in addresses:
            _refuse_name(flag, address)
    return NodeOptions(
        url=_endpoint(read.bridge),
        secret=_secret(read.secret_file, environ),
        name=read.name,
        media=MediaOptions(
            addresses=tuple(read.address),
            port=read.port,
            hostnames=tuple(read.hostname) or ("0.0.0.0", "::"),
            runtime_dir=read.runtime_dir,
            memory_limit_mb=read.memory_limit_mb,
            orphan_grace_s=read.orphan_grace_s,
            opus_bitrate=read.opus_bitrate,
            crowd_frame_ms=read.crowd_frame_ms,
            crowd_from=read.crowd_from,
        ),
        log_level=read.log_level,
        json_logs=read.log_json,
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="spaces-bridge media-node", description=DESCRIPTION, epilog=EPILOG)
    add = parser.add_argument
    add("--bridge", required=True, metavar="URL", help="web.public_url with web.path_prefix")
    add("--secret-file", type=Path, metavar="PATH", help="file with media.node_secret")
    add(
        "--address",
        action="append",
        required=True,
        metavar="IP",
        help="public address of this machine that browsers are told; may be repeated",
    )
    add("--port", type=int, default=29350, help="UDP and TCP port of the sound (29350)")
    add(
        "--hostname",
        action="append",
        default=[],
        metavar="IP",
        help="address to bind that port on; may be repeated (all)",
    )
    add("--name", default=socket.gethostname(), help="name in logs and metrics (the host's name)")
    add(
        "--runtime-dir",
        type=Path,
        default=Path("data/run"),
        metavar="PATH",
        help="directory of private sockets and of this node's identity (data/run)",
    )
    add("--memory-limit-mb", type=int, default=1024, help="as media.memory_limit_mb")
    add("--orphan-grace-s", type=int, default=900, help="as media.orphan_grace_s")
    add("--opus-bitrate", type=int, default=32_000, help="as media.opus_bitrate")
    add(
        "--crowd-frame-ms",
        type=int,
        choices=(20, 40, 60),
        default=60,
        help="as media.crowd_frame_ms",
    )
    add("--crowd-from", type=int, default=200, help="as media.crowd_from")
    add("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    add("--log-json", action="store_true", help="one JSON object per line of the log")
    return parser


def _endpoint(bridge: str) -> str:
    parts = urlsplit(bridge)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query:
        raise StartUpError(
            ExitCode.USAGE,
            f"--bridge {bridge}: write the address of the bridge's pages, such as "
            "https://spaces.example.com.",
        )
    return bridge.rstrip("/").replace("http", "ws", 1) + "/media/node"


def _secret(path: Path | None, environ: Mapping[str, str]) -> str:
    named = environ.get(f"{SECRET_VARIABLE}_FILE")
    path = path or (Path(named) if named else None)
    try:
        secret = path.read_text("utf-8").strip() if path else environ.get(SECRET_VARIABLE, "")
    except (OSError, UnicodeDecodeError) as error:
        raise StartUpError(
            ExitCode.CONFIG_UNREADABLE, f"The file with the secret cannot be read: {error}."
        ) from None
    if len(secret) < SECRET_MIN:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"The node has no secret of {SECRET_MIN} characters or more: put the bridge's "
            f"media.node_secret into a file, and name it with --secret-file.",
        )
    return secret


def _refuse_name(flag: str, address: str) -> None:
    try:
        ip_address(address)
    except ValueError:
        raise StartUpError(
            ExitCode.USAGE,
            f"{flag} {address}: write an IP address such as 192.0.2.17, not a name.",
        ) from None
