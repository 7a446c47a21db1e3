"""The registration, which tells the homeserver about this bridge.

Spec: Matrix Application Service API, "Registration"; ephemeral events from MSC2409.
"""

from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from spaces_bridge.config import Config
from spaces_bridge.startup import ExitCode, StartUpError

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
        "sender_localpart": config.appservice.bot_localpart,
        "rate_limited": False,
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


def mismatches(registration: Registration, config: Config) -> Sequence[str]:
    """Return all differences of a registration from the config, in words, without secrets."""
    wanted = registration_for(config)
    problems = [
        _difference(key, registration.get(key), wanted[key])
        for key in ("id", "url", "as_token", "hs_token", "sender_localpart", "rate_limited")
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


def refuse_mismatch(path: Path, config: Config) -> None:
    """Refuse to start with a registration that says something else than the config.

    Raises:
        StartUpError: there are differences, and the text names every one.
    """
    problems = mismatches(read_registration(path), config)
    if problems:
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
        "sender_localpart": "appservice.bot_localpart",
    }.get(key)
    origin = f" (`{source}`)" if source else ""
    return f"`{key}` is {have!r}, the config wants {want!r}{origin}"


def _literal(text: str) -> str:
    """Escape for a regular expression what a domain or localpart may hold."""
    return "".join(f"\\{letter}" if letter in ".+[]" else letter for letter in text)
