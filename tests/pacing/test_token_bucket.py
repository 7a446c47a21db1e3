"""Some at once, and then a trickle."""

import pytest

from spaces_bridge.pacing import token_bucket
from spaces_bridge.pacing.token_bucket import TokenBucket, TokenBuckets

pytestmark = pytest.mark.unit


def test_what_was_only_looked_at_is_still_there() -> None:
    bucket = TokenBucket(rate=1, burst=2)
    assert all(bucket.has(2, now) for now in (0.0, 0.1, 0.2))
    assert bucket.take(2, 0.2)
    assert not bucket.has(1, 1.0)
    assert bucket.has(1, 1.25)


def test_what_is_spent_beyond_the_bucket_is_owed() -> None:
    bucket = TokenBucket(rate=2, burst=3)
    for _ in range(5):
        bucket.spend(1, 0.0)
    assert bucket.left(0.0) == -2
    assert not bucket.take(1, 1.0)
    assert bucket.left(1.5) == 1
    assert bucket.take(1, 1.5)
    assert bucket.left(100.0) == 3


def test_what_is_given_back_may_be_taken_again_and_never_more_than_the_burst() -> None:
    now = [0.0]
    buckets = TokenBuckets(2, 0.5, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    buckets.give_back("a")
    assert [buckets.take("a") for _ in range(2)] == [True, False]
    now[0] = 100.0
    buckets.give_back("a")
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]


def test_each_key_has_a_burst_and_then_a_trickle() -> None:
    now = [0.0]
    buckets = TokenBuckets(2, 0.5, clock=lambda: now[0])
    assert [buckets.take("a") for _ in range(3)] == [True, True, False]
    assert buckets.take("b")
    now[0] = 2.0
    assert [buckets.take("a") for _ in range(2)] == [True, False]
    assert not buckets.has("a")


def test_of_many_keys_the_one_longest_unused_is_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(token_bucket, "KEYS_KEPT", 2)
    buckets = TokenBuckets(1, 0.0)
    assert buckets.take("a")
    assert buckets.take("b")
    assert not buckets.take("a")
    assert buckets.take("c"), "forgets b"
    assert len(buckets) == 2
    assert not buckets.take("a")
    assert buckets.take("b")
