"""The page about our events says what is sent and read: every name, every field."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TypedDict

import pytest

import spaces_bridge
from spaces_bridge.matrix.cards.events_doc import events_page, examples, fields_of
from spaces_bridge.matrix.events import chat
from spaces_bridge.matrix.events.own import BRIDGE_KEY, LIVE, OWN_NAMES, ChatContent, OwnName

pytestmark = pytest.mark.unit

PAGE = Path(__file__).parents[2] / "docs" / "events.md"
PACKAGE = Path(spaces_bridge.__file__).parent
OURS = "io.spacesbridge"


def test_the_page_is_what_the_types_say() -> None:
    assert PAGE.read_text() == events_page(), "run `make docs`"


def test_no_other_file_has_a_name_of_ours() -> None:
    found = set[str]()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0]
        nodes = ast.walk(ast.parse(path.read_text()))
        texts = (str(node.value) for node in nodes if isinstance(node, ast.Constant))
        # the demo looks from outside
        if room != "demo" and any(text.startswith(OURS) for text in texts):
            found.add(path.name)
    # claims of a call's token and attributes at a LiveKit server, which are none of Matrix's
    assert found == {"own.py", "tokens.py", "credentials.py", "transcriptions.py", "limits.py"}


def blocks(own: OwnName) -> Iterator[object]:
    """What stands under the name in the page's example."""
    example = examples()[own.name]
    block = example if own.name == LIVE else example[own.name]
    yield from block if isinstance(block, list) else [block]


@pytest.mark.parametrize("own", [o for o in OWN_NAMES if o.content], ids=lambda o: o.name)
def test_what_is_really_sent_has_the_fields_on_the_page(own: OwnName) -> None:
    needed = {name for name, _, _, is_needed in fields_of(own) if is_needed}
    allowed = {name for name, _, _, _ in fields_of(own)}
    sent = set[str]()
    for block in blocks(own):
        assert isinstance(block, dict)
        assert needed <= block.keys() <= allowed
        sent |= block.keys()
    assert sent == allowed


def test_the_other_examples_bear_their_names() -> None:
    for own in OWN_NAMES:
        assert own.name in str(examples()[own.name]) or own.name == LIVE
    assert str(examples()[BRIDGE_KEY]["state_key"]).startswith(BRIDGE_KEY)


def test_what_is_read_of_a_line_of_the_chat_is_on_the_page() -> None:
    tree = ast.parse(Path(chat.__file__).read_text())
    reader = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "_line_in"
    )
    read = {
        call.args[0].value
        for call in ast.walk(reader)
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and call.func.attr == "get"
        and isinstance(call.args[0], ast.Constant)
    }
    assert read == ChatContent.__annotations__.keys()


def test_a_field_without_a_meaning_is_noticed() -> None:
    class Mute(TypedDict):
        told: Annotated[str, "Something."]
        untold: str

    with pytest.raises(LookupError, match="untold"):
        list(fields_of(OwnName("x", "X", "", "", Mute)))
