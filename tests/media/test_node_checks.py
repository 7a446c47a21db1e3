"""What is taken of media nodes, and how one is started: no process, no network."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from spaces_bridge.core.ids import SpaceId, UserId
from spaces_bridge.media import messages
from spaces_bridge.media.messages import FromMediaWorker
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.channels import packed, unpacked
from spaces_bridge.media.nodes.checks import admitted, admitted_state, checked
from spaces_bridge.media.nodes.messages import BeHome, NodeGreeting, WorkerAttached
from spaces_bridge.media.nodes.options import parse
from spaces_bridge.media.nodes.signed_peer_ids import SignedPeerIds, signing_key
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.worker.values import PeerPhase, StreamDirection
from spaces_bridge.startup import ExitCode, StartUpError
from spaces_bridge.wire.messages import BadMessage

pytestmark = pytest.mark.unit

SPACE, OTHER_SPACE = SpaceId("one"), SpaceId("two")
HOST, EAR = UserId("@host:x"), UserId("@ear:x")
LISTEN, SPEAK = StreamDirection.LISTEN, StreamDirection.SPEAK
KEY = signing_key("a token")
OURS, OTHERS = SignedPeerIds(KEY, "node"), SignedPeerIds(KEY, "another")


# --- whose a peer is -----------------------------------------------------------------------------


def test_a_peers_id_is_good_for_one_person_on_one_node() -> None:
    peer = OURS.new(SPACE, EAR, LISTEN)
    assert OURS.are_of(peer, SPACE, EAR, LISTEN)
    assert not OURS.are_of(peer, OTHER_SPACE, EAR, LISTEN)
    assert not OURS.are_of(peer, SPACE, HOST, LISTEN)
    assert not OURS.are_of(peer, SPACE, EAR, SPEAK)
    assert not OTHERS.are_of(peer, SPACE, EAR, LISTEN)
    assert not SignedPeerIds(signing_key("another token"), "node").are_of(peer, SPACE, EAR, LISTEN)
    assert peer != OURS.new(SPACE, EAR, LISTEN)


@given(some.text(max_size=60))
def test_no_id_that_somebody_made_up_is_anybodys(peer: str) -> None:
    assert not OURS.are_of(peer, SPACE, EAR, LISTEN)


# --- what is taken of a worker's messages --------------------------------------------------------


def changed(peer: str, phase: PeerPhase = PeerPhase.CLOSED, reason: str = "") -> FromMediaWorker:
    return messages.PeerChanged(peer, SPACE, EAR, LISTEN, phase, reason)


def test_only_what_happens_to_a_nodes_own_peers_is_taken() -> None:
    own, alien = OURS.new(SPACE, EAR, LISTEN), OTHERS.new(SPACE, EAR, LISTEN)
    assert admitted(changed(own), OURS, is_home=False) == changed(own)
    assert admitted(changed(alien), OURS, is_home=True) is None
    long = admitted(changed(own, reason="x" * 10_000), OURS, is_home=False)
    assert isinstance(long, messages.PeerChanged)
    assert len(long.reason) == limits.LONGEST_TEXT


@pytest.mark.parametrize(
    "said",
    [
        messages.AudioLevels(SPACE, {HOST: 3}),
        messages.SoundGaps(SPACE, {HOST: 12}),
        messages.SpeakerAudio(SPACE, HOST, 0, b"\0\0"),
        messages.MixPacket(SPACE, 0, b"\0"),
    ],
)
def test_sound_and_levels_are_taken_of_the_home_node_alone(said: FromMediaWorker) -> None:
    assert admitted(said, OURS, is_home=True) == said
    assert admitted(said, OURS, is_home=False) is None


@pytest.mark.parametrize(
    "said",
    [
        messages.Hello(1, {}, ()),
        messages.Synced(),
        messages.Superseded(),
        messages.Record("peer", SPACE, EAR, LISTEN, b"keys"),
        messages.CallNegotiated(1, "peer", "", {}, 0, "", True, True),
        messages.ClosePeer("peer"),
    ],
)
def test_of_all_else_nothing_is_taken(said: messages.MediaMessage) -> None:
    assert admitted(said, OURS, is_home=True) is None


@pytest.mark.parametrize(
    "said",
    [
        messages.Answer(1, "x" * (limits.LONGEST_SDP + 1)),
        messages.AudioLevels(SPACE, {UserId(str(n)): 1 for n in range(limits.MOST_LEVELS + 1)}),
        messages.SoundGaps(SPACE, {UserId(str(n)): 1 for n in range(limits.MOST_LEVELS + 1)}),
        messages.SpeakerAudio(SPACE, HOST, 0, bytes(limits.MOST_PCM + 1)),
        messages.SpeakerAudio(SPACE, HOST, -1, b""),
        messages.SpeakerAudio(SPACE, UserId("@" * (limits.LONGEST_ID + 1)), 0, b"\0\0"),
        messages.MixPacket(SPACE, 0, bytes(limits.MOST_OPUS + 1)),
        messages.MixPacket(SPACE, -1, b""),
        messages.Stats({str(n): 0.0 for n in range(limits.MOST_NUMBERS + 1)}),
        messages.KeyPressed("peer", "A"),
        messages.KeyPressed("peer", "12"),
        messages.KeyPressed("peer", ""),
        messages.KeyPressed("p" * (limits.LONGEST_ID + 1), "1"),
        messages.PromptEnded("peer", "x" * (limits.LONGEST_NAME + 1)),
    ],
)
def test_what_no_worker_says_ends_the_link(said: FromMediaWorker) -> None:
    with pytest.raises(BadMessage):
        admitted(said, OURS, is_home=True)


@pytest.mark.parametrize(
    "said", [messages.KeyPressed("peer", "*"), messages.PromptEnded("peer", "welcome")]
)
def test_keys_and_ends_of_prompts_are_taken(said: FromMediaWorker) -> None:
    assert admitted(said, OURS, is_home=False) == said


def test_levels_are_within_their_range() -> None:
    said = admitted(messages.AudioLevels(SPACE, {HOST: -5, EAR: 500}), OURS, is_home=True)
    assert said == messages.AudioLevels(SPACE, {HOST: 0, EAR: 100})
    said = admitted(messages.SoundGaps(SPACE, {HOST: -5, EAR: 500}), OURS, is_home=True)
    assert said == messages.SoundGaps(SPACE, {HOST: 0, EAR: 100})


def test_of_a_workers_state_its_own_peers_are_taken_and_no_gates() -> None:
    def seat(peer: str, direction: StreamDirection = LISTEN) -> messages.PeerSeat:
        return messages.PeerSeat(peer, SPACE, EAR, direction, PeerPhase.CONNECTED, True, True)

    own, call = OURS.new(SPACE, EAR, LISTEN), OURS.new(SPACE, EAR, StreamDirection.CALL)
    seats = (seat(own), seat(call, StreamDirection.CALL), seat(OTHERS.new(SPACE, EAR, LISTEN)))
    state = admitted_state(
        WorkerAttached(messages.Hello(1, {SPACE: (HOST,)}, seats), seats, 2), OURS
    )
    assert [each.peer for each in state.hello.peers] == [own]
    assert [each.peer for each in state.kept] == [own]
    assert not state.hello.peers[0].speaks
    assert state.hello.gates == {SPACE: ()}


def test_an_sfu_clients_bounds_hold_on_nodes_too() -> None:
    assert checked(sfu.SfuPong(1)) == sfu.SfuPong(1)
    with pytest.raises(BadMessage):
        checked(sfu.SfuTracksTaken(SPACE, "home", 1, tuple(map(str, range(1000)))))


# --- channels ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "message",
    [BeHome(True), messages.AudioLevels(SPACE, {HOST: 3}), sfu.SfuPong(3)],
    ids=["node", "worker", "sfu client"],
)
def test_each_kind_of_message_has_its_channel(
    message: BeHome | messages.AudioLevels | sfu.SfuPong,
) -> None:
    assert unpacked(packed(message)) == message


@given(some.binary(max_size=200))
def test_generated_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        unpacked(data)


def test_no_secret_is_in_what_may_be_logged() -> None:
    assert "a secret" not in repr(NodeGreeting(1, 1, "a secret", "far"))


# --- the command line ----------------------------------------------------------------------------

NEEDED = ("--bridge", "https://spaces.example.org/spaces", "--address", "192.0.2.1")
SECRET: Mapping[str, str] = {"SPACES_NODE_SECRET": "s" * limits.SECRET_MIN}


def test_a_node_needs_an_address_a_bridge_and_a_secret(tmp_path: Path) -> None:
    options = parse(NEEDED, SECRET)
    assert options.url == "wss://spaces.example.org/spaces/media/node"
    assert options.media.addresses == ("192.0.2.1",)
    assert options.media.port == 29350
    assert SECRET["SPACES_NODE_SECRET"] not in repr(options)
    held = tmp_path / "secret"
    held.write_text(f"{'t' * limits.SECRET_MIN}\n")
    assert parse((*NEEDED, "--secret-file", str(held)), SECRET).secret == "t" * limits.SECRET_MIN
    assert parse(NEEDED, {"SPACES_NODE_SECRET_FILE": str(held)}).secret[0] == "t"


@pytest.mark.parametrize(
    ("arguments", "environ", "code", "word"),
    [
        (NEEDED[2:], SECRET, ExitCode.USAGE, "--bridge"),
        (NEEDED[:2], SECRET, ExitCode.USAGE, "--address"),
        (("--bridge", "spaces.example.org", *NEEDED[2:]), SECRET, ExitCode.USAGE, "https://"),
        ((*NEEDED[:2], "--address", "me.test"), SECRET, ExitCode.USAGE, "--address me.test: "),
        ((*NEEDED, "--hostname", "me.test"), SECRET, ExitCode.USAGE, "--hostname me.test: "),
        (NEEDED, {}, ExitCode.CONFIG_INVALID, "media.node_secret"),
        (NEEDED, {"SPACES_NODE_SECRET": "short"}, ExitCode.CONFIG_INVALID, "32"),
        ((*NEEDED, "--secret-file", "/nowhere"), {}, ExitCode.CONFIG_UNREADABLE, "/nowhere"),
    ],
)
def test_what_a_node_cannot_start_with_is_said(
    arguments: Sequence[str], environ: Mapping[str, str], code: ExitCode, word: str
) -> None:
    with pytest.raises(StartUpError, match=word) as refusal:
        parse(arguments, environ)
    assert refusal.value.code is code
