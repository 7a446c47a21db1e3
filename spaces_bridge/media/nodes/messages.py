"""The messages of a node's link, beside the worker's and the SFU client's own; see `channels`.

The node dials, says `NodeGreeting`, and is answered with `NodeWelcome` or `NodeRefusal`. Then it
tells what its worker has (`WorkerAttached`), now and whenever the worker is another one. Of its
SFU client it says that it is there (`SfuClientReady`), with each link anew, or no longer.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from spaces_bridge.media.messages import Hello, PeerSeat

NODE_PROTOCOL = 1
"""The version of these messages, which must be the same on both sides."""


@dataclass(frozen=True, slots=True)
class NodeGreeting:
    """Who dials: `identity` is a secret of this machine's own, by which it is known again.

    `media` is the protocol of its worker.
    """

    protocol: int
    media: int
    identity: str = field(repr=False)
    name: str


@dataclass(frozen=True, slots=True)
class NodeWelcome:
    """The node is let in, under this name."""

    name: str


@dataclass(frozen=True, slots=True)
class NodeRefusal:
    """The node is not let in, or not any more; `text` is for its admin."""

    text: str


@dataclass(frozen=True, slots=True)
class WorkerAttached:
    """What the worker has; the node can have it go on with the `kept` peers of one that died.

    `restarts` counts the node's workers that had to be replaced.
    """

    hello: Hello
    kept: tuple[PeerSeat, ...]
    restarts: int


@dataclass(frozen=True, slots=True)
class SfuClientLost:
    """The node's SFU client has ended and is in no room; the next one says `SfuClientReady`."""


@dataclass(frozen=True, slots=True)
class BeHome:
    """Whether the node is home: levels, speakers' sound and the shared mix are wanted of it."""

    on: bool


@dataclass(frozen=True, slots=True)
class NodeLeaving:
    """The node ends, and with it all its peers."""


NodeMessage: TypeAlias = (
    NodeGreeting
    | NodeWelcome
    | NodeRefusal
    | WorkerAttached
    | SfuClientLost
    | BeHome
    | NodeLeaving
)
