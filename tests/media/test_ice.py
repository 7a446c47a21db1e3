"""ICE-lite: who is answered, and when a connected peer is followed to a new address."""

import pytest

from spaces_bridge.media.worker.edge import stun
from spaces_bridge.media.worker.edge.ice import MAX_PATHS, Ice

pytestmark = pytest.mark.unit

THEIR_PWD = "their-password-of-24-chr"
OUR_PWD = "our-password-of-24-chars"


class FakePath:
    """A path that keeps what is sent."""

    def __init__(self, port: int, *, proven: bool = False) -> None:
        self.owner: str | None = None
        self.address = ("192.0.2.1", port)
        self.proven = proven
        self.sent: list[stun.StunMessage] = []

    def send(self, datagram: bytes) -> bool:
        message = stun.parse(datagram)
        assert message is not None
        self.sent.append(message)
        return True

    def claim(self, owner: str) -> None:
        self.owner = owner

    def forget(self) -> None:
        self.owner = None

    def kinds(self) -> list[int]:
        return [message.type for message in self.sent]


def new_ice() -> Ice:
    return Ice("ours", OUR_PWD, "theirs", THEIR_PWD)


def check(
    *, nominate: bool = True, pwd: str = OUR_PWD, name: str = "ours:theirs"
) -> stun.StunMessage:
    message = stun.parse(stun.request(name, pwd, stun.new_transaction(), nominate=nominate))
    assert message is not None
    return message


def answer(ice: Ice, path: FakePath, now: float) -> bool:
    """What an honest client does with our request."""
    raw = stun.success(path.sent[-1], ("198.51.100.1", 5349), THEIR_PWD)
    message = stun.parse(raw)
    assert message is not None
    return ice.response(message, path, now)


def connected(path: FakePath) -> Ice:
    ice = new_ice()
    assert ice.request(check(), path, 0.0) is None
    ice.established(path)
    return ice


def test_a_signed_check_is_answered_and_opens_the_path() -> None:
    ice, path = new_ice(), FakePath(1)
    assert ice.request(check(nominate=False), path, 0.0) is None
    assert path.kinds() == [stun.BINDING_SUCCESS]
    assert ice.selected is path


def test_unsigned_and_misdirected_checks_get_no_answer() -> None:
    ice, path = new_ice(), FakePath(1)
    assert ice.request(check(pwd="x" * 24), path, 0.0) == "stun_integrity"
    assert ice.request(check(name="ours:others"), path, 0.0) == "stun_user"
    assert path.sent == []
    assert ice.selected is None


def test_before_it_is_connected_a_peer_is_followed_at_once() -> None:
    ice, first, second = new_ice(), FakePath(1), FakePath(2)
    ice.request(check(), first, 0.0)
    ice.request(check(), second, 0.1)
    assert ice.selected is second


def test_a_connected_peer_is_followed_after_it_answered_from_the_new_address() -> None:
    first, second = FakePath(1), FakePath(2)
    ice = connected(first)
    ice.request(check(), second, 1.0)
    assert ice.selected is first
    assert second.kinds() == [stun.BINDING_SUCCESS, stun.BINDING_REQUEST]
    assert answer(ice, second, 1.1)
    assert ice.selected is second


def test_sound_is_not_sent_to_an_address_where_nobody_answers() -> None:
    """A client that forges its source address cannot point the stream at somebody else."""
    first, victim = FakePath(1), FakePath(2)
    ice = connected(first)
    for attempt in range(100):
        ice.request(check(), victim, attempt * 0.01)
    assert ice.selected is first
    assert victim.kinds().count(stun.BINDING_REQUEST) <= 3


def test_a_forged_answer_proves_nothing() -> None:
    first, second = FakePath(1), FakePath(2)
    ice = connected(first)
    ice.request(check(), second, 1.0)
    forged = stun.parse(stun.success(second.sent[-1], ("198.51.100.1", 5349), "x" * 24))
    assert forged is not None
    assert not ice.response(forged, second, 1.1)
    foreign = stun.parse(stun.success(check(), ("198.51.100.1", 5349), THEIR_PWD))
    assert foreign is not None
    assert not ice.response(foreign, second, 1.1)
    assert ice.selected is first


