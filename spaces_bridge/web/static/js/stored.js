// Choices that this browser remembers. Where storage is forbidden, the page works and a reload forgets.

const PREFIX = "spaces:";

/**
 * A choice made here before, or null.
 * @param {string} name
 */
export function stored(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

/**
 * Remember a choice.
 *
 * @param {string} name
 * @param {string} value
 */
export function store(name, value) {
  try {
    localStorage.setItem(PREFIX + name, value);
  } catch {
    // forbidden here
  }
}
