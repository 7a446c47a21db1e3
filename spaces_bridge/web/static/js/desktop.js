// Notifications on the desktop, for who looks at something else. Asked for by a tap only.

/** Whether this browser has them here: not in other people's frames, and not on phones. */
export const mayNotify = () =>
  typeof Notification !== "undefined" && window.parent === window && !matchMedia("(pointer: coarse)").matches;

/** Ask for them; gives whether they are allowed. */
export async function askToNotify() {
  return (await Notification.requestPermission()) === "granted";
}

/**
 * One stands at a time; whoever looks at the page needs none.
 * @param {string} title
 * @param {string} body
 */
export function notify(title, body) {
  if (!mayNotify() || Notification.permission !== "granted" || document.hasFocus()) return;
  const notification = new Notification(title, { body, tag: "spaces-news" });
  notification.addEventListener("click", () => {
    window.focus();
    notification.close();
  });
}
