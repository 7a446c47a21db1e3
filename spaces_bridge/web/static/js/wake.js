// The screen stays on while somebody speaks or reads along: browsers let go of it when hidden.

export class WakeLock {
  #wanted = false;
  #lock = null;

  constructor() {
    document.addEventListener("visibilitychange", () => this.#take());
  }

  /** Whether the screen is to stay on, from now on. Where that cannot be, nothing happens. */
  keep(wanted) {
    this.#wanted = wanted;
    if (wanted) return this.#take();
    this.#lock?.release().catch(() => {});
    this.#lock = null;
  }

  async #take() {
    if (!this.#wanted || document.hidden || !("wakeLock" in navigator)) return;
    if (this.#lock !== null && !this.#lock.released) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (this.#wanted) this.#lock = lock;
      else await lock.release();
    } catch {
      // low battery, or not allowed in this frame
    }
  }
}
