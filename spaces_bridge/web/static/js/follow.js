// A log that follows along until its reader scrolls back, and a button that leads to the newest.

const NEAR_PX = 48;

export class Following {
  #log;
  #button;
  #is = true;

  constructor(log, button) {
    this.#log = log;
    this.#button = button;
    log.addEventListener("scroll", () => this.#look());
    button.addEventListener("click", () => {
      this.follow();
      log.focus({ preventScroll: true });
    });
    // also when the keyboard of a phone takes its place, and when a hidden log is seen
    new ResizeObserver(() => this.keepUp()).observe(log);
  }

  /** Something new is in the log. */
  keepUp() {
    if (this.#is) this.follow();
  }

  follow() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#is = true;
    this.#button.hidden = true;
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    if (clientHeight === 0) return; // hidden: nobody scrolled
    this.#is = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#button.hidden = this.#is;
  }
}
