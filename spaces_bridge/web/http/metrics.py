"""Metrics: the numbers of all parts of the bridge, read and served as `metric_table` says."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Final, assert_never

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.registry import Spaces
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.core.live_space import Phase
from spaces_bridge.web.feed.hub import Hub
from spaces_bridge.web.http.metric_table import METRICS, SOURCES, UP, MetricKind, MetricRow

READ_WITHIN_S: Final = 5.0
"""Seconds after which a source counts as failed: Prometheus itself gives up after 10 s."""

Number = float | Mapping[str, float]
"""A number, or numbers by the value of the metric's label."""
Numbers = Mapping[str, Number]
NumberSource = Callable[[], Awaitable[Numbers]]


class BridgeNumbers:
    """The bridge's numbers, read from all sources."""

    def __init__(self, sources: Mapping[str, NumberSource]) -> None:
        """`sources`: some of `SOURCES`; a part that is switched off has none."""
        unknown = sources.keys() - SOURCES.keys()
        if unknown:
            raise ValueError(f"no metrics are listed for {sorted(unknown)}")
        self._sources = sources

    async def read(self) -> "Reading":
        """Ask every source, side by side; one that fails is left out, and `UP` says so."""
        names = list(self._sources)
        found = await asyncio.gather(*(_read(self._sources[name]) for name in names))
        return Reading(dict(zip(names, found, strict=True)))


async def _read(source: NumberSource) -> Numbers | None:
    try:
        async with asyncio.timeout(READ_WITHIN_S):
            return await source()
    except (AdapterError, TimeoutError):
        return None


class Reading(Collector):
    """The numbers of one moment, for one answer."""

    def __init__(self, numbers: Mapping[str, Numbers | None]) -> None:
        self._numbers = numbers

    def collect(self) -> Iterator[Metric]:
        """Yield one family per metric for which there are numbers."""
        yield _family(UP, {UP.key: {n: float(v is not None) for n, v in self._numbers.items()}})
        for row in METRICS:
            numbers = self._numbers.get(row.source)
            # a worker that was found running may be of another version and lack a number
            if numbers is not None and row.keys <= numbers.keys():
                yield _family(row, numbers)


def _family(row: MetricRow, numbers: Numbers) -> Metric:
    labels = [row.label] if row.label else []
    match row.kind:
        case MetricKind.GAUGE:
            gauge = GaugeMetricFamily(row.name, row.meaning, labels=labels)
            for values, number in _samples(numbers[row.key]):
                gauge.add_metric(values, number * row.scale)
            return gauge
        case MetricKind.COUNTER:
            counter = CounterMetricFamily(row.name, row.meaning, labels=labels)
            for values, number in _samples(numbers[row.key]):
                counter.add_metric(values, number * row.scale)
            return counter
        case MetricKind.SUMMARY:
            (_, count), *_ = _samples(numbers[f"{row.key}_count"])
            (_, total), *_ = _samples(numbers[f"{row.key}_sum"])
            return SummaryMetricFamily(row.name, row.meaning, int(count), total * row.scale)
        case _:
            assert_never(row.kind)


def _samples(value: Number) -> Iterable[tuple[list[str], float]]:
    if isinstance(value, Mapping):
        return [([label], number) for label, number in sorted(value.items())]
    return [([], value)]


# --- the numbers of the pages and of tasks -------------------------------------------------------


def page_numbers(spaces: Spaces, hub: Hub) -> NumberSource:
    """Return the source `pages`."""

    async def read() -> Numbers:
        live = [s for s in spaces.open() if s.phase is Phase.LIVE]
        return {
            "live": len(live),
            "open_pages": hub.connections(),
            "listeners": sum(spaces.audience_size(s.space) for s in live),
            "listening_peers": sum(spaces.context.stage.listeners(s.space) for s in live),
            "speakers": sum(len(s.stage) for s in live),
            "on_air": sum(len(s.on_air) for s in live),
            "raised_hands": sum(len(s.hands) for s in live),
        }

    return read


def task_numbers(tasks: TaskSupervisor) -> NumberSource:
    """Return the source `tasks`; restarts are counted by groups of tasks, which are few."""

    async def read() -> Numbers:
        restarts = {group: float(number) for group, number in tasks.restarts.items()}
        return {"restarts": restarts, "failing": len(tasks.failing)}

    return read
