// How loud a track is at this moment, for a level meter that asks as often as it draws.

const QUIETEST_DB = -60;
const WINDOW = 1024;

export class Meter {
  /** @type {MediaStreamTrack | null} */
  #track = null;
  /** @type {AudioContext | null} */
  #context = null;
  /** @type {AnalyserNode | null} */
  #analyser = null;
  #samples = new Float32Array(WINDOW);

  /**
   * Measure this track; null: nothing any more.
   * @param {MediaStreamTrack | null} track
   */
  follow(track) {
    this.#track = track;
    this.#analyser = null;
    if (track === null) {
      void this.#context?.close();
      this.#context = null;
    }
  }

  /** 0 (silence) to 1 (as loud as can be), in decibels between. Costs nothing until asked for. */
  get level() {
    if (this.#track === null || typeof AudioContext === "undefined") return 0;
    this.#analyser ??= this.#listen(this.#track);
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let energy = 0;
    for (const sample of this.#samples) energy += sample * sample;
    const decibels = 10 * Math.log10(energy / this.#samples.length || 1e-12);
    return Math.min(1, Math.max(0, 1 - decibels / QUIETEST_DB));
  }

  /** @param {MediaStreamTrack} track */
  #listen(track) {
    this.#context ??= new AudioContext();
    this.#context.resume().catch(() => {});
    const analyser = new AnalyserNode(this.#context, { fftSize: WINDOW });
    this.#context.createMediaStreamSource(new MediaStream([track])).connect(analyser);
    return analyser;
  }
}
