"""The bridge as an admin runs it: a config, a registration, a process of its own."""

import json
import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import spaces_bridge
from spaces_bridge.generate import generate_registration
from spaces_bridge_demo.homeserver import DOMAIN
from spaces_bridge_demo.processes import Child, Probe, free_port, processes_in

START_TIMEOUT_S = 180.0
SABOTAGE = Path(__file__).with_name("sabotage")

Worker = Literal["media", "captions"]
Settings = Mapping[str, Mapping[str, object]]


class Bridge:
    """A bridge with its files in one directory, on free loopback ports.

    `write` makes config and registration, which the homeserver reads at its start; then
    `async with bridge:` runs it, and leaves nothing running.
    """

    def __init__(
        self,
        directory: Path,
        homeserver_url: str,
        *,
        domain: str = DOMAIN,
        database_url: str | None = None,
        models: Path | None = None,
        sabotage: str | None = None,
        settings: Settings | None = None,
    ) -> None:
        """`models` is the folder of speech models. `settings` override the config."""
        self.directory = directory
        self.domain = domain
        self.homeserver_url = homeserver_url
        self.appservice_port = free_port()
        self.media_port = free_port()
        self.hs_token = secrets.token_urlsafe(24)
        self.as_token = secrets.token_urlsafe(24)
        self.bot = f"@spacesbot:{domain}"
        self.registration = directory / "registration.yaml"
        self._web_port, self._ops_port = free_port(), free_port()
        self._database_url = database_url or f"sqlite:{directory / 'spaces.db'}"
        self._models = models or directory / "models"
        self._settings = settings or {}
        self._child = Child(
            "the bridge",
            [
                sys.executable,
                "-m",
                "spaces_bridge",
                "-n",
                "-c",
                "config.yaml",
                "-r",
                "registration.yaml",
            ],
            directory=directory,
            log=directory / "bridge.log",
            environ=_environ(sabotage),
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

    # --- addresses --------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Return the address of the public pages, without a closing slash."""
        return f"http://127.0.0.1:{self._web_port}"

    @property
    def ops_url(self) -> str:
        """Return the address of health and metrics."""
        return f"http://127.0.0.1:{self._ops_port}"

    @property
    def appservice_url(self) -> str:
        """Return the address to which the homeserver pushes events."""
        return f"http://127.0.0.1:{self.appservice_port}"

    # --- life -------------------------------------------------------------------------------

    def write(self) -> None:
        """Write config and registration."""
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "config.yaml"
        # YAML is a superset of JSON: no YAML writer is needed.
        path.write_text(json.dumps(self._config(), indent=1))
        path.chmod(0o600)
        generate_registration(path, self.registration, {})

    async def start(self, *, ready: bool = True) -> None:
        """Start the bridge, and wait for /ready (which needs the homeserver), else for /live."""
        try:
            self._child.spawn()
            path = "ready" if ready else "live"
            await self._child.wait_ready(Probe(f"{self.ops_url}/{path}"), START_TIMEOUT_S)
        except BaseException:
            self.kill_now()
            raise

    async def stop(self) -> int:
        """Stop cleanly (SIGTERM), leave no process of the bridge, and return the exit code."""
        try:
            return await self._child.terminate()
        finally:
            self.kill_now()

    async def terminate(self) -> int:
        """Send the control process SIGTERM alone, and return its exit code."""
        return await self._child.terminate()

    async def kill9(self) -> None:
        """Kill the control process with SIGKILL; its media workers live on."""
        await self._child.kill9()

    async def restart(self) -> None:
        """Stop the bridge cleanly and start it again."""
        await self._child.terminate()
        await self.start()

    def kill_now(self) -> None:
        """Kill the bridge and all its workers at once, without an event loop."""
        self._child.kill_now()
        for process in processes_in(self.directory):
            if "spaces_bridge" in process.command:
                os.kill(process.pid, signal.SIGKILL)

    # --- looking at it ----------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """Return the process id of the control process."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Return whether the control process runs."""
        return self._child.running

    def worker_pid(self, kind: Worker) -> int | None:
        """Return the process id of the media or the caption worker, if there is one."""
        name = f"spaces_bridge.{kind}.worker"
        for process in processes_in(self.directory):
            if name in process.command:
                return process.pid
        return None

    def log_text(self) -> str:
        """Return the bridge's whole log."""
        return self._child.tail(1_000_000)

    def _config(self) -> Mapping[str, Mapping[str, object]]:
        local = "127.0.0.1"
        config: dict[str, dict[str, object]] = {
            "homeserver": {"address": self.homeserver_url, "domain": self.domain},
            "appservice": {
                "address": self.appservice_url,
                "hostname": local,
                "port": self.appservice_port,
                "as_token": self.as_token,
                "hs_token": self.hs_token,
            },
            "database": {"url": self._database_url},
            "web": {"hostname": local, "port": self._web_port, "public_url": self.url},
            "ops": {"hostname": local, "port": self._ops_port},
            "media": {
                "addresses": [local],
                "hostnames": [local],
                "port": self.media_port,
                "runtime_dir": str(self.directory / "run"),
                "orphan_grace_s": 60,
            },
            "captions": {"language": "en", "cache_dir": str(self._models)},
        }
        for section, values in self._settings.items():
            config.setdefault(section, {}).update(values)
        return config


def _environ(sabotage: str | None) -> Mapping[str, str]:
    """Return the environment of the process; see `spaces_bridge_demo.sabotage`."""
    source = str(Path(spaces_bridge.__file__).parents[1])
    paths = [source, os.environ.get("PYTHONPATH", "")]
    environ = {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith("SPACES_") and "__" in name)
    }
    if sabotage is not None:
        paths.append(str(SABOTAGE / sabotage))
    environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)
    return environ
