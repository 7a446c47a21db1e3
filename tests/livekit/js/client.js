// LiveKit's SDK for JavaScript, driven from outside by window.client. It tells what happens by
// window.tell, see `Events` in tests/livekit/client.py.
import { DisconnectReason, Room, RoomEvent, Track } from "/livekit-client.mjs";

const ears = new Map();
let room;

function known(participant) {
  return {
    identity: participant.identity,
    sid: participant.sid,
    attributes: { ...participant.attributes },
    metadata: participant.metadata ?? "",
    tracks: [...participant.trackPublications.values()].map((track) => ({
      sid: track.trackSid,
      source: `SOURCE_${track.source.toUpperCase()}`,
      muted: track.isMuted,
    })),
  };
}

function listen(topics) {
  const tell = (kind, fields) => window.tell({ kind, ...fields });
  const ofTrack = (kind) => (publication, { identity }) =>
    tell(kind, { identity, sid: publication.trackSid });
  room
    .on(RoomEvent.Connected, () => tell("state", { state: "connected" }))
    .on(RoomEvent.Reconnecting, () => tell("state", { state: "reconnecting" }))
    .on(RoomEvent.SignalReconnecting, () => tell("state", { state: "reconnecting" }))
    .on(RoomEvent.Reconnected, () => tell("state", { state: "connected" }))
    .on(RoomEvent.Disconnected, (reason) =>
      tell("state", { state: "disconnected", reason: DisconnectReason[reason] ?? "" }))
    .on(RoomEvent.ParticipantConnected, ({ identity }) => tell("joined", { identity }))
    .on(RoomEvent.ParticipantDisconnected, ({ identity }) => tell("left", { identity }))
    .on(RoomEvent.TrackSubscribed, async (track, publication, { identity }) => {
      track.attach();
      if (track.kind === Track.Kind.Audio) {
        ears.set(publication.trackSid, await ear.hear(identity, track.mediaStreamTrack));
      }
      tell("track_subscribed", { identity, sid: publication.trackSid });
    })
    .on(RoomEvent.TrackUnsubscribed, (track, publication, { identity }) => {
      track.detach();
      ears.get(publication.trackSid)?.();
      tell("track_unsubscribed", { identity, sid: publication.trackSid });
    })
    .on(RoomEvent.TrackUnpublished, ofTrack("track_unpublished"))
    .on(RoomEvent.TrackMuted, ofTrack("track_muted"))
    .on(RoomEvent.TrackUnmuted, ofTrack("track_unmuted"))
    .on(RoomEvent.LocalTrackUnpublished, ({ trackSid }) =>
      tell("own_track_unpublished", { sid: trackSid }))
    .on(RoomEvent.ParticipantPermissionsChanged, (_before, { identity, permissions }) =>
      tell("permissions", {
        identity,
        can_publish: permissions.canPublish,
        can_publish_data: permissions.canPublishData,
        can_subscribe: permissions.canSubscribe,
      }))
    .on(RoomEvent.ParticipantAttributesChanged, (attributes, { identity }) =>
      tell("attributes", { identity, attributes }))
    .on(RoomEvent.ParticipantMetadataChanged, (_before, { identity, metadata }) =>
      tell("metadata", { identity, metadata: metadata ?? "" }));
  for (const topic of topics) {
    room.registerTextStreamHandler(topic, async (reader, { identity }) => {
      const { attributes } = reader.info;
      tell("text", { topic, sender: identity, text: await reader.readAll(),
        attributes: attributes ?? {} });
    });
  }
}

window.client = {
  async connect({ url, token, singleConnection, topics }) {
    room = new Room({ singlePeerConnection: singleConnection });
    listen(topics);
    await room.connect(url, token);
  },
  async publish(processed) {
    const publication = await room.localParticipant.setMicrophoneEnabled(true, {
      autoGainControl: processed, echoCancellation: processed, noiseSuppression: processed,
    });
    return publication.trackSid;
  },
  async mute(muted) {
    await room.localParticipant.setMicrophoneEnabled(!muted);
  },
  participants: () => [...room.remoteParticipants.values()].map(known),
  sendText: (topic, text) => room.localParticipant.sendText(text, { topic }).then(() => {}),
  disconnect: () => room.disconnect(),
};
