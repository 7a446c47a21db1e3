"""What checks the page's scripts (tools/js): pinned, public, and not talked out of it."""

import json
import re
from pathlib import Path

import pytest

import spaces_bridge.web
from tools.page_types import page_types

pytestmark = pytest.mark.unit

TOOLS = Path(__file__).parents[2] / "tools" / "js"
CLIENTS = Path(__file__).parents[1] / "livekit" / "js"
SCRIPTS = Path(spaces_bridge.web.__file__).parent / "static" / "js"


@pytest.mark.parametrize("folder", [TOOLS, CLIENTS], ids=["tools", "clients"])
def test_every_npm_package_is_pinned_by_its_hash_and_comes_from_the_public_registry(
    folder: Path,
) -> None:
    wanted = json.loads((folder / "package.json").read_text())["devDependencies"]
    lock = json.loads((folder / "package-lock.json").read_text())["packages"]
    assert lock.pop("")["devDependencies"] == wanted
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, package in lock.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name


def test_no_script_turns_the_type_checker_off() -> None:
    for path in SCRIPTS.rglob("*.js"):
        text = path.read_text()
        assert not re.search(r"@ts-|eslint-disable", text), path.name
        assert not re.search(r"@\w+ \{[^\n]*\bany\b", text), path.name


def test_the_type_checker_knows_the_frames_and_the_elements_of_every_template() -> None:
    types = page_types()
    for known in (
        '    speak_policy: "request" | "everyone" | "followed" | "invited";',
        "    chat_lines: ChatLine[];",
        "    token?: string | null;",
        '  "chat-form": HTMLElementTagNameMap["form"];',
        '  "report-who": HTMLElementTagNameMap["select"];',
        '  "host": HTMLElementTagNameMap["bdi"];',
    ):
        assert known in types.splitlines()
