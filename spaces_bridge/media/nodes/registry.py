"""The nodes that are known: each link belongs to one, and each node's worker to the cluster."""

import hashlib
import logging
import re
from dataclasses import dataclass
from functools import partial
from typing import Final

from spaces_bridge.media import messages
from spaces_bridge.media.cluster_relays import AWAY_FROM_HOME, ClusterRelays
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.messages import PROTOCOL
from spaces_bridge.media.nodes import limits
from spaces_bridge.media.nodes.channels import LinkMessage
from spaces_bridge.media.nodes.checks import checked
from spaces_bridge.media.nodes.messages import (
    NODE_PROTOCOL,
    NodeGreeting,
    NodeLeaving,
    NodeMessage,
    NodeRefusal,
    NodeWelcome,
    SfuClientLost,
)
from spaces_bridge.media.nodes.signed_peer_ids import SignedPeerIds
from spaces_bridge.media.nodes.socket import NodeSocket
from spaces_bridge.media.nodes.supervisor import RemoteSupervisor
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.sfu_client import messages as sfu
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.media.supervision import OnAttached, OnMessage

log = logging.getLogger(__name__)

IDENTITY_MIN: Final = 32
"""Characters of a node's secret by which it is known again."""
_LINK_LOST: Final = "the connection to its media node is lost"
_NOT_IN_NAMES: Final = re.compile(r"[^A-Za-z0-9._-]+")


class NodeRefusedError(Exception):
    """The node is not let in; the text is for its admin."""


@dataclass(slots=True, eq=False)
class Node:
    """A node: its name among all, the supervision of its worker, and its link if there is one."""

    name: str
    supervisor: RemoteSupervisor
    stage: WorkerStage
    relays: WorkerRelays
    link: NodeSocket | None = None


class MediaNodes:
    """The nodes of a bridge. `key` signs the ids of their peers, and is the bridge's alone."""

    def __init__(self, stage: ClusterStage, relays: ClusterRelays, key: bytes) -> None:
        self._stage, self._relays, self._key = stage, relays, key
        self._nodes: dict[str, Node] = {}
        stage.attend_nodes(self._home_moved, self._forgotten, relays.is_in_room)

    def close(self) -> None:
        """End all links, as the bridge stops; the nodes look for the next one."""
        for node in self._nodes.values():
            if node.link is not None:
                node.link.end()

    def attach(self, greeting: NodeGreeting, link: NodeSocket) -> Node:
        """Take up a node's link; it takes the place of an earlier one. Raises NodeRefusedError."""
        _refuse_version(greeting)
        if len(greeting.identity) < IDENTITY_MIN or len(greeting.identity) > limits.LONGEST_ID:
            raise NodeRefusedError(
                "This node's identity is too short or too long. Delete node.id in its "
                "--runtime-dir and start it again."
            )
        identity = hashlib.sha256(greeting.identity.encode()).hexdigest()
        node = self._nodes.get(identity)
        if node is None and len(self._nodes) >= limits.MOST_NODES:
            raise NodeRefusedError(
                f"There are {limits.MOST_NODES} nodes already. End one, or wait until those that "
                "are gone are forgotten (media.orphan_grace_s)."
            )
        if node is None:
            node = self._made(identity, greeting)
        link.send(NodeWelcome(node.name))
        node.link = link
        node.supervisor.connected(link)
        node.relays.lost(_LINK_LOST)
        log.info("the media node %s is connected", node.name)
        return node

    def heard(self, node: Node, link: NodeSocket, message: LinkMessage) -> None:
        """Take a message of a node's link. Raises BadMessage."""
        if node.link is not link:
            return
        if isinstance(message, NodeLeaving):
            log.info("the media node %s ends", node.name)
            self._stage.lose_node(node.name)
        elif isinstance(message, SfuClientLost):
            node.relays.lost()
        elif isinstance(message, NodeMessage | messages.MediaMessage):
            node.supervisor.heard(link, message)
        elif isinstance(message, sfu.FromSfuClient):
            node.relays.heard(checked(message))

    def lost(self, node: Node, link: NodeSocket) -> None:
        """Note that a link has ended, and with it nobody knows which messages.

        The node's rooms are joined anew when it is back and says that its SFU client is there.
        """
        if node.link is not link:
            return
        node.link = None
        node.supervisor.lost(link)
        node.relays.lost(_LINK_LOST)
        log.warning("the connection to the media node %s is lost", node.name)

    def _made(self, identity: str, greeting: NodeGreeting) -> Node:
        name = self._free_name(greeting.name)
        names = SignedPeerIds(self._key, identity)
        supervisors: list[RemoteSupervisor] = []

        def supervise(on_message: OnMessage, on_attached: OnAttached) -> RemoteSupervisor:
            is_on_air = self._stage.is_on_air
            made = RemoteSupervisor(names, may_stay, is_on_air, on_message, on_attached)
            supervisors.append(made)
            return made

        def may_stay(seat: messages.PeerSeat) -> bool:
            return stage.knows(seat.peer) or self._stage.may_stay(seat)

        stage = WorkerStage(supervise, new_peer=names.new)
        relays = WorkerRelays(partial(self._send_sfu, identity), stage.room_sounds, node=name)
        node = self._nodes[identity] = Node(name, supervisors[0], stage, relays)
        self._relays.add(name, relays)
        self._stage.add_node(name, stage)
        return node

    def _send_sfu(self, identity: str, message: sfu.ToSfuClient) -> None:
        node = self._nodes.get(identity)
        if node is not None and node.link is not None:
            node.link.send(message)

    def _free_name(self, wanted: str) -> str:
        """Return a name that no other node has, of letters that are safe everywhere."""
        plain = _NOT_IN_NAMES.sub("-", wanted[: limits.LONGEST_NAME]).strip("-") or "node"
        taken = {AWAY_FROM_HOME, *(node.name for node in self._nodes.values())}
        numbered = (f"{plain}-{number}" for number in range(2, limits.MOST_NODES + 2))
        return next(name for name in (plain, *numbered) if name not in taken)

    def _home_moved(self, before: str | None, now: str) -> None:
        for node in self._nodes.values():
            node.supervisor.be_home(node.name == now)
        self._relays.move_home(now)

    def _forgotten(self, name: str) -> None:
        for identity, node in list(self._nodes.items()):
            if node.name == name:
                del self._nodes[identity]
                self._relays.remove(name)
                if node.link is not None:
                    node.link.send(NodeRefusal("The node was away for too long."))
                    node.link.end()


def _refuse_version(greeting: NodeGreeting) -> None:
    if (greeting.protocol, greeting.media) != (NODE_PROTOCOL, PROTOCOL):
        raise NodeRefusedError(
            "Bridge and node are of different versions. Install the bridge's version here, too."
        )
