// How loud a track is at this moment, for a level meter that asks as often as it draws.

const QUIETEST_DB = -60;

export class Meter {
  #track = null;
  #context = null;
  #analyser = null;
  #samples = null;

  /** Measure this track; null: nothing any more. */
  follow(track) {
    this.#track = track;
    this.#analyser = null;
    if (track === null) {
      this.#context?.close();
      this.#context = null;
    }
  }

  /** 0 (silence) to 1 (as loud as can be), in decibels between. Costs nothing until asked for. */
  get level() {
    if (this.#track === null || typeof AudioContext === "undefined") return 0;
    if (this.#analyser === null) this.#listen();
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let energy = 0;
    for (const sample of this.#samples) energy += sample * sample;
    const decibels = 10 * Math.log10(energy / this.#samples.length || 1e-12);
    return Math.min(1, Math.max(0, 1 - decibels / QUIETEST_DB));
  }

  #listen() {
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {});
    this.#analyser = new AnalyserNode(this.#context, { fftSize: 1024 });
    this.#samples = new Float32Array(this.#analyser.fftSize);
    const stream = new MediaStream([this.#track]);
    this.#context.createMediaStreamSource(stream).connect(this.#analyser);
  }
}
