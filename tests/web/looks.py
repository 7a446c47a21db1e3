"""What every page has to look like, and words that would like to be more than words."""

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, expect

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
  .filter((node) => node.checkVisibility({ visibilityProperty: true }))
  .filter((node) => !node.closest(".line-text"))
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

CUT_LABELS = """
() => [...document.querySelectorAll("button:not(.person-open, .people-row), summary, h1, h2")]
  .filter((node) => node.checkVisibility() && getComputedStyle(node).clipPath === "none")
  .filter((node) => node.scrollWidth > node.clientWidth + 1)
  .map((node) => `cut: ${node.outerHTML}`)
"""
"""Words of the page that do not fit into what they name."""

MOVING = """
() => document.getAnimations()
  .filter(({ playState }) => playState === "running")
  .map(({ effect, animationName }) => `${animationName} ${effect.target?.outerHTML}`)
"""

EDGELESS = """
() => [...document.querySelectorAll(".button, .tab, .react, .icon-button, .switch input, .face")]
  .filter((node) => node.checkVisibility())
  .filter((node) => {
    const { borderTopWidth: border, borderTopStyle: style } = getComputedStyle(node);
    return style === "none" || parseFloat(border) === 0;
  })
  .map((node) => `no edge: ${node.outerHTML}`)
"""
"""Shapes that vanish where the system chooses the colours."""

UNBRACKETED = r"""
(mark) => {
  const found = [];
  const foreign = "bdi, time, kbd, script, style, .letter, #language, #captions-language, #device";
  const fixed = /\S*https?:\S+|\S+\.org\S*|@\S+:\S+|WebVTT|SubRip|JSON/g;
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let depth = 0;
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const { parentElement: parent, data } = node;
    if (parent.closest(foreign) || !parent.checkVisibility()) continue;
    if (data.includes(mark)) {
      depth += data.split("[").length - data.split("]").length;
      continue;
    }
    for (const letter of data.replace(fixed, "")) {
      if (letter === "[") depth += 1;
      else if (letter === "]") depth -= 1;
      else if (depth === 0 && /\p{L}/u.test(letter)) {
        found.push(`${data.trim()} in ${parent.outerHTML.slice(0, 200)}`);
        break;
      }
    }
  }
  for (const name of ["aria-label", "placeholder", "title", "alt"]) {
    for (const node of document.body.querySelectorAll(`[${name}]`)) {
      const words = node.getAttribute(name).replace(fixed, "");
      const own = /^\[.*\]$/su.test(words) || words.includes(mark) || !/\p{L}/u.test(words);
      if (node.checkVisibility() && !own) found.push(`${name}="${words}"`);
    }
  }
  const { title } = document;
  if (!/^\[.*\]$/.test(title) && !title.includes(mark)) found.push(title);
  return found;
}
"""
"""Words of the pseudo-language's page that come from no catalogue; people's hold `mark`."""

AXE = {
    "resultTypes": ["violations"],
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}


LOOKS_AT_MOVING = 100
"""How often is looked whether everything stands still: what does not, moves for ever."""


async def complaints(page: Page) -> list[str]:
    """What axe says of the page right now; small targets; that it scrolls sideways."""
    results = await Axe().run(page, options=AXE)
    found = [
        f"{violation['id']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]
    small = [f"small: {html}" for html in await page.evaluate(SMALL_TARGETS)]
    wide = await overflow(page)
    return [*found, *small, *([f"scrolls sideways by {wide} px"] if wide > 0 else [])]


async def cut_labels(page: Page) -> list[str]:
    return list(await page.evaluate(CUT_LABELS))


async def moving(page: Page) -> list[str]:
    """Animations that do not end: those that just began are waited for."""
    found: list[str] = []
    for _ in range(LOOKS_AT_MOVING):
        found = list(await page.evaluate(MOVING))
        if not found:
            break
        await page.wait_for_timeout(100)
    return found


async def edgeless(page: Page) -> list[str]:
    return list(await page.evaluate(EDGELESS))


async def unbracketed(page: Page, mark: str) -> list[str]:
    return list(await page.evaluate(UNBRACKETED, mark))


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


async def has_focus(page: Page, element: str) -> None:
    """The element of this id has the focus, or gets it."""
    await expect(page.locator(f"#{element}")).to_be_focused()
