"""Write files for an admin: the registration, and additions to the config."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from spaces_bridge.config import Config, read_document, settings_from
from spaces_bridge.config.example import with_missing_keys, with_tokens, write_private
from spaces_bridge.config.schema import EXAMPLE_DOMAIN
from spaces_bridge.config.source import is_example_host, is_usable_secret
from spaces_bridge.registration import registration_for, text_of
from spaces_bridge.startup import ExitCode, StartUpError

TOKEN_BYTES = 32


def generate_registration(
    config_path: Path, registration_path: Path, environ: Mapping[str, str] = os.environ
) -> None:
    """Write the registration, and the secrets it needs into the config.

    Secrets that are set already stay, so that running it again changes nothing.

    Raises:
        StartUpError: the config cannot be used, or a file cannot be written.
    """
    config = settings_from(read_document(config_path), config_path, environ)
    if is_example_host(config.homeserver.domain):
        raise StartUpError(
            ExitCode.DOMAIN_PLACEHOLDER,
            f"{config_path}: set `homeserver.domain` first; it is still {EXAMPLE_DOMAIN}.",
        )
    completed = _with_secrets(config)
    registration = text_of(registration_for(completed))
    if completed != config:
        _save_secrets(completed, config_path)
    try:
        write_private(registration_path, registration)
    except OSError as error:
        raise StartUpError(
            ExitCode.REGISTRATION_UNWRITABLE, f"The registration cannot be written: {error}."
        ) from None


def add_missing_keys(path: Path) -> bool:
    """Add missing keys to an older config, keeping comments; return whether it was written.

    A config that cannot be written stays as it is.
    """
    try:
        text = path.read_text(encoding="utf-8")
        completed = with_missing_keys(text, path)
        if completed == text or not os.access(path, os.W_OK):
            return False
        if _values(completed, path) != _values(text, path):
            return False
        write_private(path, completed)
    except OSError:
        return False
    return True


def _values(text: str, path: Path) -> Config:
    from spaces_bridge.config.source import parse_document

    return settings_from(parse_document(text, path), path, {})


def _with_secrets(config: Config) -> Config:
    fresh = {
        name: SecretStr(secrets.token_urlsafe(TOKEN_BYTES))
        for name in ("as_token", "hs_token")
        if not is_usable_secret(getattr(config.appservice, name).get_secret_value())
    }
    appservice = config.appservice.model_copy(update=fresh)
    return config.model_copy(update={"appservice": appservice})


def _save_secrets(config: Config, path: Path) -> None:
    text = with_tokens(
        path.read_text(encoding="utf-8"),
        config.appservice.as_token.get_secret_value(),
        config.appservice.hs_token.get_secret_value(),
        path,
    )
    if text is None:
        raise StartUpError(
            ExitCode.CONFIG_UNWRITABLE,
            f"{path}: write `appservice:` as a section with one key per line, so that -g finds a "
            "place for as_token and hs_token.",
        )
    try:
        write_private(path, text)
    except OSError as error:
        raise StartUpError(
            ExitCode.CONFIG_UNWRITABLE, f"The secrets cannot be saved in the config: {error}."
        ) from None
