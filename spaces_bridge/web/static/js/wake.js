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
    if (!this.#wanted || document.hidden || !isAllowed()) return;
    if (this.#lock !== null && !this.#lock.released) return;
    try {
      const lock = await navigator.wakeLock.request("screen");
      if (this.#wanted) this.#lock = lock;
      else await lock.release();
    } catch {
      // low battery, or not allowed
    }
  }
}

/** Clients that show the page in a frame need not allow it; asking would be an error in their logs. */
function isAllowed() {
  const policy = document.permissionsPolicy ?? document.featurePolicy;
  return "wakeLock" in navigator && policy?.allowsFeature("screen-wake-lock") !== false;
}

const screenLock = new WakeLock();
const reasons = new Set();

/** One more reason to stay on, or one less. */
export function stayAwake(reason, wanted) {
  if (reasons.has(reason) === wanted) return;
  if (wanted) reasons.add(reason);
  else reasons.delete(reason);
  screenLock.keep(reasons.size > 0);
}
