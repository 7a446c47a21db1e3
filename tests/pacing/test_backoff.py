"""How long is waited after failures, and where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces_bridge.app.reconcile import REREAD_BACKOFF
from spaces_bridge.app.supervisor import RESTART_BACKOFF
from spaces_bridge.captions.captioner import WORKER_BACKOFF as CAPTION_WORKER_BACKOFF
from spaces_bridge.matrix.client.rests import AWAY_BACKOFF
from spaces_bridge.matrix.client.watch import PING_BACKOFF
from spaces_bridge.matrix.invites.throttle import SERVER_BACKOFF
from spaces_bridge.media.supervisor import WORKER_BACKOFF as MEDIA_WORKER_BACKOFF
from spaces_bridge.pacing.backoff import Backoff

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("backoff", "waits_s"),
    [
        (RESTART_BACKOFF, [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8, 25.6, 30.0]),
        (REREAD_BACKOFF, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]),
        (PING_BACKOFF, [1.0, 2.0, 4.0, 8.0, 16.0, 30.0]),
        (SERVER_BACKOFF, [30.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1800.0]),
        (MEDIA_WORKER_BACKOFF, [1.0, 2.0, 4.0, 5.0]),
        (CAPTION_WORKER_BACKOFF, [0.2, 0.6, 1.8, 5.4, 16.2, 30.0]),
    ],
)
def test_each_wait_grows_up_to_its_limit(backoff: Backoff, waits_s: list[float]) -> None:
    waited_s = [backoff.wait_s(failures) for failures in range(1, len(waits_s) + 1)]
    assert waited_s == pytest.approx(waits_s)
    assert backoff.wait_s(len(waits_s) + 1) == backoff.wait_s(1_000_000) == backoff.limit_s
    assert backoff.wait_s(0) == 0.0


@given(st.integers(1, 10_000))
def test_what_many_wait_for_is_not_tried_by_all_at_once(failures: int) -> None:
    whole_s = min(15.0, 2.0 ** min(failures - 1, 10))
    assert AWAY_BACKOFF.wait_s(failures, lambda: 0.0) == whole_s
    assert AWAY_BACKOFF.wait_s(failures, lambda: 0.5) == whole_s * 0.75
    assert whole_s / 2 < AWAY_BACKOFF.wait_s(failures) <= whole_s
