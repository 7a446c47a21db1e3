"""The example file, made from the schema, and additions to a user's file that keep every byte.

A user's file is edited as text, never parsed and written again: its comments, quotes and order
stay as they are.
"""

import os
import re
import secrets
import textwrap
from io import StringIO
from pathlib import Path

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from spaces_bridge.config.source import keys_of, parse_document, sections
from spaces_bridge.startup import StartUpError

HEADER = """\
# Configuration of the Spaces bridge, with its defaults.
# Every key can also be set by environment: SPACES_SECTION__KEY, or SPACES_SECTION__KEY_FILE for
# the path of a file that holds the value (for secrets).
"""
WIDTH = 97


def example_text() -> str:
    """Return the whole example config."""
    return HEADER + "".join(f"\n{_section_text(name)}" for name in sections())


def with_missing_keys(text: str, path: Path) -> str:
    """Add keys (and sections) the file lacks, each with its comment; nothing else changes.

    Sections in flow style (`media: {port: 1}`) are left alone: their defaults apply unwritten.
    """
    document = parse_document(text, path)
    lines = text.splitlines()
    positions = document.lc.data or {}
    starts = sorted(position[0] for position in positions.values())
    additions: list[tuple[int, str]] = []
    for name, model in sections().items():
        section = document.get(name)
        if name not in document or not isinstance(section, CommentedMap):
            continue
        missing = [key for key in keys_of(model) if key not in section]
        if not missing or not section or section.fa.flow_style():
            continue
        start = positions[name][0]
        end = next((line for line in starts if line > start), len(lines))
        while not lines[end - 1].strip() or lines[end - 1].startswith("#"):
            end -= 1
        indent = " " * section.lc.col
        additions += [(end, _key_text(key, keys_of(model)[key], indent)) for key in missing]
    for line, addition in reversed(additions):
        lines[line:line] = addition.splitlines()
    for name in sections():
        if name not in document:
            lines += ["", *_section_text(name).splitlines()]
    completed = "\n".join(lines) + "\n"
    return completed if additions or len(document) < len(sections()) else text


def with_tokens(text: str, as_token: str, hs_token: str, path: Path) -> str | None:
    """Put both secrets into the file's text; None when its form leaves no place for them."""
    completed = with_missing_keys(text, path)
    for key, value in (("as_token", as_token), ("hs_token", hs_token)):
        # The replacement keeps a comment behind the value.
        completed = re.sub(
            rf"^(\s+{key}\s*:)[^#\n]*?(\s+#.*)?$",
            lambda line, value=value: f"{line[1]} {value}{line[2] or ''}",  # type: ignore[misc]
            completed,
            count=1,
            flags=re.MULTILINE,
        )
    try:
        section = parse_document(completed, path).get("appservice")
    except StartUpError:
        return None
    wanted = {"as_token": as_token, "hs_token": hs_token}
    fits = isinstance(section, CommentedMap) and {k: section.get(k) for k in wanted} == wanted
    return completed if fits else None


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner may read, in one step where the file system allows it.

    An existing file keeps owner and permissions. A file mounted by itself into a container
    cannot be replaced; it is overwritten.

    Raises:
        OSError: nothing could be written.
    """
    target = path.resolve()
    known = target.stat() if target.exists() else None
    mode = known.st_mode & 0o777 if known else 0o600
    scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.chmod(mode)
        if known and os.geteuid() == 0:  # an admin's root edits the service user's file
            os.chown(scratch, known.st_uid, known.st_gid)
        scratch.replace(target)
    except OSError:
        scratch.unlink(missing_ok=True)
        if not target.exists():
            raise
        target.write_text(text, encoding="utf-8")


def _section_text(name: str) -> str:
    model = sections()[name]
    title = "\n".join(textwrap.wrap(model.__doc__ or "", WIDTH, initial_indent="# "))
    keys = "".join(_key_text(key, info, " " * 4) for key, info in keys_of(model).items())
    return f"{title}\n{name}:\n{keys}"


def _key_text(key: str, info: FieldInfo, indent: str) -> str:
    comment = textwrap.fill(
        info.description or "",
        WIDTH,
        initial_indent=f"{indent}# ",
        subsequent_indent=f"{indent}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"{comment}\n{indent}{_yaml_line(key, info)}\n"


def _yaml_line(key: str, info: FieldInfo) -> str:
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = None  # lists and maps on one line, the key itself not
    writer.width = 1000
    out = StringIO()
    writer.dump({key: _plain(info)}, out)
    text = out.getvalue().strip()
    return text[1:-1] if text.startswith("{") else text


def _plain(info: FieldInfo) -> object:
    value = info.get_default(call_default_factory=True, validated_data={})
    secret = getattr(value, "get_secret_value", None)
    if secret is not None:
        return secret()
    return [str(part) for part in value] if isinstance(value, tuple) else value
