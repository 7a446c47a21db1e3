// Every sentence the script says, in one place.

export const words = {
  connecting: "Connecting…",
  reconnecting: "Reconnecting…",

  state: { live: "Live", scheduled: "Coming up", ended: "Ended" },
  listening: (count) => `${count} listening`,
  startsAt: (time) => `Starts ${time}`,
  startsSoon: "Starts soon. This page tells you when.",
  role: { host: "Host", cohost: "Co-host", speaker: "Speaker" },
  microphoneOff: "microphone off",

  listen: "Listen",
  stopListening: "Stop listening",
  listenAgain: "Tap to hear",
  soundConnecting: "Connecting the sound…",
  soundReconnecting: "The sound was interrupted. Reconnecting…",
  soundOverHttpSoon:
    "WebRTC found no way. Listening over plain HTTP instead: the browser first gathers some " +
    "seconds of sound…",
  soundOverHttp: "Listening over plain HTTP, some seconds behind.",
  soundBlocked: "Your browser holds the sound back until you tap.",
  soundImpossible:
    "The sound cannot reach this browser: WebRTC found no way, and it plays no Ogg Opus. " +
    "The captions go on; another browser or network may help.",

  ask: "Ask to speak",
  lowerHand: "Lower hand",
  stepDown: "Leave stage",
  nameEmpty: "Write a name with at least one letter.",
  aGuest: "A guest",
  you: "You",
  yourPlace: (place) => (place === 1 ? "You are next" : `You are number ${place}`),
  approved: "Getting the floor…",
  wantsToSpeak: "wants to speak",
  approve: "Let speak",
  deny: "Not now",
  approveName: (name) => `Let ${name} speak`,
  denyName: (name) => `Not now: ${name}`,
  demote: "Make listener",
  demoteName: (name) => `Make ${name} a listener again`,

  mutedTitle: "A host has muted you",
  mutedText: "Raise your hand to ask for your microphone.",
  invitedTitle: "You are invited to speak",
  invitedText: "If you accept, you get the floor. Nobody hears you before you turn on your microphone.",
  accept: "Accept",
  decline: "Decline",
  mutedByHost: "muted by a host",
  floorTitle: "You have the floor",
  floorOffered: "Nobody hears you yet. Turn on your microphone when you are ready.",
  floorMuted: "Your microphone is muted. Unmute when you want to be heard.",
  floorOnAir: "You are on air: everybody here hears you.",
  floorWaiting: "Your microphone connects…",
  microphoneOn: "Turn on microphone",
  mute: "Mute",
  unmute: "Unmute",
  microphoneDenied:
    "The browser was not allowed to use a microphone. Allow it for this page in the browser's " +
    "settings, then try again.",
  microphoneMissing: "No microphone was found. Connect one, then try again.",
  microphoneInsecure: "Browsers open microphones on https pages only. Open this page by https.",
  microphoneBusy: "Another program uses the microphone. End a call that has it, then try again.",
  microphoneNoWebRtc:
    "This browser cannot speak here: it has no WebRTC. Open the page in another browser to speak.",
  microphoneFailed: "The microphone found no way to the server. Try again, or another network.",

  start: "Go live",
  end: "End",
  endTitle: "End this live space for everybody?",
  endText: "The sound stops for all, and it cannot be started again.",
  endYes: "End for everybody",

  ended: "This live space has ended. Thank you for being here.",
  removedTitle: "You are not in here any more",
  guestsOffTitle: "For members only",
  lockedTitle: "Locked right now",
  missingTitle: "Nothing to see here",
};
