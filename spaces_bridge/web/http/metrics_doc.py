"""The document docs/metrics.md, made from the table of metrics.

`python -m spaces_bridge.web.http.metrics_doc` prints it; `make docs` writes it.
"""

import sys
from collections.abc import Iterator

from spaces_bridge.web.http.metric_table import METRICS, SOURCES, UP, MetricRow

_OPENING = """\
# Metrics

<!-- Made by `make docs` from spaces_bridge/web/http/metric_table.py: change that, not this. -->

`/metrics` on the admin's listener (`ops` in the config) serves these for Prometheus. They are read
when they are asked for, those of the workers as of a second ago. Counters begin at 0 when the
bridge, or the worker that counts, is started.
"""


def metrics_page() -> str:
    """Return the whole page."""
    return "\n".join([_OPENING, *_sections()])


def _sections() -> Iterator[str]:
    yield _table([UP])
    for source, heading in SOURCES.items():
        yield f"## {heading}\n"
        yield _table([row for row in METRICS if row.source == source])


def _table(rows: list[MetricRow]) -> str:
    lines = ["| name | type | unit | label | what | when to worry |", "|---|---|---|---|---|---|"]
    for row in rows:
        label = f"`{row.label}`" if row.label else ""
        cells = (f"`{row.served}`", row.kind.value, row.unit, label, row.meaning, row.worry)
        lines.append(" ".join(f"| {cell}".rstrip() for cell in cells) + " |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.stdout.write(metrics_page())
