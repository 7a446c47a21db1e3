"""Make a `Config` of a YAML file and the environment, with errors that name the line."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from spaces_bridge.config.schema import EXAMPLE_DOMAIN, PLACEHOLDER, Config, ConfigSection
from spaces_bridge.startup import ExitCode, StartUpError

ENV_PREFIX = "SPACES_"
Location = tuple[int | str, ...]


def load(path: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read the config to run with.

    Raises:
        StartUpError: the file or a variable cannot be used, or a placeholder is left.
    """
    config = settings_from(read_document(path), path, environ)
    refuse_placeholders(config, path)
    return config


def read_document(path: Path) -> CommentedMap:
    """Read the YAML file with its line numbers.

    Raises:
        StartUpError: there is no such file, or it is no YAML mapping.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise StartUpError(
            ExitCode.CONFIG_UNREADABLE,
            f"There is no config at {path}. Write an example with `spaces-bridge -e -c {path}`.",
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise StartUpError(
            ExitCode.CONFIG_UNREADABLE, f"The config {path} cannot be read: {error}."
        ) from None
    return parse_document(text, path)


def parse_document(text: str, path: Path) -> CommentedMap:
    """Parse YAML text; `path` only names it in errors."""
    try:
        document = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        where = f"{path} line {mark.line + 1}" if mark else str(path)
        problem = error.problem if isinstance(error, MarkedYAMLError) else "not valid YAML"
        raise StartUpError(
            ExitCode.CONFIG_UNREADABLE, f"{where}: this is not valid YAML: {problem}."
        ) from None
    if document is None:
        return CommentedMap()
    if not isinstance(document, CommentedMap):
        raise StartUpError(
            ExitCode.CONFIG_UNREADABLE,
            f"{path}: the config must be sections with keys, such as `homeserver:`.",
        )
    return document


def settings_from(
    document: CommentedMap, path: Path, environ: Mapping[str, str] = os.environ
) -> Config:
    """Validate the file's values with the environment's laid over them.

    Raises:
        StartUpError: every unknown key and unusable value, one line each.
    """
    values: dict[str, Any] = {
        name: dict(section)
        if isinstance(section, Mapping)
        else ({} if section is None else section)
        for name, section in document.items()
    }
    overrides = list(_overrides(environ))
    origins = _Origins(document, path)
    for override in overrides:
        section = values.setdefault(override.section, {})
        if isinstance(section, dict):
            section[override.key] = override.value
            origins.variables[override.section, override.key] = override.variable
    try:
        return Config.model_validate(values)
    except ValidationError as errors:
        problems = [
            f"{origins.of(error['loc'])}: {_sentence(error['loc'], error['type'], error['msg'])}"
            for error in errors.errors(include_url=False, include_input=False)
        ]
    raise StartUpError(ExitCode.CONFIG_UNREADABLE, "\n".join(problems))


def refuse_placeholders(config: Config, path: Path) -> None:
    """Refuse a config in which somebody still has to fill in a value. Raises StartUpError."""
    if is_example_host(config.homeserver.domain):
        raise StartUpError(
            ExitCode.DOMAIN_PLACEHOLDER,
            f"{path}: `homeserver.domain` is still {EXAMPLE_DOMAIN}. Set it to the part of your "
            "user IDs after the colon.",
        )
    if is_example_host(config.web.public_url):
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path}: `web.public_url` is still {config.web.public_url}. Set it to the address "
            "people will open in a browser.",
        )
    for name in ("as_token", "hs_token"):
        if not is_usable_secret(getattr(config.appservice, name).get_secret_value()):
            raise StartUpError(
                ExitCode.CONFIG_INVALID,
                f"{path}: `appservice.{name}` is not set. Run `spaces-bridge -g -c {path} -r "
                "registration.yaml`: it writes both secrets.",
            )
    admin_token = config.ops.admin_token.get_secret_value()
    if admin_token and not is_usable_secret(admin_token):
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path}: `ops.admin_token` is no secret. Write 16 random characters or more, such as "
            "`openssl rand -hex 24` prints, or leave it empty: then there is no admin API.",
        )
    if config.media.engine == "livekit":
        _refuse_half_a_livekit(config, path)
        _refuse_nodes_without_a_way(config, path)


def _refuse_half_a_livekit(config: Config, path: Path) -> None:
    """Refuse a LiveKit engine that lacks a key to reach the server by. Raises StartUpError."""
    given = {
        "livekit.server_url": config.livekit.server_url,
        "livekit.api_secret": config.livekit.api_secret.get_secret_value(),
    }
    lacking = [f"`{key}`" for key, value in given.items() if not value]
    if lacking:
        are = "is" if len(lacking) == 1 else "are"
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path}: `media.engine` is livekit, and {' and '.join(lacking)} {are} not set. Write "
            "the address of your LiveKit server, and its API key and secret as `livekit.api_key` "
            "and `livekit.api_secret`; or set `media.engine` to embedded.",
        )
    if not config.livekit.enabled:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path}: `media.engine` is livekit, and `livekit.enabled` is off. Set "
            "`livekit.enabled: true`, or `media.engine` to embedded.",
        )


def _refuse_nodes_without_a_way(config: Config, path: Path) -> None:
    """Refuse media nodes that could not reach the LiveKit server. Raises StartUpError."""
    if config.media.node_secret.get_secret_value() and not config.node_sfu_url:
        raise StartUpError(
            ExitCode.CONFIG_INVALID,
            f"{path}: `livekit.server_url` is {config.livekit.server_url}, which media nodes "
            "cannot reach: on their machines it is their own. Write the address at which clients "
            "reach your LiveKit server as `livekit.url`; nodes are given it, too.",
        )


def is_usable_secret(secret: str) -> bool:
    """Return whether this is a real secret: long enough, and nobody's placeholder."""
    words = {"changeme", "placeholder", "generate", "secret", "token"}
    lowered = secret.lower()
    return len(secret) >= 16 and secret != PLACEHOLDER and lowered.strip("<> ") not in words


