// Links that hosts share: cards under the headline, and the sheet to share one.

import { settling } from "../aim.js";
import { byId, el, icon, keyed, setText } from "../dom.js";
import { outside, webAddress } from "../links.js";
import { say } from "../words.js";
import { openSheet, sayIn } from "./dialogs.js";

/** @import { Page } from "../page.js" */

const SHOWN = 5;

/** @type {Frames.Post[]} */
let posts = [];
let shared = false; // whether an address was sent that has not come back yet

/** @param {Page} page */
export function start(page) {
  page.on("hello", ({ space }) => put(space.posts));
  page.on("post", (post) => {
    if (posts.some(({ number }) => number === post.number)) return;
    put([...posts, post]);
    announce(post);
    arrived(page, post);
  });
  page.on("change", ({ space, you }) => {
    put(merged(space.posts));
    byId("share").hidden = !you.may_moderate || space.state !== "live";
  });
  startSharing(page);
}

/**
 * What `space` says may be older than the last `post`.
 * 
 * @param {Frames.Post[]} known
 */
const merged = (known) =>
  [...new Map([...posts, ...known].map((post) => [post.number, post])).values()].sort(
    (a, b) => a.number - b.number,
  );

/** @param {Frames.Post[]} all */
function put(all) {
  posts = all.slice(-SHOWN);
  const [newest, ...rest] = [...posts].reverse();
  /**
   * @param {"posts-newest" | "posts-rest"} id
   * @param {Frames.Post[]} some
   */
  const cards = (id, some) =>
    keyed(byId(id), some, (post) => String(post.number), () => el("li", { class: "card post" }), fillCard);
  settling(byId("posts-newest"), () => cards("posts-newest", newest ? [newest] : []));
  cards("posts-rest", rest);
  byId("posts").hidden = posts.length === 0;
  byId("posts-earlier").hidden = rest.length === 0;
  setText(byId("posts-more"), say("posts.earlier", { count: rest.length }));
}

/**
 * Filled once: a shared link does not change. The server's own cards have the whole address.
 * 
 * @param {HTMLElement} node
 * @param {Frames.Post} post
 */
function fillCard(node, post) {
  if (node.dataset.filled) return;
  node.dataset.filled = "yes";
  const url = webAddress(post.url);
  const isMessage = post.kind === "message";
  const words = isMessage ? say("posts.message") : shortOf(post, url);
  const link =
    url === null
      ? el("span", { class: "post-link", dir: "ltr" }, words)
      : outside(url, { class: "post-link card-link", dir: isMessage ? "auto" : "ltr" }, words);
  const by = el("span", { class: "post-by" }, ...sharedBy(post.name));
  node.replaceChildren(icon("link"), el("span", { class: "post-words" }, by, link));
}

/**
 * The sentence, its name isolated: it may be written from the other side.
 * 
 * @param {string} name
 */
function sharedBy(name) {
  const [before = "", after = ""] = say("posts.shared", { name: "\u0000" }).split("\u0000");
  return [before, el("bdi", {}, name), after];
}

/**
 * An address as people say it: where it leads, without what machines need.
 * 
 * @param {Frames.Post} post
 * @param {URL | null} url
 */
function shortOf(post, url) {
  if (url === null) return post.url;
  const path = `${url.pathname}${url.search}`.replace(/\/$/, "");
  const port = url.port ? `:${url.port}` : "";
  return `${(post.site || url.hostname).replace(/^www\./, "")}${port}${path}`;
}

/** @param {Frames.Post} post */
function announce(post) {
  const url = webAddress(post.url);
  const what = post.kind === "message" ? say("posts.message") : (post.site || url?.hostname || post.url);
  setText(byId("posts-said"), say("posts.announced", { name: post.name, what }));
}

// --- sharing one ------------------------------------------------------------------------------

/** @param {Page} page */
function startSharing(page) {
  const [dialog, field] = [byId("share-dialog"), byId("share-url")];
  byId("share").addEventListener("click", () => {
    setText(byId("share-error"), "");
    openSheet(dialog, field);
  });
  byId("share-form").addEventListener("submit", (event) => {
    event.preventDefault();
    share(page, field);
  });
  sayIn(page, dialog, { errors: byId("share-error") });
}

/**
 * @param {Page} page
 * @param {HTMLInputElement} field
 */
function share(page, field) {
  const typed = field.value.trim();
  const url = webAddress(typed) ? typed : `https://${typed}`;
  const sane = webAddress(url) && !/\s/.test(url) && (url === typed || /^[^:/?#]+\.[^:]+/.test(typed));
  if (!sane) {
    setText(byId("share-error"), say("posts.bad"));
    field.focus();
    return;
  }
  shared = page.ask({ type: "share", url });
  setText(byId("share-error"), shared ? "" : say("link.reconnecting"));
}

/**
 * @param {Page} page
 * @param {Frames.Post} post
 */
function arrived(page, post) {
  if (!shared || post.by !== page.now.you.id) return;
  shared = false;
  byId("share-url").value = "";
  byId("share-dialog").close();
}
