"""The program's exit codes, and the error that stops a start.

Admins and their tools know the codes from the bridges of the mautrix family, so a code means
here what it means there. `spaces-bridge --help` does not list them; `docs/admin.md` does.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code that the program returns to the shell."""

    OK = 0
    USAGE = 1
    """Wrong flags, or an example config that would overwrite a file."""
    CRASH = 2
    """A bug: the traceback is in the log."""
    NO_UPDATE_WITH_GENERATE = 5
    """`-n` forbids writing the config, `-g` must write the tokens into it."""
    CONFIG_UNREADABLE = 10
    """No config, no YAML, or a key or value that cannot be read."""
    CONFIG_INVALID = 11
    """A value left at its placeholder, a registration that does not match, a missing model."""
    LOGGING = 12
    DATABASE = 14
    """The database cannot be opened."""
    DATABASE_SCHEMA = 15
    """The database was written by a newer version, or a migration failed."""
    HOMESERVER_REFUSED = 16
    """The homeserver does not accept the token or the bot, or cannot be reached (`--check`)."""
    HOMESERVER_WRONG_USER = 17
    """The token belongs to somebody else."""
    HOMESERVER_TOO_OLD = 18
    DOMAIN_PLACEHOLDER = 20
    REGISTRATION_UNWRITABLE = 21
    CONFIG_UNWRITABLE = 22
    LISTENER = 23
    """An address and port cannot be bound, or another bridge runs with this `runtime_dir`."""


class StartUpError(Exception):
    """The program cannot start; `text` says what is wrong, why, and what to do."""

    def __init__(self, code: ExitCode, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