def is_example_host(text: str) -> bool:
    """Return whether a domain or address is one of the example file."""
    return bool(re.search(rf"(^|[./]){re.escape(EXAMPLE_DOMAIN)}(:\d+)?$", text))


def sections() -> Mapping[str, type[ConfigSection]]:
    """Return the model of each section, by the section's name."""
    found: dict[str, type[ConfigSection]] = {}
    for name, info in Config.model_fields.items():
        model = info.annotation
        assert isinstance(model, type)
        assert issubclass(model, ConfigSection)
        found[name] = model
    return found


def keys_of(section: type[BaseModel]) -> Mapping[str, FieldInfo]:
    """Return the field of each key, by the key as written in the file."""
    return {info.alias or name: info for name, info in section.model_fields.items()}


@dataclass(frozen=True, slots=True)
class _Override:
    variable: str
    section: str
    key: str
    value: object


def _overrides(environ: Mapping[str, str]) -> Iterator[_Override]:
    """Read `SPACES_SECTION__KEY` and `SPACES_SECTION__KEY_FILE`; other variables are not ours."""
    seen: dict[tuple[str, str], str] = {}
    for variable in sorted(environ):
        if not variable.startswith(ENV_PREFIX) or "__" not in variable:
            continue
        section, _, key = variable.removeprefix(ENV_PREFIX).lower().partition("__")
        keys = keys_of(sections()[section]) if section in sections() else {}
        text = environ[variable]
        if key not in keys and key.removesuffix("_file") in keys:
            key, text = key.removesuffix("_file"), _content_of(variable, text)
        if key not in keys:
            raise StartUpError(ExitCode.CONFIG_UNREADABLE, _unknown_variable(variable))
        if (section, key) in seen:
            raise StartUpError(
                ExitCode.CONFIG_UNREADABLE,
                f"{seen[section, key]} and {variable} set the same key. Keep one of them.",
            )
        seen[section, key] = variable
        yield _Override(variable, section, key, _typed(variable, text, keys[key]))


def _content_of(variable: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise StartUpError(
            ExitCode.CONFIG_UNREADABLE, f"{variable}: the file it names cannot be read: {error}."
        ) from None


def _typed(variable: str, text: str, info: FieldInfo) -> object:
    """Parse the text of lists and maps; pydantic turns plain text into numbers itself."""
    kind = get_origin(info.annotation)
    if kind is tuple and not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if kind in {tuple, dict}:
        try:
            return YAML(typ="safe", pure=True).load(text)
        except YAMLError:
            raise StartUpError(
                ExitCode.CONFIG_UNREADABLE, f"{variable}: write a YAML list or map on one line."
            ) from None
    return text


def _unknown_variable(variable: str) -> str:
    known = [
        f"{ENV_PREFIX}{section}__{key}".upper()
        for section, model in sections().items()
        for key in keys_of(model)
    ]
    return f"{variable}: there is no such setting.{_nearest(variable, known)}"


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else f" Known are: {', '.join(known)}."


@dataclass(slots=True)
class _Origins:
    """The origins of values: lines of the file, or variables."""

    document: CommentedMap
    path: Path
    variables: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, location: Location) -> str:
        """Return the origin of the value at `location`."""
        variable = self.variables.get((str(location[0]), str(location[1] if location[1:] else "")))
        if variable is not None:
            return variable
        line = self._line(location)
        return f"{self.path} line {line}" if line is not None else str(self.path)

    def _line(self, location: Location) -> int | None:
        """Return the one-based line of the deepest part of `location` that stands in the file."""
        node: Any = self.document
        line: int | None = None
        for part in location:
            position = getattr(getattr(node, "lc", None), "data", None) or {}
            if part not in position:
                break
            line = position[part][0] + 1
            node = node[part]
        return line


def _sentence(location: Location, kind: str, message: str) -> str:
    name = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        known = sections()
        if len(location) == 1:
            return f"there is no section `{name}`.{_nearest(name, list(known))}"
        keys = list(keys_of(known[str(location[0])]))
        return f"there is no key `{name}`.{_nearest(str(location[-1]), keys)}"
    text = message.removeprefix("Value error, ")
    return f"`{name}`: {text[0].upper()}{text[1:].rstrip('.')}."
