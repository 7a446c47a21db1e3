"""What every page has to look like, and words that would like to be more than words."""

from playwright.async_api import Page

XSS = (
    "<img src=x onerror=alert(1)>",
    '"><script>alert(2)</script>',
    "javascript:alert(3)",
    "</title><svg onload=alert(4)>",
    "{{constructor.constructor('alert(5)')()}}",
    "\u202e<b>gpj.tsoh</b>",
    "W" * 200,
)

SMALL_TARGETS = """
() => [...document.querySelectorAll("button, a, input, select, textarea, summary")]
  .filter((node) => node.checkVisibility() && !node.closest(".line-text"))
  .filter((node) => {
    const { width, height } = (node.closest("label") ?? node).getBoundingClientRect();
    const card = getComputedStyle(node, "::after").position === "absolute";
    return !card && (width < 44 || height < 44);
  })
  .map((node) => node.outerHTML)
"""
"""Targets too small for a thumb, but for links within sentences and those that fill a card.

A label belongs to what it names.
"""

NAMELESS = """
() => [...document.querySelectorAll("button, a, input, select, textarea, [role=log], dialog")]
  .filter((node) => node.checkVisibility())
  .filter((node) => !(node.textContent.trim() || node.ariaLabel || node.labels?.length ||
    node.hasAttribute("aria-labelledby")))
  .map((node) => node.outerHTML)
"""


async def overflow(page: Page) -> int:
    """Pixels by which the page is wider than its window."""
    root = "document.documentElement"
    return int(await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth"))


async def fits(page: Page) -> None:
    """Targets are big and named, and nothing is wider than the window."""
    for check in (SMALL_TARGETS, NAMELESS):
        wrong = await page.evaluate(check)
        assert wrong == [], wrong
    assert await overflow(page) == 0


async def focused(page: Page) -> str:
    """The id of what has the focus."""
    return str(await page.evaluate("document.activeElement.id"))
