// A log that follows along until its reader scrolls back, and a button that leads to the newest.

const NEAR_PX = 48;

export class Following {
  #log;
  #button;
  #is = true;
  #size = "";

  /**
   * `parts`: whatever in the log grows by itself.
   * @param {HTMLElement} log
   * @param {HTMLElement} button
   * @param {Iterable<Element>} parts
   */
  constructor(log, button, parts = []) {
    this.#log = log;
    this.#button = button;
    log.addEventListener("scroll", () => this.#look());
    button.addEventListener("click", () => {
      this.follow();
      log.focus({ preventScroll: true });
    });
    // also when the keyboard of a phone takes its place, when a hidden log is seen, letters grow
    const watch = new ResizeObserver(() => this.keepUp());
    for (const part of [log, ...parts]) watch.observe(part);
  }

  /** Something new is in the log. */
  keepUp() {
    if (this.#is) this.follow();
  }

  follow() {
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#size = this.#sizeNow();
    this.#is = true;
    this.#button.hidden = true;
  }

  #look() {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    if (clientHeight === 0) return; // hidden: nobody scrolled
    // bigger words move the log, too: that was not its reader
    if (this.#is && this.#sizeNow() !== this.#size) return this.follow();
    this.#is = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    this.#button.hidden = this.#is;
  }

  #sizeNow() {
    return `${this.#log.scrollHeight} ${this.#log.clientHeight}`;
  }
}
