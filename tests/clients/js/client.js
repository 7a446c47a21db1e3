// matrix-js-sdk with its rust crypto as a person's client, driven from outside by window.matrix; see
// tests/clients/sdk_client.py.
import * as sdk from "matrix-js-sdk";
import {
  AllDevicesIsolationMode,
  OnlySignedDevicesIsolationMode,
} from "matrix-js-sdk/lib/crypto-api/index.js";

import { calls, ring } from "./calls.js";
import { verification } from "./verification.js";

const KEPT = "session";
let client;

async function signIn({ homeserver, user, password, strict }) {
  const login = await sdk.createClient({ baseUrl: homeserver }).loginRequest({
    type: "m.login.password",
    identifier: { type: "m.id.user", user },
    password,
  });
  const session = {
    homeserver, user, strict, device: login.device_id, token: login.access_token,
  };
  localStorage.setItem(KEPT, JSON.stringify(session));
  await start(session);
  await client.getCrypto().bootstrapCrossSigning({
    authUploadDeviceSigningKeys: (upload) => upload({
      type: "m.login.password", identifier: { type: "m.id.user", user }, password,
    }),
  });
}

async function start({ homeserver, user, strict, device, token }) {
  client = sdk.createClient({
    baseUrl: homeserver, userId: user, deviceId: device, accessToken: token,
    verificationMethods: ["m.sas.v1"],
  });
  await client.initRustCrypto();
  client.getCrypto().setDeviceIsolationMode(
    strict ? new OnlySignedDevicesIsolationMode() : new AllDevicesIsolationMode(true));
  client.on("Call.incoming", ring);
  const ready = new Promise((resolve) => {
    client.on("sync", (state) => state === "PREPARED" && resolve());
  });
  await client.startClient({ initialSyncLimit: 200 });
  await ready;
}

// What a person sees of an event, with the shield beside it: 0 none, 1 grey, 2 red
async function shown(event) {
  const unreadable = event.isDecryptionFailure();
  const info = event.isEncrypted() && !unreadable && !event.isBeingDecrypted()
    ? await client.getCrypto().getEncryptionInfoForEvent(event) : null;
  return {
    event_id: event.getId(),
    sender: event.getSender(),
    type: event.getType(),
    state_key: event.getStateKey() ?? null,
    content: event.getContent(),
    relates_to: event.getWireContent()["m.relates_to"] ?? {},
    encrypted: event.isEncrypted(),
    pending: event.isBeingDecrypted() || event.status !== null,
    unreadable: unreadable ? String(event.decryptionFailureReason) : "",
    shield: info?.shieldColour ?? 0,
  };
}

async function until(isSo) {
  while (!await isSo()) await new Promise((resolve) => { setTimeout(resolve, 20); });
}

function events(room) {
  return client.getRoom(room)?.getLiveTimeline().getEvents() ?? [];
}

window.matrix = {
  signIn,
  resume: () => start(JSON.parse(localStorage.getItem(KEPT))),

  async openDm(user, encrypted) {
    const { room_id } = await client.createRoom({
      preset: "trusted_private_chat",
      is_direct: true,
      invite: [user],
      initial_state: encrypted ? [{
        type: "m.room.encryption", state_key: "", content: { algorithm: "m.megolm.v1.aes-sha2" },
      }] : [],
    });
    // whoever is not seen in the room yet gets no key
    await until(() => client.getRoom(room_id)?.getMember(user));
    if (encrypted) await until(() => client.getCrypto().isEncryptionEnabledInRoom(room_id));
    return room_id;
  },
  join: async (room) => (await client.joinRoom(room)).roomId,
  invites: () => client.getRooms().filter((room) => room.getMyMembership() === "invite")
    .map((room) => room.roomId),
  sendText: async (room, body) =>
    (await client.sendMessage(room, { msgtype: "m.text", body })).event_id,
  react: async (room, event, key) => (await client.sendEvent(room, "m.reaction", {
    "m.relates_to": { rel_type: "m.annotation", event_id: event, key },
  })).event_id,
  redact: async (room, event) => (await client.redactEvent(room, event)).event_id,
  timeline: (room) => Promise.all(events(room).map(shown)),
  isVerified: async (user) =>
    (await client.getCrypto().getUserVerificationStatus(user)).isVerified(),

  ...calls(() => client),
  ...verification(() => client),
};
