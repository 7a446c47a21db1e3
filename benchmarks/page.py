"""The page: how soon it shows and sounds, and the cost of many pages.

`BENCH_ROUNDS` in the environment (100 unless set) makes a run shorter; a percentile means
something from 100 rounds on.
"""

import asyncio
import os
from collections.abc import Sequence

from benchmarks import page_browser, page_feeds
from benchmarks.page_browser import SEED
from benchmarks.result import Result, percentile, spread
from benchmarks.rig import rig
from spaces_bridge.web.http.assets import Assets
from tests.web.browser import chromium

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "100"))


def results(rounds: int = ROUNDS) -> Sequence[Result]:
    """Return all figures of the page."""
    return [
        *asyncio.run(_in_browser(rounds)),
        *page_feeds.results(asyncio.run(page_feeds.measure())),
        _scripts(),
    ]


async def _in_browser(rounds: int) -> Sequence[Result]:
    async with chromium() as browser:
        async with rig() as stage:
            sound = await page_browser.link_to_sound(browser, stage, rounds)
            space = await page_browser.largest_paint(browser, stage.space.page, rounds)
            directory = await page_browser.largest_paint(
                browser, stage.deployment.bridge.url + "/", rounds
            )
        captions = await page_browser.caption_to_page(browser, rounds * 2)
    return [
        _p95("page.link_to_sound_p95_s", sound, "s", "< 1.5"),
        _slower("page.lcp_p95_s", {"space": space, "directory": directory}),
        _p95("page.caption_to_page_p95_ms", captions, "ms", "< 200", seed=SEED),
    ]


def _p95(
    name: str, samples: Sequence[float], unit: str, target: str, *, seed: int | None = None
) -> Result:
    digits = 2 if unit == "s" else 1
    value = round(percentile(samples, 95), digits)
    return Result(name, value, unit, len(samples), spread(samples, digits), target, seed=seed)


def _slower(name: str, pages: dict[str, Sequence[float]]) -> Result:
    """Return the slower page's figure, with the spread of both."""
    told = "; ".join(f"{page}: {spread(samples, 2)}" for page, samples in pages.items())
    slowest = max(percentile(samples, 95) for samples in pages.values())
    n = min(len(samples) for samples in pages.values())
    return Result(name, round(slowest, 2), "s", n, told, "< 1")


def _scripts() -> Result:
    assets = Assets()
    kib = assets.packed_script_bytes / 1024
    return Result(
        "page.script_kib", round(kib, 1), "KiB", 1, "all scripts, each packed by gzip", "<= 80"
    )
