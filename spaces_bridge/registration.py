"""The registration, which tells the homeserver about this bridge.

Spec: Matrix Application Service API, "Registration"; ephemeral events from MSC2409, devices from
MSC4190.
"""

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from spaces_bridge.config import Config
from spaces_bridge.startup import ExitCode, StartUpError

SENDER_LOCALPART: Final = "spaces_sender"
"""The user whom the homeserver takes the token for where a request names none. It never acts.

The bot is another one, because a homeserver lets the sender do less: Synapse gives it no sync, and
so no keys of encrypted rooms.
"""
DEVICES_KEY: Final = "io.element.msc4190"
"""The key by which an appservice may make devices for its users and give them keys (MSC4190)."""

HEADER = """\
# Registration of the Spaces bridge. Give this file to the homeserver; with Synapse, in
# homeserver.yaml, then restart it:
#
#   app_service_config_files:
#     - /path/to/registration.yaml
"""

Registration = Mapping[str, Any]


def registration_for(config: Config) -> Registration:
    """Return the registration for this config."""
    domain = _literal(config.homeserver.domain)
    bot = _literal(config.appservice.bot_localpart)
    users = [f"^@spaces_.+:{domain}$", f"^@{bot}:{domain}$"]
    return {
        "id": config.appservice.id,
        "url": config.appservice.address,
        "as_token": config.appservice.as_token.get_secret_value(),
        "hs_token": config.appservice.hs_token.get_secret_value(),
        "sender_localpart": SENDER_LOCALPART,
        "rate_limited": False,
        DEVICES_KEY: True,
        "receive_ephemeral": True,
        "de.sorunome.msc2409.push_ephemeral": True,
        "namespaces": {
            "users": [{"exclusive": True, "regex": regex} for regex in users],
            "aliases": [{"exclusive": True, "regex": f"^#spaces(_.+)?:{domain}$"}],
            "rooms": [],
        },
    }


def text_of(registration: Registration) -> str:
    """Return the text of the registration file."""
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = False
    writer.sort_base_mapping_type_on_output = False  # type: ignore[assignment]  # untyped switch
    writer.width = 1000
    out = StringIO()
    writer.dump(registration, out)
    return HEADER + out.getvalue()


def read_registration(path: Path) -> Registration:
    """Read a registration file.

    Raises:
        StartUpError: it is missing or no YAML mapping.
    """
    try:
        registration = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise StartUpError(
            ExitCode.CONFIG_INVALID, f"The registration {path} cannot be read: {error}"
        ) from None
    if not isinstance(registration, Mapping):
        raise StartUpError(
            ExitCode.CONFIG_INVALID, f"The registration {path} holds no keys. Write it with -g."
        )
    return registration


_COMPARED: Final = (
    "id",
    "url",
    "as_token",
    "hs_token",
    "sender_localpart",
    "rate_limited",
    DEVICES_KEY,
)


def mismatches(registration: Registration, config: Config) -> Sequence[str]:
    """Return all differences of a registration from the config, in words, without secrets."""
    wanted = registration_for(config)
    problems = [
        _difference(key, registration.get(key), wanted[key])
        for key in _COMPARED
        if registration.get(key) != wanted[key]
    ]
    held = registration.get("namespaces")
    namespaces = held if isinstance(held, Mapping) else {}
    for kind in ("users", "aliases"):
        have = {
            (entry.get("regex"), entry.get("exclusive"))
            for entry in namespaces.get(kind) or []
            if isinstance(entry, Mapping)
        }
        problems += [
            f"`namespaces.{kind}` lacks the exclusive regex {entry['regex']}"
            for entry in wanted["namespaces"][kind]
            if (entry["regex"], True) not in have
        ]
    return problems


OF_BEFORE: Final = (
    "it was written by a version whose bot could not read encrypted rooms: the bot was "
    "`sender_localpart` itself. It stays the same user, with its rooms and chats"
)


def is_of_before(registration: Registration, config: Config) -> bool:
    """Return whether the registration makes the bot the sender, as it was before encryption."""
    return registration.get("sender_localpart") == config.appservice.bot_localpart


def refuse_mismatch(path: Path, config: Config) -> None:
    """Refuse to start with a registration that says something else than the config.

    Raises:
        StartUpError: there are differences, and the text names every one.
    """
    registration = read_registration(path)
    problems = mismatches(registration, config)
    if problems:
        if is_of_before(registration, config):
            problems = [*problems, OF_BEFORE]
        listed = "\n".join(f"  - {problem}" for problem in problems)
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"The registration {path} does not match the config:\n{listed}\n"
            "Correct the one that is wrong, or write the registration again with -g, give it to "
            "the homeserver and restart the homeserver.",
        )


def _difference(key: str, have: object, want: object) -> str:
    if key.endswith("_token"):
        return f"`{key}` is not the config's `appservice.{key}`"
    source = {
        "id": "appservice.id",
        "url": "appservice.address",
    }.get(key)
    origin = f" (`{source}`)" if source else ""
    return f"`{key}` is {have!r}, the config wants {want!r}{origin}"


def _literal(text: str) -> str:
    """Escape for a regular expression what a domain or localpart may hold."""
    return "".join(f"\\{letter}" if letter in ".+[]" else letter for letter in text)
