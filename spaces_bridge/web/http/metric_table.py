"""Every number that `/metrics` serves: one table, from which docs/metrics.md is made, too.

The parts of the bridge hand over plain numbers by name; what they are called outside, and what
they mean, stands here alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class MetricKind(StrEnum):
    """The types of Prometheus that are used here."""

    GAUGE = "gauge"
    COUNTER = "counter"
    SUMMARY = "summary"
    """How many and how much in all; it comes from `NAME_count` and `NAME_sum`."""


@dataclass(frozen=True, slots=True)
class MetricRow:
    """One metric: `key` is the number's name in its source, and `scale` makes it the unit's.

    `worry` tells an admin when it is a bad sign; empty: never by itself.
    """

    name: str
    kind: MetricKind
    source: str
    key: str
    meaning: str
    worry: str = ""
    scale: float = 1.0
    label: str = ""

    @property
    def served(self) -> str:
        """The name as queries use it."""
        return f"{self.name}_total" if self.kind is MetricKind.COUNTER else self.name

    @property
    def keys(self) -> frozenset[str]:
        """The names of its numbers in their source."""
        if self.kind is MetricKind.SUMMARY:
            return frozenset({f"{self.key}_count", f"{self.key}_sum"})
        return frozenset({self.key})

    @property
    def unit(self) -> str:
        """The unit by the name's ending, as the conventions of Prometheus have it."""
        return next((u for u in ("seconds", "bytes") if self.name.endswith(f"_{u}")), "")


SOURCES: Final[Mapping[str, str]] = {
    "pages": "Live spaces and pages",
    "tasks": "Tasks of the bridge",
    "database": "Queues in the database",
    "media": "The media workers of this machine, all together",
    "workers": "Each media worker of this machine",
    "relays": "Rooms at LiveKit servers (only with `media.engine: livekit` or "
    "`livekit.remote_speakers: on`)",
    "nodes": "Media nodes",
    "plain_calls": "Plain calls",
    "calls": "Calls (only where `livekit.enabled` is on; the first five with "
    "`media.engine: embedded` alone)",
    "encryption": "Encrypted rooms (only where `encryption.enabled` is on)",
    "captions": "The caption worker (only where captions are on)",
}
"""The parts that hand over numbers, and their headings in docs/metrics.md."""

_GAUGE, _COUNTER, _SUMMARY = MetricKind.GAUGE, MetricKind.COUNTER, MetricKind.SUMMARY
_MS: Final = 0.001

