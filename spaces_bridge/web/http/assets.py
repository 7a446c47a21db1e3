"""Style sheets, scripts and pictures, read once at start and served under a versioned path."""

import gzip
import hashlib
from dataclasses import dataclass
from http import HTTPStatus
from importlib.resources import files
from importlib.resources.abc import Traversable

from aiohttp import web

from spaces_bridge.web.http import modules
from spaces_bridge.web.problems import Problem

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}
PACKED_ALREADY = frozenset({".png"})


@dataclass(frozen=True, slots=True)
class _Asset:
    content_type: str
    plain: bytes
    packed: bytes | None
    """The file compressed by gzip; None where that is not smaller."""


def _asset(name: str, body: bytes) -> _Asset:
    kind = name[name.rindex(".") :]
    if kind == ".js":
        body = modules.without_comments(body.decode()).encode()
    packed = None if kind in PACKED_ALREADY else gzip.compress(body, mtime=0)
    return _Asset(TYPES[kind], body, packed)


class Assets:
    """The assets, served at `/static/VERSION/…`; VERSION changes with them: browsers keep all."""

    def __init__(self) -> None:
        """Read all files. Raises ValueError when a script imports a file that is not there."""
        self._assets = {
            name: _asset(name, body)
            for name, body in _walk(files("spaces_bridge.web") / "static", "")
        }
        digest = hashlib.sha256()
        for name, asset in sorted(self._assets.items()):
            digest.update(name.encode() + b"\0" + asset.plain)
        self.version = digest.hexdigest()[:12]
        self._modules = modules.graph(
            {name: self._assets[name].plain.decode() for name in self.scripts}
        )

    def needed_by(self, script: str) -> list[str]:
        """Return the names of the modules that a script needs, for browsers to load along."""
        return modules.needed_by(script, self._modules)

    @property
    def scripts(self) -> list[str]:
        """Return the names of all scripts and modules."""
        return [name for name in self._assets if name.endswith(".js")]

    @property
    def packed_script_bytes(self) -> int:
        """Return the bytes that all scripts have on the wire."""
        scripts = (self._assets[name] for name in self.scripts)
        return sum(len(a.packed or a.plain) for a in scripts)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer with one file. Raises Problem 404."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None:
            raise Problem(HTTPStatus.NOT_FOUND, "no_such_file", "There is no such file.")
        current = request.match_info["version"] == self.version
        headers = {
            "Content-Type": asset.content_type,
            "Cache-Control": "public, max-age=31536000, immutable" if current else "no-cache",
            "Vary": "Accept-Encoding",
        }
        if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return web.Response(body=asset.packed, headers=headers)
        return web.Response(body=asset.plain, headers=headers)


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        if entry.is_dir():
            found += _walk(entry, f"{prefix}{entry.name}/")
        elif any(entry.name.endswith(suffix) for suffix in TYPES):
            found.append((prefix + entry.name, entry.read_bytes()))
    return found
