// Writes down the sound of tracks, as 48 kHz mono, under names that its users choose.
window.ear = (() => {
  const RATE = 48000;
  const PROCESSOR = `
    registerProcessor("ear", class extends AudioWorkletProcessor {
      piece = new Int16Array(4800);
      filled = 0;
      process([[channel]]) {
        if (!channel) return true;
        for (const sample of channel) {
          this.piece[this.filled++] = Math.max(-32768, Math.min(32767, Math.round(sample * 32767)));
          if (this.filled === this.piece.length) {
            this.port.postMessage(this.piece);
            this.filled = 0;
          }
        }
        return true;
      }
    });`;
  const pieces = new Map();
  let context;
  let ready;

  async function hear(name, track) {
    context ??= new AudioContext({ sampleRate: RATE });
    ready ??= context.audioWorklet.addModule(
      URL.createObjectURL(new Blob([PROCESSOR], { type: "text/javascript" })));
    await ready;
    const stream = new MediaStream([track]);
    // Chromium decodes what a peer sends only for an element that plays it
    const player = new Audio();
    player.muted = true;
    player.srcObject = stream;
    player.play().catch(() => {});
    const worklet = new AudioWorkletNode(context, "ear", {
      channelCount: 1, channelCountMode: "explicit", outputChannelCount: [1],
    });
    if (!pieces.has(name)) pieces.set(name, []);
    worklet.port.onmessage = ({ data }) => pieces.get(name).push(data.slice());
    const source = context.createMediaStreamSource(stream);
    source.connect(worklet).connect(context.destination);
    const end = () => {
      worklet.port.onmessage = null;
      source.disconnect();
      worklet.disconnect();
      player.srcObject = null;
    };
    track.addEventListener("ended", end);
    return end;
  }

  // What was written down under a name since it was last asked for: base64 of int16, little-endian
  function taken(name) {
    const taken = pieces.get(name)?.splice(0) ?? [];
    let text = "";
    for (const piece of taken) {
      text += String.fromCharCode(...new Uint8Array(piece.buffer));
    }
    return btoa(text);
  }

  return { hear, taken, names: () => [...pieces.keys()] };
})();
