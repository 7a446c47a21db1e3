"""The scripts' modules: what a page announces is what its script imports."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import spaces_bridge.web
from spaces_bridge.web.http.assets import Assets
from spaces_bridge.web.http.modules import graph, needed_by, without_comments

pytestmark = pytest.mark.unit

STATIC = Path(spaces_bridge.web.__file__).parent / "static"


def test_a_script_needs_what_it_imports_and_what_that_imports_once_each() -> None:
    modules = graph(
        {
            "js/main.js": 'import { a } from "./a.js";\nimport * as b from "./views/b.js";\na(b);',
            "js/a.js": '// import of "./x.js"\nimport "./c.js";\nexport const a = () => {};',
            "js/views/b.js": 'import {\n  c,\n} from "../c.js";\nexport { a } from "../a.js";',
            "js/c.js": 'export const c = () => import("./later.js");\nexport const d = "from x";',
            "js/later.js": 'import { c } from "./c.js";',
        }
    )
    assert needed_by("js/main.js", modules) == ["js/a.js", "js/views/b.js", "js/c.js"]
    assert needed_by("js/later.js", modules) == ["js/c.js"]
    assert needed_by("js/c.js", modules) == []


def test_modules_may_import_each_other() -> None:
    modules = graph({"a.js": 'import "./b.js";', "b.js": 'export * from "./a.js";'})
    assert needed_by("a.js", modules) == ["b.js"]


@pytest.mark.parametrize("address", ["./gone.js", "https://elsewhere.example/a.js", "lodash"])
def test_an_import_of_what_is_not_there_is_noticed_at_the_start(address: str) -> None:
    with pytest.raises(ValueError, match=r"js/main\.js imports"):
        graph({"js/main.js": f'import {{ a }} from "{address}";'})


def test_no_modules_of_the_page_import_each_other_in_a_circle() -> None:
    found = {str(path.relative_to(STATIC)): path.read_text() for path in STATIC.rglob("*.js")}
    assert len(found) > 50
    order = TopologicalSorter(graph(found))
    try:
        order.prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_every_view_is_needed_by_a_page() -> None:
    assets = Assets()
    used = {*assets.needed_by("js/main.js"), *assets.needed_by("js/directory.js")}
    assert {"js/dom.js", "js/rtc.js", "js/views/bar.js"} <= used
    assert {name for name in assets.scripts if name.startswith("js/views/")} <= used


def test_browsers_load_no_comments_and_find_each_line_where_it_was() -> None:
    source = (
        '// A view.\n\nimport "./a.js"; // stays\n'
        "/** @type {A} */\nconst a = /** @type {B} */ (b);\n"
        "  /**\n   * Long,\n   * in lines.\n   */\n  /** @type {C} */ (c);\n"
        'const url = "https://example.org";\n'
    )
    assert without_comments(source) == (
        '\n\nimport "./a.js"; // stays\n\nconst a = /** @type {B} */ (b);\n'
        "\n\n\n\n  /** @type {C} */ (c);\n"
        'const url = "https://example.org";\n'
    )


@pytest.mark.parametrize("script", sorted(STATIC.rglob("*.js")), ids=lambda path: path.name)
def test_no_text_of_a_script_looks_like_a_comment(script: Path) -> None:
    lines = script.read_text().splitlines()
    texts = [
        "\n".join(lines[:n]).count("`") % 2 for n, line in enumerate(lines) if is_comment(line)
    ]
    assert not any(texts)


def is_comment(line: str) -> bool:
    return line.lstrip().startswith(("//", "/**"))


def test_all_scripts_together_are_light() -> None:
    assert Assets().packed_script_bytes <= 80_000
