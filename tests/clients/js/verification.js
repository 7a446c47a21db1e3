// Verifying somebody by emoji, in their chat.
let request;
let sas;

function show(callbacks) {
  sas = callbacks;
}

export const verification = (client) => ({
  async verify(user, room) {
    sas = undefined;
    request = await client().getCrypto().requestVerificationDM(user, room);
  },
  // By to-device messages, to the one device that the person has
  async verifyDevice(user) {
    sas = undefined;
    const crypto = client().getCrypto();
    const devices = (await crypto.getUserDeviceInfo([user], true)).get(user);
    request = await crypto.requestDeviceVerification(user, [...devices.keys()][0]);
  },
  async startSas() {
    const verifier = await request.startVerification("m.sas.v1");
    verifier.on("show_sas", show);
    verifier.verify().catch(() => {});
  },
  followSas() {
    const { verifier } = request;
    verifier.on("show_sas", show);
    if (verifier.getShowSasCallbacks()) show(verifier.getShowSasCallbacks());
    verifier.verify().catch(() => {});
  },
  // 1 unsent, 2 requested, 3 ready, 4 started, 5 cancelled, 6 done
  verificationState: () => ({
    phase: request?.phase ?? 0,
    emoji: sas?.sas.emoji ?? null,
    decimal: sas?.sas.decimal ?? null,
    cancelled: request?.cancellationCode ?? "",
  }),
  // New cross-signing keys, as after "reset my identity"
  resetIdentity: ({ user, password }) => client().getCrypto().bootstrapCrossSigning({
    setupNewCrossSigning: true,
    authUploadDeviceSigningKeys: (upload) => upload({
      type: "m.login.password", identifier: { type: "m.id.user", user }, password,
    }),
  }),
  confirmSas: () => sas.confirm(),
  mismatchSas: () => sas.mismatch(),
});