def test_checks_on_a_spare_path_change_nothing_while_the_used_one_lives() -> None:
    first, spare = FakePath(1), FakePath(2)
    ice = connected(first)
    for second in range(1, 20):
        ice.request(check(nominate=False), first, float(second))
        ice.request(check(nominate=False), spare, second + 0.5)
    assert ice.selected is first
    assert stun.BINDING_REQUEST not in spare.kinds()


def test_a_peer_whose_path_fell_silent_is_followed_without_being_asked_to() -> None:
    first, second = FakePath(1), FakePath(2)
    ice = connected(first)
    ice.request(check(nominate=False), second, 10.0)
    assert answer(ice, second, 10.1)
    assert ice.selected is second


def test_a_peer_is_followed_to_where_its_media_comes_from() -> None:
    first, second = FakePath(1), FakePath(2)
    ice = connected(first)
    ice.request(check(nominate=False), second, 1.0)
    ice.heard(second, 1.1)
    assert answer(ice, second, 1.2)
    assert ice.selected is second


def test_a_tcp_connection_needs_no_further_proof() -> None:
    first, second = FakePath(1), FakePath(2, proven=True)
    ice = connected(first)
    ice.request(check(), second, 1.0)
    assert ice.selected is second


def test_one_peer_cannot_collect_addresses_without_end() -> None:
    ice = connected(FakePath(0))
    answers = [ice.request(check(), FakePath(port), 1.0) for port in range(1, 50)]
    assert answers.count(None) == MAX_PATHS - 1
    assert set(answers) == {None, "too_many_paths"}


def test_old_paths_make_room_for_new_ones() -> None:
    ice = connected(FakePath(0))
    paths = [FakePath(port) for port in range(1, 30)]
    for number, path in enumerate(paths):
        assert ice.request(check(), path, 1.0 + number * 40) is None


def test_a_closed_connection_is_not_used_any_more() -> None:
    path = FakePath(1, proven=True)
    ice = connected(path)
    ice.forget(path)
    assert ice.selected is None
    again = FakePath(2, proven=True)
    ice.request(check(nominate=False), again, 1.0)
    assert ice.selected is again


# --- what checks may cost ---


def test_checks_beyond_their_budget_are_not_answered() -> None:
    path = FakePath(1)
    ice = connected(path)
    answers = [ice.request(check(), path, 0.0) for _ in range(1000)]
    assert answers == [None] * 149 + ["stun_too_much"] * 851
    later = [ice.request(check(), path, 1.0) for _ in range(100)]
    assert later == [None] * 50 + ["stun_too_much"] * 50
    assert path.kinds() == [stun.BINDING_SUCCESS] * 200


def test_forged_checks_do_not_use_up_the_peers_budget() -> None:
    path, forged = FakePath(1), check(pwd="x" * 24)
    ice = connected(path)
    for second in range(1, 4):
        for _ in range(15_000):
            assert ice.request(forged, path, float(second)) == "stun_integrity"
        assert ice.request(check(), path, float(second)) is None


def test_forged_checks_are_looked_at_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    path, forged = FakePath(1), check(pwd="x" * 24)
    ice, looked_at = connected(path), list[str]()

    def signed_with(message: stun.StunMessage, password: str) -> bool:
        looked_at.append(password)
        return False

    monkeypatch.setattr(stun.StunMessage, "signed_with", signed_with)
    for _ in range(21_000):
        assert ice.request(forged, path, 0.0) == "stun_integrity"
    assert len(looked_at) == 20_000


def test_a_peer_that_hops_between_its_paths_is_not_followed_every_time() -> None:
    """Each move lays out anew whom all of the next tick goes to."""
    paths = [FakePath(1, proven=True), FakePath(2, proven=True)]
    ice = connected(paths[0])
    assert ice.request(check(nominate=False), paths[1], 0.0) is None
    moves = 0
    for turn in range(1000):
        before = ice.selected
        ice.heard(paths[turn % 2], turn * 0.01)
        moves += ice.selected is not before
    assert moves <= 8 + 10 // 2
    ice.heard(paths[0], 20.0)
    ice.heard(paths[1], 22.0)
    assert ice.selected is paths[1]
