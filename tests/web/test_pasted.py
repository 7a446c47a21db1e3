"""Addresses as people paste them lead to where they were copied from, and nowhere else."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.async_api import Browser, expect
from yarl import URL

from spaces_bridge.web.http.pasted import mended_path, mended_query
from tests.web.browser import opened
from tests.web.world import ALICE, HOST, WebWorld

SLUG = "bread-roses-x7qk"

AROUND = [
    *("/", "//", ".", "...", ",", ";", ":", "!", "?", "…", " ", "%20", "\t", "\u00a0", "\u200b"),
    *(")", "]", "}", ">", "'", '"', "”", "’", "»", "*", "**", "_", "|", "`", "\\", "-", "–"),
    *(").", ">,", '".', ") and more", "，", "。", "」", "）", "、他说"),
]
"""What sticks to an address that is copied out of a sentence."""

TAILS = ("", "/live.ogg", "/transcript.vtt", "/transcript.txt", "/event.ics", "/qr.svg")


@pytest.mark.unit
@pytest.mark.parametrize("prefix", ["", "/live"])
@pytest.mark.parametrize("after", AROUND)
def test_what_stuck_to_a_page_s_address_goes(after: str, prefix: str) -> None:
    assert mended_path(f"{prefix}/s/{SLUG}{after}", prefix) == f"{prefix}/s/{SLUG}"


@pytest.mark.unit
@pytest.mark.parametrize("tail", TAILS)
@pytest.mark.parametrize(
    "written",
    [
        *("/S/{slug}{tail}", "//s//{slug}{tail}", "/s/ {slug}{tail}", "/s/<{slug}{tail}>"),
        *(
            "/s/{slug}{tail}).",
            "/s/{slug}{tail}/",
            "/s/{slug}{tail}/index.html",
            "/s/“{slug}{tail}”",
        ),
    ],
)
@pytest.mark.parametrize("change", [str, str.upper, str.title])
def test_every_address_that_is_handed_on_is_found(
    written: str, tail: str, change: type[str]
) -> None:
    path = change(written.format(slug=SLUG, tail=tail))
    assert mended_path(path, "") == f"/s/{SLUG}{tail}"


@pytest.mark.unit
def test_wide_letters_are_read_as_the_plain_ones() -> None:
    assert mended_path("/ｓ/ＢＲＥＡＤ－ｒｏｓｅｓ－ｘ７ｑｋ．", "") == f"/s/{SLUG}"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *((written, "/") for written in ("/index.html", "/s", "/S/", "//", "/)", "/.")),
        ("/api/v1/spaces/", "/api/v1/spaces"),
        (f"/api/v1/spaces/{SLUG})", f"/api/v1/spaces/{SLUG}"),
        ("/api/openapi.json.", "/api/openapi.json"),
    ],
)
def test_the_directory_and_the_api_are_found(written: str, meant: str) -> None:
    assert mended_path(written, "") == meant
    assert mended_path("/Live" + written, "/live") == "/live" + meant


@pytest.mark.unit
@pytest.mark.parametrize(
    "path",
    [
        *(
            "/favicon.ico",
            "/.well-known/matrix/client",
            "/你好",
            "/x/s/a-b",
            "/s/你好",
            "/s/a/b/c",
        ),
        *(
            f"//evil.example/s/{SLUG}",
            f"/\\evil.example/s/{SLUG}",
            f"/https://evil.example/s/{SLUG}",
        ),
        *(
            f"/s/{SLUG}/whip/",
            f"/s/{SLUG}/feed.",
            f"/s/{SLUG}/..",
            f"/s/../{SLUG}/../x",
            "/s/" + "a" * 999,
        ),
    ],
)
def test_what_is_none_of_ours_stays_unknown(path: str) -> None:
    assert mended_path(path, "") in {None, f"/s/{SLUG}"}
    assert "evil" not in (mended_path(path, "") or "")


@pytest.mark.unit
@given(st.text(), st.sampled_from(["", "/live"]))
@example("//evil.example/", "")
@example("/s/\r\nLocation: x", "")
def test_whoever_is_led_stays_with_us_and_is_led_once(path: str, prefix: str) -> None:
    meant = mended_path("/" + path, prefix)
    if meant is not None:
        assert URL(meant).host is None
        assert str(URL(meant)) == meant  # nothing in it that a header could not hold
        assert meant.startswith(f"{prefix}/")
        assert mended_path(meant, prefix) == meant


@pytest.mark.unit
@pytest.mark.parametrize(
    ("query", "meant"),
    [
        ({"view": "captions)."}, "view=captions"),
        ({"lang": "de,", "view": "captions"}, "lang=de&view=captions"),
        ({"view": "captions", "lang": "pt-BR", "widgetId": "$id)"}, None),
        ({"or": "blank."}, None),
    ],
)
def test_what_stuck_to_a_page_s_choice_goes(query: dict[str, str], meant: str | None) -> None:
    assert mended_query(query) == meant


# --- on the listener --------------------------------------------------------------------------


@pytest.mark.peers
async def test_a_pasted_address_shows_the_page(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    page = world.page(space)
    for pasted in (
        f"{page}/",
        f"{page}.",
        f"{page}%20",
        f"{page})?view=captions%29",
        f"{world.base}//s//{space.slug.upper()}",
    ):
        async with world.http.get(URL(pasted, encoded=True)) as response:
            assert response.status == 200, pasted
            assert response.url.path == URL(page).path
            assert response.url.query_string in {"", "view=captions"}
            assert [step.status for step in response.history] == [308]


@pytest.mark.peers
async def test_an_address_is_mended_alike_whether_or_not_there_is_such_a_space(
    world: WebWorld,
) -> None:
    secret = await world.create("Family matters", private=True)
    await world.joined(secret.space, ALICE, "Alice")
    link = {"Authorization": f"Bearer {await world.link(secret.space, ALICE)}"}
    for headers in ({}, link):
        for slug in (secret.slug, "no-such-space"):
            address = URL(f"{world.base}/s/{slug}/transcript.vtt).", encoded=True)
            async with world.http.get(address, headers=headers, allow_redirects=False) as response:
                assert response.status == 308
                assert response.headers["Location"] == f"/s/{slug}/transcript.vtt"


@pytest.mark.peers
async def test_only_what_reads_is_led(world: WebWorld) -> None:
    space = await world.create("Garden hour")
    async with world.http.post(f"{world.page(space)}/whep/", data="v=0") as response:
        assert response.status == 404
    async with world.http.head(f"{world.page(space)}.", allow_redirects=False) as response:
        assert response.status == 308


@pytest.mark.e2e
async def test_a_personal_link_out_of_a_sentence_still_says_who_one_is(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Family matters", private=True)
    await world.joined(space.space, ALICE, "Alice")
    token = await world.link(space.space, ALICE)
    pasted = f"{world.base}/s/{space.slug.upper()}/#t={token})."
    async with opened(browser, pasted) as alice:
        await expect(alice.page.locator("#title")).to_have_text("Family matters")
        await expect(alice.page.locator("#ask")).to_be_enabled()
        assert alice.page.url == world.page(space)
        await alice.is_clean()


@pytest.mark.e2e
async def test_somebody_is_invited_by_whatever_names_them(
    world: WebWorld, browser: Browser
) -> None:
    space = await world.create("Garden hour")
    read = """async (typed) => {
      const field = document.getElementById("invite-user");
      field.value = typed;
      field.form.requestSubmit();
      return field.value;
    }"""
    link = await world.link(space.space, HOST)
    async with opened(browser, world.page(space, f"#t={link}")) as host:
        await host.page.locator("#invite").click()
        for typed in (
            "@ada:example.org.",
            "(@ada:example.org),",
            "https://matrix.to/#/@ada:example.org?via=example.org",
            "https://matrix.to/#/%40ada%3Aexample.org)",
            "@ada:[2001:db8::1]:8448",
        ):
            assert await host.page.evaluate(read, typed) == "", typed
        for typed in ("ada", "@ada", "@ada: example.org"):
            assert await host.page.evaluate(read, typed) == typed
