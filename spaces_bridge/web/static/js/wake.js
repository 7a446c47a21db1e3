// The screen stays on while somebody speaks or reads along: browsers let go of it when hidden.

export class WakeLock {
  #wanted = false;
  /** @type {WakeLockSentinel | null} */
  #lock = null;

  constructor() {
    document.addEventListener("visibilitychange", () => void this.#take());
  }

  /**
   * Whether the screen is to stay on, from now on. Where that cannot be, nothing happens.
   * @param {boolean} wanted
   */
  keep(wanted) {
    this.#wanted = wanted;
    if (wanted) {
      void this.#take();
      return;
    }
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

/**
 * Not every browser has either.
 *
 * @typedef {{allowsFeature: (name: string) => boolean}} Policy
 * @typedef {{permissionsPolicy?: Policy, featurePolicy?: Policy}} Policies
 */

/** Clients that show the page in a frame need not allow it; asking would be an error in their logs. */
function isAllowed() {
  const { permissionsPolicy, featurePolicy } = /** @type {Document & Policies} */ (document);
  const policy = permissionsPolicy ?? featurePolicy;
  return "wakeLock" in navigator && policy?.allowsFeature("screen-wake-lock") !== false;
}

const screenLock = new WakeLock();
/** @type {Set<string>} */
const reasons = new Set();

/**
 * One more reason to stay on, or one less.
 * @param {string} reason
 * @param {boolean} wanted
 */
export function stayAwake(reason, wanted) {
  if (reasons.has(reason) === wanted) return;
  if (wanted) reasons.add(reason);
  else reasons.delete(reason);
  screenLock.keep(reasons.size > 0);
}
