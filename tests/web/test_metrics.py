"""`/metrics` serves what docs/metrics.md lists, and nothing else."""

from collections.abc import Mapping
from pathlib import Path

import aiohttp
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from spaces_bridge.app.errors import StorageError
from spaces_bridge.web.http.metric_table import METRICS, SOURCES, MetricKind, keys_of
from spaces_bridge.web.http.metrics import BridgeNumbers, Numbers, NumberSource
from spaces_bridge.web.http.metrics_doc import metrics_page
from tests.web.world import WebWorld

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def source_of(name: str) -> NumberSource:
    """A part that counts 2 of everything its metrics are made of."""

    async def read() -> Numbers:
        labelled = {row.key for row in METRICS if row.label}
        return {key: {"a": 2, "b": 2} if key in labelled else 2 for key in keys_of(name)}

    return read


async def served(sources: Mapping[str, NumberSource]) -> Mapping[str, Mapping[str, float]]:
    """The samples on `/metrics`, by the names that the page lists."""
    registry = CollectorRegistry()
    registry.register(await BridgeNumbers(sources).read())
    text = generate_latest(registry).decode()
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: {
            f"{sample.name}{sorted(sample.labels.items())}": sample.value
            for sample in family.samples
        }
        for family in text_string_to_metric_families(text)
    }


def listed() -> set[str]:
    """The names on the page."""
    lines = PAGE.read_text().splitlines()
    return {line.split("`")[1] for line in lines if line.startswith("| `")}


@pytest.mark.unit
def test_the_page_is_what_the_table_of_metrics_says() -> None:
    assert PAGE.read_text() == metrics_page(), "run `make docs`"


@pytest.mark.unit
async def test_what_is_served_is_what_is_listed() -> None:
    assert (await served({name: source_of(name) for name in SOURCES})).keys() == listed()


@pytest.mark.unit
async def test_numbers_come_in_the_units_that_their_names_say() -> None:
    found = await served({name: source_of(name) for name in SOURCES})
    assert found["spaces_media_tick_late_p99_seconds"] == {
        "spaces_media_tick_late_p99_seconds[]": 0.002
    }
    assert found["spaces_captions_latency_seconds"] == {
        "spaces_captions_latency_seconds_count[]": 2,
        "spaces_captions_latency_seconds_sum[]": 2,
    }
    assert found["spaces_task_restarts_total"] == {
        "spaces_task_restarts_total[('task', 'a')]": 2,
        "spaces_task_restarts_total[('task', 'b')]": 2,
    }


@pytest.mark.unit
async def test_a_part_that_cannot_be_read_is_left_out_and_said() -> None:
    async def broken() -> Numbers:
        raise StorageError("away")

    async def older() -> Numbers:
        return {"spaces": 1, "unheard_of": 3}

    found = await served({"database": broken, "media": older})
    assert found.keys() == {"spaces_metrics_source_up", "spaces_media_spaces"}
    assert found["spaces_metrics_source_up"] == {
        "spaces_metrics_source_up[('source', 'database')]": 0,
        "spaces_metrics_source_up[('source', 'media')]": 1,
    }


@pytest.mark.unit
def test_numbers_without_a_place_in_the_table_are_refused() -> None:
    with pytest.raises(ValueError, match="weather"):
        BridgeNumbers({"weather": source_of("media")})


@pytest.mark.unit
def test_names_follow_the_conventions() -> None:
    names = [row.served for row in METRICS]
    assert len(names) == len(set(names))
    for row in METRICS:
        assert row.name.startswith("spaces_")
        assert not row.name.endswith(("_total", "_ms", "_count", "_sum"))
        assert (row.scale != 1.0) <= row.name.endswith("_seconds")
        assert row.meaning.endswith(".")
        assert (row.kind is MetricKind.SUMMARY) <= bool(row.unit)


@pytest.mark.peers
async def test_every_number_of_the_pages_and_the_database_is_listed(
    world: WebWorld,
) -> None:
    await world.create()
    ops = f"http://127.0.0.1:{world.service.ops_port}"
    async with aiohttp.ClientSession() as http, http.get(f"{ops}/metrics") as response:
        text = await response.text()
    families = {f.name: f for f in text_string_to_metric_families(text)}
    ours = {row.name for row in METRICS if row.source in {"pages", "database"}}
    assert families.keys() == ours | {"spaces_metrics_source_up"}
    assert families["spaces_outbox_pending"].samples[0].value > 0
