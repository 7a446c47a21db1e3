"""What the log says, as the admin who asked for JSON lines reads it."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from spaces_bridge import logs


@contextmanager
def json_lines(logger: str) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """The lines of one logger since it was entered, whenever they are asked for."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(json_lines=True))
    logging.getLogger(logger).addHandler(handler)
    try:
        yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    finally:
        logging.getLogger(logger).removeHandler(handler)
