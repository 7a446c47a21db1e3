"""Where shared links lead: what the page says of it, and what a browser makes of them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from playwright.async_api import Browser

from spaces_bridge.core.text.links import is_web_address
from spaces_bridge.web.views import site
from tests.web.browser import opened
from tests.web.world import WebWorld

SHARED = (
    "https://example.org",
    "https://example.org:8443/a?b=c#d",
    "HTTPS://Example.ORG/A",
    "http://192.0.2.7/x",
    "https://müller.example/straße",
    "https://еxample.org/",  # the first letter is Cyrillic
    "https://example.org?@evil.example/",
    "https://example.org#@evil.example/",
    "https://example.org/@evil.example:443/",
    "https://example.org/javascript:alert(1)",
    "https://example.org/<script>alert(1)</script>",
    'https://example.org/"onclick=alert(1)//',
    "https://example.org/&#x22;&quot;'",
    "https://matrix.to/#/!room:example.org/$event",
)

READ = """
(urls) => urls.map((url) => {
  const link = document.createElement("a");
  link.setAttribute("href", url);
  return [link.protocol, link.hostname];
})
"""


@pytest.mark.e2e
async def test_a_browser_goes_where_the_page_says(world: WebWorld, browser: Browser) -> None:
    assert all(map(is_web_address, SHARED))
    async with opened(browser, world.base + "/") as visitor:
        read = await visitor.page.evaluate(READ, list(SHARED))
    assert {protocol for protocol, _ in read} == {"https:", "http:"}
    assert [host for _, host in read] == [site(url) for url in SHARED]


@pytest.mark.unit
@given(st.from_regex(r"https?://[^/?#\\s]{1,30}(/.*)?", fullmatch=True))
@example("https://" + "x" * 70)
@example("https://xn--")
@example("https://a..b/")
def test_every_link_that_is_shared_can_be_shown(url: str) -> None:
    if is_web_address(url):
        assert site(url)
