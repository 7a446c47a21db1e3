// A tap counts for what the person aimed at. Where a button comes to stand, or gets another action,
// without their doing, it does nothing for a moment: the finger was on its way to what was there.

const SETTLES_MS = 600;
const ACTIVE = "button, a[href]";

/** @type {WeakMap<HTMLElement, number>} */
const timers = new WeakMap(); // button -> when it counts again

/** No tap or key of a person reaches what has not settled, whichever view it belongs to. */
export function keepAim() {
  addEventListener(
    "click",
    (event) => {
      if (!event.isTrusted || !(event.target instanceof Element)) return;
      if (!event.target.closest("[data-settling]")) return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
}

/**
 * Whether a button counts already.
 * @param {HTMLElement} button
 */
export const isSettled = (button) => button.dataset.settling === undefined;

/**
 * This has come under the finger.
 * @param {HTMLElement} button
 */
export function settle(button) {
  clearTimeout(timers.get(button));
  button.dataset.settling = "";
  timers.set(button, setTimeout(() => delete button.dataset.settling, SETTLES_MS));
}

/**
 * Change what is in `box`; what then stands in the place of something else settles.
 * @param {HTMLElement} box
 * @param {() => void} change
 */
export function settling(box, change) {
  const before = seenIn(box);
  change();
  seenIn(box).forEach((button, place) => {
    if (before[place] !== undefined && before[place] !== button) settle(button);
  });
}

/** @param {HTMLElement} box */
const seenIn = (box) => {
  const all = /** @type {NodeListOf<HTMLElement>} */ (box.querySelectorAll(ACTIVE));
  return [...all].filter((node) => !node.closest("[hidden]"));
};

/**
 * Show a button, or not; in the midst of others it settles.
 * @param {HTMLElement} button
 * @param {boolean} shown
 */
export function reveal(button, shown, { settles = true } = {}) {
  if (button.hidden === !shown) return;
  button.hidden = !shown;
  if (shown && settles) settle(button);
}
