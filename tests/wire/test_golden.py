"""What older versions wrote is read as it was meant, and written as they did."""

import json
from typing import Any, get_args

import pytest

from spaces_bridge.app import tasks
from spaces_bridge.captions import messages as captions
from spaces_bridge.captions.messages import CODEC as CAPTIONS
from spaces_bridge.core import events
from spaces_bridge.media import messages as media
from spaces_bridge.media.codec import CODEC as MEDIA
from spaces_bridge.storage.text import body_from_column, body_to_column
from spaces_bridge.wire.schema import schema_of
from tests.wire.examples import example_of
from tests.wire.golden import (
    CAPTION_MESSAGES,
    EVENTS,
    MEDIA_MESSAGES,
    OLDER_MEDIA_MESSAGES,
    TASKS,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(("cls", "variant", "column"), [*EVENTS, *TASKS])
def test_a_stored_body_is_read_as_it_was_meant_and_written_as_it_was(
    cls: type[Any], variant: int, column: str
) -> None:
    body = body_from_column(column)
    read, meant = schema_of(cls).from_json(body), example_of(cls, variant)
    # a field that came later is not in the body, and has its default
    assert {name: getattr(read, name) for name in body} == {
        name: getattr(meant, name) for name in body
    }
    assert all(type(getattr(read, name)) is type(getattr(meant, name)) for name in body)
    written = schema_of(cls).to_json(read)
    assert body_to_column({name: written[name] for name in body}) == column


@pytest.mark.parametrize(("cls", "variant", "message"), MEDIA_MESSAGES)
def test_a_media_worker_of_an_earlier_version_is_understood_and_spoken_to(
    cls: type[Any], variant: int, message: bytes
) -> None:
    assert MEDIA.decode(message[4:]) == example_of(cls, variant)
    assert MEDIA.encode(example_of(cls, variant)) == message


@pytest.mark.parametrize(("cls", "message"), OLDER_MEDIA_MESSAGES)
def test_what_a_media_worker_of_the_protocol_before_says_is_read(
    cls: type[Any], message: bytes
) -> None:
    assert isinstance(MEDIA.decode(message[4:]), cls)


@pytest.mark.parametrize(("cls", "variant", "message"), CAPTION_MESSAGES)
def test_a_message_about_captions_has_the_same_bytes_as_ever(
    cls: type[Any], variant: int, message: bytes
) -> None:
    assert CAPTIONS.decode(message[4:]) == example_of(cls, variant)
    assert CAPTIONS.encode(example_of(cls, variant)) == message


def test_there_is_a_sample_of_every_message_of_the_protocol() -> None:
    said = {*get_args(media.ToMediaWorker), *get_args(media.FromMediaWorker)}
    assert {cls for cls, _, _ in MEDIA_MESSAGES} == said
    said = {*get_args(captions.ToCaptionWorker), *get_args(captions.FromCaptionWorker)}
    assert {cls for cls, _, _ in CAPTION_MESSAGES} == said


@pytest.mark.parametrize(
    "cls", [events.SpaceCreated, *get_args(events.Event), *get_args(tasks.OutboxTask)]
)
@pytest.mark.parametrize("variant", [0, 1])
def test_what_is_to_be_stored_is_json_already(cls: type[Any], variant: int) -> None:
    body = schema_of(cls).to_json(example_of(cls, variant))
    assert json.loads(json.dumps(body)) == body
