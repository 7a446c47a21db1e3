"""The pages as HTML, and the headers every answer carries."""

from pathlib import Path

import pytest

from spaces_bridge.core import commands as cmd
from tests.web.world import ALICE, HOST, WallClock, WebWorld, web_world

pytestmark = pytest.mark.peers

SCRIPT = "<script>alert(1)</script>"


async def text_of(world: WebWorld, address: str, status: int = 200) -> str:
    async with world.http.get(address) as response:
        assert response.status == status
        return await response.text()


async def test_the_directory_shows_who_is_live_to_come_and_over(world: WebWorld) -> None:
    over = await world.create("Old songs")
    await world.spaces.ask(over.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    await world.create("Garden hour")
    await world.create("Evening news", live=False)
    page = await text_of(world, world.base + "/")
    for title in ("Garden hour", "Evening news", "Old songs"):
        assert title in page
    assert page.index("On air now") < page.index("Garden hour") < page.index("Coming up")
    assert page.index("Ended") < page.index("Old songs")


async def test_a_private_space_is_in_no_list(world: WebWorld) -> None:
    space = await world.create("Family matters", private=True)
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    await world.create("Family matters too", private=True)
    assert "Family" not in await text_of(world, world.base + "/")
    async with world.http.get(world.base + "/api/v1/spaces") as response:
        assert (await response.json()) == {"spaces": []}


async def test_stage_captions_and_state_can_be_read_without_script(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    await world.seat(space.space, ALICE, "Alice")
    await world.caption(space.space, ALICE, "The roses want water.")
    page = await text_of(world, world.page(space))
    for words in ("Garden hour", "Hanna", "Alice", "The roses want water.", "Live"):
        assert words in page
    assert "<noscript>" in page
    assert f'src="{space.slug}/live.ogg"' in page


async def test_a_lock_is_shown_until_the_end(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    await world.spaces.ask(space.space, cmd.LockSpace(HOST))
    assert '<span id="locked" class="badge">' in await text_of(world, world.page(space))
    await world.spaces.ask(space.space, cmd.EndSpace(HOST, WallClock().now_ms()))
    assert '<span id="locked" class="badge" hidden>' in await text_of(world, world.page(space))


async def test_hostile_words_are_text_on_the_page(world: WebWorld) -> None:
    space = await world.create(f"{SCRIPT}\"'", host_name=SCRIPT)
    await world.caption(space.space, HOST, f"{SCRIPT} {{{{ 7*7 }}}}")
    for address in (world.base + "/", world.page(space)):
        page = await text_of(world, address)
        assert SCRIPT not in page
        assert "&lt;script&gt;alert(1)" in page
    assert "{{ 7*7 }}" in await text_of(world, world.page(space))


async def test_a_private_page_is_the_same_as_one_that_does_not_exist(world: WebWorld) -> None:
    space = await world.create("Family matters", private=True)
    hidden = await text_of(world, world.page(space), 404)
    absent = await text_of(world, f"{world.base}/s/no-such-space", 404)
    assert hidden.replace(space.slug, "SLUG") == absent.replace("no-such-space", "SLUG")
    assert "Family" not in hidden


async def test_every_answer_carries_the_security_headers(world: WebWorld) -> None:
    space = await world.create()
    for path in ("/", f"/s/{space.slug}", "/s/none", "/api/v1/spaces", "/nowhere", "/s/a%2f"):
        async with world.http.get(world.base + path) as response:
            headers = response.headers
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert "frame-ancestors 'none'" in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "microphone=(self)" in headers["Permissions-Policy"]
        assert "Set-Cookie" not in headers


async def test_pages_may_be_embedded_only_where_the_config_says(tmp_path: Path) -> None:
    element = "https://element.example"
    async with (
        web_world(tmp_path, frame_ancestors=(element,)) as world,
        world.http.get(world.base + "/") as response,
    ):
        assert f"frame-ancestors {element}" in response.headers["Content-Security-Policy"]


async def test_no_page_names_another_server_or_an_inline_script(world: WebWorld) -> None:
    space = await world.create()
    for address in (world.base + "/", world.page(space)):
        whole = (await text_of(world, address)).replace(world.base, "")
        # what the script may have to say follows at the end, and names addresses as examples
        page = whole.partition('<script id="sentences"')[0]
        # a link to a chat with the bot: nothing is asked of it before somebody follows it
        page = page.replace(' href="https://matrix.to/#/%40spacesbot%3A', "")
        assert "http://" not in page
        assert "https://" not in page
        assert " style=" not in page
        assert "<script>" not in page


async def test_everything_works_under_a_path_prefix(tmp_path: Path) -> None:
    async with web_world(tmp_path, prefix="/spaces") as world:
        space = await world.create()
        assert world.page(space).endswith(f"/spaces/s/{space.slug}")
        page = await text_of(world, world.page(space))
        style = page.split('rel="stylesheet" href="')[1].split('"')[0]
        assert style.startswith("/spaces/static/")
        await text_of(world, f"{world.settings.public_url}{style}")
        assert "Garden hour" in await text_of(world, f"{world.settings.public_url}/spaces")
        offer = {"Content-Type": "application/sdp"}
        async with world.http.post(world.page(space, "/whep"), data="v=0", headers=offer) as made:
            assert made.headers["Location"].startswith(f"/spaces/s/{space.slug}/whep/")


async def test_scripts_are_light_and_may_be_kept_for_ever(world: WebWorld) -> None:
    page = await text_of(world, world.base + "/")
    script = page.split('type="module" src="')[1].split('"')[0]
    async with world.http.get(world.base + script) as response:
        assert response.headers["Content-Type"].startswith("text/javascript")
        assert "immutable" in response.headers["Cache-Control"]
        assert response.headers["Content-Encoding"] == "gzip"
    async with world.http.get(world.base + script.replace("directory.js", "none.js")) as response:
        assert response.status == 404


async def test_a_lost_visitor_is_shown_the_way(world: WebWorld) -> None:
    async with world.http.get(f"{world.base}/nowhere", headers={"Accept": "text/html"}) as answer:
        assert answer.status == 404
        assert "Nothing here" in await answer.text()
    async with world.http.get(f"{world.base}/nowhere") as answer:
        assert answer.content_type == "application/problem+json"
        assert (await answer.json())["code"] == "not_found"