METRICS: Final = (
    # --- pages
    MetricRow("spaces_live", _GAUGE, "pages", "live", "Live spaces that are live."),
    MetricRow("spaces_open_pages", _GAUGE, "pages", "open_pages", "Open pages."),
    MetricRow("spaces_listeners", _GAUGE, "pages", "listeners", "People who listen."),
    MetricRow(
        "spaces_listening_peers",
        _GAUGE,
        "pages",
        "listening_peers",
        "People who hear the sound, over WebRTC or HTTP.",
        "Far below `spaces_listeners` for minutes: people do not get at the sound.",
    ),
    MetricRow("spaces_speakers", _GAUGE, "pages", "speakers", "People with the floor."),
    MetricRow("spaces_on_air", _GAUGE, "pages", "on_air", "Open microphones."),
    MetricRow("spaces_raised_hands", _GAUGE, "pages", "raised_hands", "Raised hands."),
    # --- tasks
    MetricRow(
        "spaces_task_restarts",
        _COUNTER,
        "tasks",
        "restarts",
        "Parts of the bridge that failed and were started again.",
        "It grows: the log says why; please report it.",
        label="task",
    ),
    MetricRow(
        "spaces_tasks_failing",
        _GAUGE,
        "tasks",
        "failing",
        "Of them, those failing now.",
        "Above 0: `/ready` says which.",
    ),
    # --- database
    MetricRow(
        "spaces_outbox_pending",
        _GAUGE,
        "database",
        "outbox_pending",
        "Outbox tasks for the homeserver that wait, are due later, or are being tried.",
        "It grows for minutes: the homeserver is away or too slow.",
    ),
    MetricRow(
        "spaces_outbox_dead",
        _GAUGE,
        "database",
        "outbox_dead",
        "Outbox tasks that were given up, as the homeserver refused them for good.",
        "It grows: the log says what was refused.",
    ),
    MetricRow(
        "spaces_inbox_pending",
        _GAUGE,
        "database",
        "inbox_pending",
        "Events of the homeserver that were not handled yet.",
        "Above 0 for minutes: the bridge does not keep up, or the homeserver is away.",
    ),
    MetricRow(
        "spaces_inbox_dead",
        _GAUGE,
        "database",
        "inbox_dead",
        "Events that could not be handled and were put aside.",
        "It grows: that is a bug; please report it.",
    ),
    # --- media
    MetricRow(
        "spaces_media_worker_up",
        _GAUGE,
        "media",
        "worker_up",
        "1 while all media workers are there, 0 while one is not.",
        "0 for more than a few seconds: there is no sound.",
    ),
    MetricRow(
        "spaces_media_worker_restarts",
        _COUNTER,
        "media",
        "worker_restarts",
        "How often a media worker had to be replaced.",
        "It grows: the log says why; people heard a gap.",
    ),
    MetricRow("spaces_media_spaces", _GAUGE, "media", "spaces", "Live spaces it mixes."),
    MetricRow("spaces_media_listeners", _GAUGE, "media", "listeners", "Who listens by WebRTC."),
    MetricRow("spaces_media_speakers", _GAUGE, "media", "speakers", "Connected microphones."),
    MetricRow(
        "spaces_media_http_listeners",
        _GAUGE,
        "media",
        "http_listeners",
        "Streams of `live.ogg`.",
        "Near `web.http_listeners_max`: more are refused.",
    ),
    MetricRow("spaces_media_packets_in", _COUNTER, "media", "packets_in", "Datagrams received."),
    MetricRow("spaces_media_packets_out", _COUNTER, "media", "packets_out", "Datagrams sent."),
    MetricRow("spaces_media_in_bytes", _COUNTER, "media", "bytes_in", "Bytes received."),
    MetricRow(
        "spaces_media_out_bytes",
        _COUNTER,
        "media",
        "bytes_out",
        "Bytes sent.",
        "Its rate comes near what the line carries.",
    ),
    MetricRow(
        "spaces_media_call_peers",
        _GAUGE,
        "media",
        "call_peers",
        "Connections of clients in calls (Element Call, LiveKit).",
    ),
    MetricRow(
        "spaces_media_duplex_peers",
        _GAUGE,
        "media",
        "duplex_peers",
        "Connections of people who call the bot, ringing ones included.",
    ),
    MetricRow(
        "spaces_media_packets_forwarded",
        _COUNTER,
        "media",
        "packets_forwarded",
        "Speakers' packets sent on to clients in calls, each as often as it was sent.",
        "It grows by 50 a second for each pair of speaker and client; 150,000 fill a core.",
    ),
    MetricRow(
        "spaces_media_bytes_forwarded",
        _COUNTER,
        "media",
        "bytes_forwarded",
        "Bytes sent on to clients in calls.",
        "Its rate, with that of the bytes sent, comes near what the line carries.",
    ),
    MetricRow(
        "spaces_media_forward_dropped",
        _COUNTER,
        "media",
        "forward_dropped",
        "Packets for clients in calls that the system did not take, as its buffers were full.",
        "It grows: clients in calls hear gaps; see net.core.wmem_max, and the line.",
    ),
    MetricRow(
        "spaces_media_packets_dropped",
        _COUNTER,
        "media",
        "send_dropped",
        "Datagrams that the system did not take, as its buffers were full.",
        "It grows: listeners hear gaps; see net.core.wmem_max, and the line.",
    ),
    MetricRow(
        "spaces_media_packets_refused",
        _COUNTER,
        "media",
        "refused",
        "Input that was dropped: malformed, unsigned, or more than a peer may send.",
        "It grows by thousands a second: somebody floods the media port.",
    ),
    MetricRow(
        "spaces_media_gate_refused",
        _COUNTER,
        "media",
        "gate_refused",
        "Packets of voices that came to a shut gate and were dropped.",
        "Packets of muted people count, too: grave only with voices that nobody hears.",
    ),
    MetricRow(
        "spaces_media_tick_late_p99_seconds",
        _GAUGE,
        "media",
        "tick_late_p99_ms",
        "99 of 100 ticks of the mixer, every 20 ms, were at most so late in the last minute.",
        "Above 0.01: the machine is too busy; above 0.04 people hear it.",
        scale=_MS,
    ),
    MetricRow(
        "spaces_media_ticks_skipped",
        _COUNTER,
        "media",
        "ticks_skipped",
        "Ticks that were left out, as they came more than 100 ms late.",
        "It grows: everybody heard a gap.",
    ),
    MetricRow(
        "spaces_media_busy_share",
        _GAUGE,
        "media",
        "busy_share",
        "Share of the last second in which the media worker used a processor core.",
        "Above 0.85: it gives things up, see `spaces_overload_step`.",
    ),
    MetricRow(
        "spaces_overload_step",
        _GAUGE,
        "media",
        "overload_step",
        "What the media worker gives up, having too much to do: 0 nothing, 1 captions of "
        "unfinished sentences, 2 also the shortest delay, 3 also new listeners.",
        "Above 0 for minutes: the machine is too small, or others use it. At 3 new listeners "
        "hear `live.ogg`, some seconds later.",
    ),
    MetricRow(
        "spaces_overload_steps_up",
        _COUNTER,
        "media",
        "overload_changes",
        "How often it gave up one more thing.",
    ),
    MetricRow(
        "spaces_overload_refused",
        _COUNTER,
        "media",
        "crowded_out",
        "Listeners over WebRTC that were refused because of it.",
        "It grows: these people hear `live.ogg`, or nothing where that does not play.",
    ),
    MetricRow(
        "spaces_media_room_sound_dropped",
        _COUNTER,
        "media",
        "room_sound_dropped",
        "Pieces of sound between the media worker and LiveKit's rooms that were dropped.",
        "It grows for long: the process that joins LiveKit's rooms is down or too slow.",
    ),
    MetricRow(
        "spaces_media_relay_dropped",
        _COUNTER,
        "media",
        "relay_dropped",
        "Pieces of sound between this machine's media workers that could not be sent or read.",
        "It grows: a worker is being replaced, or the machine is too busy.",
    ),
    MetricRow(
        "spaces_media_relay_late",
        _COUNTER,
        "media",
        "relay_late",
        "Ticks of a mix from another worker that were left out, as they came too late.",
        "It grows: the machine is too busy, and people hear gaps.",
    ),
    MetricRow(
        "spaces_media_relay_missed",
        _COUNTER,
        "media",
        "relay_missed",
        "Ticks of a mix from another worker that never came.",
        "It grows without a worker being replaced: the worker that mixes is too busy.",
    ),
    # --- workers
    MetricRow(
        "spaces_media_each_worker_up",
        _GAUGE,
        "workers",
        "up",
        "1 while this media worker is there, 0 while it is not.",
        "0 for more than a few seconds: its listeners hear nothing.",
        label="worker",
    ),
    MetricRow(
        "spaces_media_each_worker_listeners",
        _GAUGE,
        "workers",
        "listeners",
        "Who listens by WebRTC at this worker.",
        label="worker",
    ),
    MetricRow(
        "spaces_media_each_worker_mixes",
        _GAUGE,
        "workers",
        "mixes",
        "Live spaces that this worker mixes.",
        label="worker",
    ),
    MetricRow(
        "spaces_media_each_worker_tick_late_p99_seconds",
        _GAUGE,
        "workers",
        "tick_late_p99_ms",
        "99 of 100 ticks of this worker were at most so late in the last minute.",
        "Above 0.01 at one alone: its core is full, and listeners are not spread.",
        scale=_MS,
        label="worker",
    ),
    MetricRow(
        "spaces_media_each_worker_busy_share",
        _GAUGE,
        "workers",
        "busy_share",
        "Share of the last second in which this worker used a processor core.",
        "Above 0.85: it gives things up.",
        label="worker",
    ),
    MetricRow(
        "spaces_media_each_worker_overload_step",
        _GAUGE,
        "workers",
        "overload_step",
        "What this worker gives up; the steps are those of `spaces_overload_step`.",
        "At 3 it takes no new listeners; they go to others, if there are any.",
        label="worker",
    ),
    # --- relays
    MetricRow(
        "spaces_media_sfu_client_up",
        _GAUGE,
        "relays",
        "client_up",
        "1 while the process that joins LiveKit's rooms for this machine's worker is there.",
        "0 for more than a few seconds: no sound comes from there, and none goes there.",
    ),
    MetricRow(
        "spaces_media_sfu_client_restarts",
        _COUNTER,
        "relays",
        "client_restarts",
        "How often that process had to be replaced.",
        "It grows: the log says why; people heard a gap.",
    ),
    MetricRow(
        "spaces_media_sfu_rooms",
        _GAUGE,
        "relays",
        "sfu_rooms",
        "Rooms that it is in, or joins.",
        "Below `spaces_live` for minutes with a LiveKit server: the log says why.",
    ),
    MetricRow(
        "spaces_media_sfu_tracks_taken",
        _GAUGE,
        "relays",
        "sfu_taken",
        "Microphones there whose sound it takes.",
    ),
    MetricRow(
        "spaces_media_sfu_speakers_published",
        _GAUGE,
        "relays",
        "sfu_published",
        "People who speak on the page and whom it publishes there.",
    ),
    MetricRow(
        "spaces_media_sfu_sound_dropped",
        _COUNTER,
        "relays",
        "sfu_sound_dropped",
        "Datagrams between it and the media worker that it could not send or read.",
        "It grows for long: the media worker is down or too slow.",
    ),
    # --- nodes
    MetricRow(
        "spaces_media_nodes",
        _GAUGE,
        "nodes",
        "connected",
        "Media nodes that are connected.",
        "Below the number that you run: the node's log says why.",
    ),
    MetricRow(
        "spaces_media_node_listeners",
        _GAUGE,
        "nodes",
        "listeners",
        "People who listen over a media node, by node.",
        label="node",
    ),
    MetricRow(
        "spaces_media_node_restarts",
        _COUNTER,
        "nodes",
        "restarts",
        "How often a media node had to replace its worker, since the node was started.",
        "It grows: the node's log says why; people there heard a gap.",
        label="node",
    ),
    MetricRow(
        "spaces_media_node_overload_step",
        _GAUGE,
        "nodes",
        "overload_step",
        "What a media node's worker gives up; the steps are those of `spaces_overload_step`.",
        "At 3 it takes no new listeners; they go to others, if there are any.",
        label="node",
    ),
    # --- plain calls
    MetricRow(
        "spaces_plain_calls",
        _GAUGE,
        "plain_calls",
        "on",
        "Plain calls (`m.call.*`) to and by the bot that are on.",
    ),
    MetricRow(
        "spaces_plain_calls_ended",
        _COUNTER,
        "plain_calls",
        "ended",
        "Plain calls that ended: `over` by the person, `left` by the bridge, `gone` without a "
        "word.",
        "`gone` grows fast: clients lose their way to the media port.",
        label="how",
    ),
    # --- calls
    MetricRow("spaces_calls", _GAUGE, "calls", "rooms", "Live spaces in whose call somebody is."),
    MetricRow(
        "spaces_call_participants",
        _GAUGE,
        "calls",
        "participants",
        "Clients in calls (Element Call, LiveKit); also those who may still come back.",
        "Far above `spaces_media_call_peers` for minutes: `media.port` cannot be reached.",
    ),
    MetricRow(
        "spaces_call_sessions_ended",
        _COUNTER,
        "calls",
        "ended",
        "Participations that ended, by why.",
        "`media_lost` grows: the sound was lost; `too_much`: somebody floods.",
        label="reason",
    ),
    MetricRow(
        "spaces_call_joins_refused",
        _COUNTER,
        "calls",
        "joins_refused",
        "Connections of clients that were not let in, by HTTP's status.",
        "`401` grows: a secret was changed, or somebody guesses; `429`: full, or a flood.",
        label="status",
    ),
    MetricRow(
        "spaces_call_messages_ignored",
        _COUNTER,
        "calls",
        "messages_ignored",
        "Messages of clients that could not be read, or that ask for what there is not here.",
        "It grows by hundreds a second: somebody sends garbage.",
    ),
    MetricRow(
        "spaces_call_tokens",
        _COUNTER,
        "calls",
        "tokens",
        "Tokens for calls that were given; one join takes up to four.",
        "It stands still while people try to join: see the next one.",
    ),
    MetricRow(
        "spaces_call_tokens_refused",
        _COUNTER,
        "calls",
        "tokens_refused",
        "Requests that the authoriser refused, by the code of the rule or Matrix's errcode.",
        "`M_UNAUTHORIZED`, `M_UNKNOWN` grow: homeservers do not say who holds a token.",
        label="reason",
    ),
    MetricRow(
        "spaces_call_delayed_leaves",
        _GAUGE,
        "calls",
        "leaves",
        "Delayed leaves that are put off while their people are in calls.",
    ),
    MetricRow(
        "spaces_call_delayed_leaves_failing",
        _GAUGE,
        "calls",
        "leaves_failing",
        "Of them, those whose homeserver did not answer.",
        "Above 0 for minutes: people leave the call in the room while they are in it.",
    ),
    MetricRow(
        "spaces_call_delayed_leaves_sent",
        _COUNTER,
        "calls",
        "leaves_sent",
        "Delayed leaves that were sent, as their people were gone.",
    ),
    # --- encryption
    MetricRow(
        "spaces_encryption_ready",
        _GAUGE,
        "encryption",
        "ready",
        "1 while the bot has its device and reads encrypted rooms.",
        "0 for minutes: the log says what the homeserver lacks.",
    ),
    MetricRow(
        "spaces_encrypted_events_read",
        _COUNTER,
        "encryption",
        "read",
        "Encrypted events that were read.",
    ),
    MetricRow(
        "spaces_encrypted_events_unreadable",
        _COUNTER,
        "encryption",
        "unreadable",
        "Encrypted events that could not be read when they came; the key of most comes later.",
        "It grows as fast as the events that were read.",
    ),
    MetricRow(
        "spaces_encrypted_events_waiting",
        _GAUGE,
        "encryption",
        "waiting",
        "Events that wait for a key.",
        "It only grows.",
    ),
    MetricRow(
        "spaces_encrypted_events_answered",
        _COUNTER,
        "encryption",
        "answered",
        "Answers that something could not be read.",
    ),
    MetricRow(
        "spaces_encrypted_events_sent",
        _COUNTER,
        "encryption",
        "sent",
        "Events that the bot encrypted, repeats included.",
    ),
    MetricRow(
        "spaces_room_keys_shared",
        _COUNTER,
        "encryption",
        "keys_shared",
        "Keys of rooms that devices were given.",
        "It grows much faster than events are sent: a crowd comes and goes.",
    ),
    MetricRow(
        "spaces_room_keys_withheld",
        _COUNTER,
        "encryption",
        "keys_withheld",
        "Devices that were told why they get no key.",
        "It grows: people cannot read the bot (`encryption.share_keys_with`).",
    ),
    MetricRow(
        "spaces_to_device_messages",
        _COUNTER,
        "encryption",
        "to_device",
        "To-device messages that came.",
    ),
    MetricRow(
        "spaces_to_device_messages_dropped",
        _COUNTER,
        "encryption",
        "to_device_dropped",
        "To-device messages of people who sent too many.",
        "It grows: somebody floods the bot.",
    ),
    MetricRow(
        "spaces_olm_sessions_broken",
        _COUNTER,
        "encryption",
        "broken_sessions",
        "To-device messages that fit no session.",
    ),
    MetricRow(
        "spaces_one_time_keys",
        _GAUGE,
        "encryption",
        "one_time_keys",
        "One-time keys of the bot at the homeserver.",
        "0 for minutes: nobody can begin a session but by the fallback key.",
    ),
    # --- captions
    MetricRow(
        "spaces_captions_worker_up",
        _GAUGE,
        "captions",
        "worker_up",
        "1 while the caption worker is ready, 0 while it is not.",
        "0 for more than a minute: nothing is captioned; the log says why.",
    ),
    MetricRow(
        "spaces_captions_worker_restarts",
        _COUNTER,
        "captions",
        "restarts",
        "How often the caption worker ended and was started again.",
        "It grows: the log says why. It may need more memory.",
    ),
    MetricRow(
        "spaces_captions_tracks",
        _GAUGE,
        "captions",
        "tracks",
        "Voices that are captioned, or whose last words are still being written down.",
    ),
    MetricRow(
        "spaces_captions_utterances",
        _COUNTER,
        "captions",
        "utterances",
        "Captions that were written.",
        "It stands still while people talk.",
    ),
    MetricRow(
        "spaces_captions_utterances_missed",
        _COUNTER,
        "captions",
        "missed_utterances",
        "Utterances that the worker gave up, as it had too much to do.",
        "It grows: the model is too large for this machine.",
    ),
    MetricRow(
        "spaces_captions_waiting_seconds",
        _GAUGE,
        "captions",
        "waiting_ms",
        "Sound that waits for the caption worker.",
        "Above 10 for long: captions come late; above 120 sound is dropped.",
        scale=_MS,
    ),
    MetricRow(
        "spaces_captions_dropped_seconds",
        _COUNTER,
        "captions",
        "dropped_ms",
        "Sound that was dropped and is in no caption.",
        "It grows: captions are incomplete; take a smaller model.",
        scale=_MS,
    ),
    MetricRow(
        "spaces_captions_latency_seconds",
        _SUMMARY,
        "captions",
        "latency_s",
        "From the end of an utterance, as it was spoken, to its caption.",
        "`rate(…_sum[5m]) / rate(…_count[5m])` above 5: captions come late.",
    ),
)

UP: Final = MetricRow(
    "spaces_metrics_source_up",
    _GAUGE,
    "",
    "",
    "1 where the numbers of a part could be read, 0 where not: they are left out then.",
    "0: `/ready` tells more.",
    label="source",
)


def keys_of(source: str) -> set[str]:
    """Return the names of all numbers that metrics take from this source."""
    return {key for row in METRICS if row.source == source for key in row.keys}
