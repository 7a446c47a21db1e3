"""The assembly of the sound: the worker of this machine, and those of media nodes."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from spaces_bridge.app.errors import AdapterError
from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.config import Config
from spaces_bridge.media.cluster_relays import ClusterRelays
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.nodes.endpoint import NodeEndpoint
from spaces_bridge.media.nodes.registry import MediaNodes
from spaces_bridge.media.nodes.signed_peer_ids import signing_key
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.relays import WorkerRelays
from spaces_bridge.media.sfu_client.messages import ToSfuClient
from spaces_bridge.media.sfu_process import SfuClientProcess
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.web.access.addresses import Addresses


class LocalRelay:
    """The relay of this machine's worker, and the SFU client that does what it says."""

    def __init__(self, stage: WorkerStage, runtime_dir: Path, tasks: TaskSupervisor) -> None:
        self.relays = WorkerRelays(self._send, stage.room_sounds, tasks)
        self.client = SfuClientProcess(
            runtime_dir, on_message=self.relays.heard, on_lost=self.relays.lost, tasks=tasks
        )

    def start(self) -> None:
        """Start the client; the worker is there already."""
        self.client.start()

    async def stop(self) -> None:
        """End the client, which leaves its rooms."""
        self.relays.stop()
        await self.client.stop()

    async def check(self) -> None:
        """Part of the `Health` port."""
        if self.client.pid is None:
            raise AdapterError("No sound to and from LiveKit: the SFU client is being restarted.")

    def metrics(self) -> Mapping[str, float]:
        """Return the client's numbers of up to a second ago, and whether there is one."""
        return {
            **self.relays.numbers,
            "client_up": float(self.client.pid is not None),
            "client_restarts": float(self.client.restarts),
        }

    def _send(self, message: ToSfuClient) -> None:
        self.client.send(message)


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound: the stage, its workers' relays, and where media nodes dial, if they may.

    `relay` is what is to be started of the relays, if there is anything.
    """

    stage: ClusterStage
    relays: ClusterRelays
    relay: LocalRelay | None
    nodes: NodeEndpoint | None


def media_options(config: Config) -> MediaOptions:
    """Return the options of this machine's worker."""
    media = config.media
    return MediaOptions(
        addresses=tuple(str(address) for address in media.addresses),
        port=media.port,
        hostnames=tuple(str(address) for address in media.hostnames),
        runtime_dir=Path(media.runtime_dir),
        memory_limit_mb=media.memory_limit_mb,
        orphan_grace_s=media.orphan_grace_s,
        opus_bitrate=media.opus_bitrate,
        crowd_frame_ms=media.crowd_frame_ms,
        crowd_from=media.crowd_from,
    )


def sound_of(config: Config, tasks: TaskSupervisor, *, needs_relays: bool) -> Sound:
    """Return the sound, which the bridge is to start."""
    media = config.media
    local = WorkerStage(media_options(config), tasks=tasks) if media.local_worker else None
    stage = ClusterStage(
        local, tasks, domain=config.homeserver.domain, keep_s=media.orphan_grace_s
    )
    relay = None
    if local is not None and needs_relays:
        relay = LocalRelay(local, Path(media.runtime_dir), tasks)
    relays = ClusterRelays(
        relay.relays if relay is not None else None, url_for_nodes=config.node_sfu_url
    )
    return Sound(stage, relays, relay, _nodes(config, stage, relays))


def _nodes(config: Config, stage: ClusterStage, relays: ClusterRelays) -> NodeEndpoint | None:
    secret = config.media.node_secret.get_secret_value()
    if not secret:
        return None
    key = signing_key(config.appservice.as_token.get_secret_value())
    address_of = Addresses(tuple(map(str, config.web.trusted_proxies))).of
    return NodeEndpoint(secret, MediaNodes(stage, relays, key), address_of)
