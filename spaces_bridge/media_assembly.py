"""The assembly of the sound: the worker of this machine, and those of media nodes."""

from dataclasses import dataclass
from pathlib import Path

from spaces_bridge.app.supervisor import TaskSupervisor
from spaces_bridge.config import Config
from spaces_bridge.media.cluster_relays import ClusterRelays
from spaces_bridge.media.cluster_stage import ClusterStage
from spaces_bridge.media.nodes.endpoint import NodeEndpoint
from spaces_bridge.media.nodes.peer_names import signing_key
from spaces_bridge.media.nodes.registry import MediaNodes
from spaces_bridge.media.options import MediaOptions
from spaces_bridge.media.stage import WorkerStage
from spaces_bridge.web.access.addresses import Addresses


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound: the stage, its workers' relays, and where media nodes dial, if they may."""

    stage: ClusterStage
    relays: ClusterRelays
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
    )


def sound_of(config: Config, tasks: TaskSupervisor) -> Sound:
    """Return the sound, which the bridge is to start."""
    media = config.media
    local = WorkerStage(media_options(config), tasks=tasks) if media.local_worker else None
    stage = ClusterStage(
        local, tasks, domain=config.homeserver.domain, keep_s=media.orphan_grace_s
    )
    relays = ClusterRelays()
    return Sound(stage, relays, _nodes(config, stage, relays))


def _nodes(config: Config, stage: ClusterStage, relays: ClusterRelays) -> NodeEndpoint | None:
    secret = config.media.node_secret.get_secret_value()
    if not secret:
        return None
    key = signing_key(config.appservice.as_token.get_secret_value())
    address_of = Addresses(tuple(map(str, config.web.trusted_proxies))).of
    return NodeEndpoint(secret, MediaNodes(stage, relays, key), address_of)
