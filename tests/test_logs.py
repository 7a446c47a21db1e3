"""Logs: one line per event, no secrets, no forged lines, the request's id."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from spaces_bridge import logs

pytestmark = pytest.mark.unit

SECRET = "as-token-0123456789"


@pytest.fixture
def restored_logging() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def written(*, json_lines: bool, message: str, **extra: object) -> str:
    stream = io.StringIO()
    logs.configure("INFO", json_lines=json_lines, secrets=[SECRET, "x"], stream=stream)
    logging.getLogger("spaces_bridge.test").info(message, extra=extra)
    return stream.getvalue()


@pytest.mark.usefixtures("restored_logging")
def test_a_json_log_is_one_object_per_line_with_the_fields_beside_the_message() -> None:
    line = written(json_lines=True, message="peer left", peer="p1", packets=3)
    entry = json.loads(line)
    assert line.count("\n") == 1
    assert entry["event"] == "peer left"
    assert (entry["peer"], entry["packets"], entry["level"]) == ("p1", 3, "info")
    assert entry["logger"] == "spaces_bridge.test"
    assert entry["timestamp"].endswith("Z")


@pytest.mark.usefixtures("restored_logging")
def test_a_console_log_is_text() -> None:
    line = written(json_lines=False, message="peer left", peer="p1")
    assert "peer left" in line
    assert "peer=p1" in line
    assert "\x1b" not in line


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize("json_lines", [True, False])
def test_line_breaks_and_escapes_in_values_forge_no_lines(json_lines: bool) -> None:
    hostile = "a\r\nlevel=info fake\x1b[2Kb\u2028c\u202egpj"
    line = written(json_lines=json_lines, message=f"name {hostile}", name_given=hostile)
    assert line.count("\n") == 1
    assert not set("\r\x1b\u2028\u202e") & set(line)


@pytest.mark.usefixtures("restored_logging")
@pytest.mark.parametrize(
    "text",
    [
        f"refused {SECRET}",
        f"GET /x?access_token={SECRET}&y=1",
        "GET /x?access_token=somebody-elses&y=1",
        "Authorization: Bearer somebody-elses",
        "https://home.test/s/jazz#t=somebody-elses",
    ],
)
def test_no_secret_reaches_a_log(text: str) -> None:
    line = written(json_lines=True, message=text, nested={"deep": [text]}, plain=text)
    assert SECRET not in line
    assert "somebody-elses" not in line
    assert logs.BLOT in line


@pytest.mark.usefixtures("restored_logging")
def test_a_traceback_keeps_its_lines_and_loses_its_secrets() -> None:
    stream = io.StringIO()
    logs.configure(secrets=[SECRET], stream=stream)
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError:
        logging.getLogger("x").exception("failed")
    assert "Traceback" in stream.getvalue()
    assert SECRET not in stream.getvalue()
    assert stream.getvalue().count("\n") > 3


@pytest.mark.usefixtures("restored_logging")
def test_everything_inside_a_request_carries_its_id() -> None:
    with logs.request("txn-7") as request_id:
        inside = json.loads(written(json_lines=True, message="stored"))
    outside = json.loads(written(json_lines=True, message="stored"))
    assert request_id == inside["request_id"] == "txn-7"
    assert "request_id" not in outside
    with logs.request() as chosen:
        assert chosen


@pytest.mark.usefixtures("restored_logging")
def test_the_level_is_kept_and_chatty_libraries_are_quiet() -> None:
    stream = io.StringIO()
    logs.configure("WARNING", stream=stream)
    logging.getLogger("x").info("unheard")
    logging.getLogger("mau.http").info("unheard")
    assert stream.getvalue() == ""
