"""A real Synapse on a free loopback port, all its state in one directory."""

import base64
import hashlib
import hmac
import json
import secrets
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote, urlsplit

import aiohttp

from spaces_bridge_demo.processes import Child, Probe, free_port

DOMAIN = "localhost"
START_TIMEOUT_S = 180.0
# Loading takes longer than starting: a spare process may load beforehand (see `prepare`).
_PROGRAM = "from synapse.app.homeserver import main; import sys; sys.stdin.read(); main()"


@dataclass(frozen=True, slots=True)
class Account:
    """An account on the homeserver."""

    user_id: str
    password: str
    access_token: str


class Homeserver:
    """A Synapse from this Python's packages, closed to the outside, with relaxed limits.

    `async with Homeserver(directory, registrations=[...])` starts it and leaves nothing running.
    """

    def __init__(
        self,
        directory: Path,
        *,
        registrations: Sequence[Path] = (),
        room_version: str = "12",
        database_url: str | None = None,
        domain: str = DOMAIN,
        port: int | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """`database_url` is `postgres://USER@HOST:PORT/DATABASE` (C collation), else SQLite.

        The homeserver reads the registrations when it starts: they may be written after this.
        `environ` is its process's environment, else our own.
        """
        self.directory = directory
        self.domain = domain
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._registrations = list(registrations)
        self._room_version = room_version
        self._database_url = database_url
        self._shared_secret = secrets.token_hex(16)
        self._child = Child(
            "the homeserver",
            [sys.executable, "-c", _PROGRAM, "-c", "homeserver.yaml"],
            directory=directory,
            log=directory / "homeserver.log",
            environ=environ,
        )

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def add_registration(self, path: Path) -> None:
        """Add an appservice's registration, from the next start on."""
        self._registrations.append(path)

    @property
    def pid(self) -> int:
        """Return Synapse's process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Return whether Synapse's process is there."""
        return self._child.running

    async def start(self) -> None:
        """Start Synapse and return when it answers. Raises StartFailed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        if not (self.directory / "homeserver.yaml").exists():
            self._write_files()
        try:
            self._child.spawn()
            await self._child.wait_ready(
                Probe(f"{self.url}/_matrix/client/versions"), START_TIMEOUT_S
            )
        except BaseException:
            self._child.kill_now()
            raise

    def prepare(self) -> None:
        """Load the next process beforehand, for a faster start after a kill."""
        self._child.prepare()

    async def stop(self) -> None:
        """Stop Synapse cleanly."""
        try:
            await self._child.terminate()
        finally:
            self._child.kill_now()

    async def kill9(self) -> None:
        """Kill Synapse with SIGKILL, as if the power had been cut."""
        await self._child.kill9()

    async def restart(self) -> None:
        """Stop Synapse if it runs, and start it again on the same data."""
        await self.stop()
        await self.start()

    def suspend(self) -> None:
        """Suspend Synapse (SIGSTOP): it keeps its connections and answers nothing."""
        self._child.signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let Synapse go on after `suspend`."""
        self._child.signal(signal.SIGCONT)

    def kill_now(self) -> None:
        """Kill Synapse at once, without an event loop."""
        self._child.kill_now()

    def log_text(self) -> str:
        """Return Synapse's log: warnings, errors, and how it gets on with the appservice."""
        return self._child.tail(10_000)

    async def register(self, name: str, *, password: str | None = None) -> Account:
        """Make an account by the shared secret. Spec: Synapse's admin API `register`."""
        password = password or f"{name}-{secrets.token_hex(3)}"
        url = f"{self.url}/_synapse/admin/v1/register"
        async with aiohttp.ClientSession(raise_for_status=True) as http:
            async with http.get(url) as response:
                nonce = (await response.json())["nonce"]
            text = f"{nonce}\0{name}\0{password}\0notadmin"
            mac = hmac.new(self._shared_secret.encode(), text.encode(), hashlib.sha1).hexdigest()
            body = {"nonce": nonce, "username": name, "password": password, "mac": mac}
            body |= {"displayname": name.capitalize()}
            async with http.post(url, json=body) as response:
                answer = await response.json()
        return Account(answer["user_id"], password, answer["access_token"])

    def _write_files(self) -> None:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (self.directory / "signing.key").write_text(f"ed25519 a_demo {key}\n")
        (self.directory / "log.yaml").write_text(json.dumps(_LOGGING))
        # YAML is a superset of JSON: no YAML writer is needed.
        config = self.config()
        (self.directory / "homeserver.yaml").write_text(json.dumps(config, indent=1))

    def config(self) -> dict[str, Any]:
        """Return the content of homeserver.yaml, which is written once, at the first start."""
        listener = {
            "port": self.port,
            "bind_addresses": ["127.0.0.1"],
            "type": "http",
            "tls": False,
            "resources": [{"names": ["client", "openid"], "compress": False}],
        }
        return {
            "server_name": self.domain,
            "public_baseurl": self.url,
            "listeners": [listener],
            "database": self._database(),
            "log_config": "log.yaml",
            "media_store_path": "media",
            "signing_key_path": "signing.key",
            "pid_file": "homeserver.pid",
            "registration_shared_secret": self._shared_secret,
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "report_stats": False,
            "enable_registration": False,
            "default_room_version": self._room_version,
            "app_service_config_files": [str(path.resolve()) for path in self._registrations],
            "bcrypt_rounds": 4,
            "presence": {"enabled": False},
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "allow_public_rooms_without_auth": True,
            "room_list_publication_rules": [{"action": "allow"}],
            **_RELAXED_LIMITS,
        }

    def _database(self) -> Mapping[str, Any]:
        if self._database_url is None:
            return {"name": "sqlite3", "args": {"database": "homeserver.db"}}
        parts = urlsplit(self._database_url)
        arguments: dict[str, Any] = {
            "user": unquote(parts.username or ""),
            "host": parts.hostname,
            "port": parts.port or 5432,
            "dbname": parts.path.lstrip("/"),
            "cp_min": 1,
            "cp_max": 5,
        }
        if parts.password:
            arguments["password"] = unquote(parts.password)
        return {"name": "psycopg2", "args": arguments}


_LOGGING = {
    "version": 1,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"standard": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["standard"]},
    # whether it holds the bridge for down, and since when
    "loggers": {"synapse.appservice.scheduler": {"level": "INFO"}},
    "disable_existing_loggers": False,
}

_FAST = {"per_second": 1000, "burst_count": 1000}
_RELAXED_LIMITS = {
    "rc_message": _FAST,
    "rc_registration": _FAST,
    "rc_login": {"address": _FAST, "account": _FAST, "failed_attempts": _FAST},
    "rc_joins": {"local": _FAST, "remote": _FAST},
    "rc_joins_per_room": _FAST,
    "rc_invites": {"per_room": _FAST, "per_user": _FAST, "per_issuer": _FAST},
    "rc_room_creation": _FAST,
}
