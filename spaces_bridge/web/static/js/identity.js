// Who is at this page: the token of a personal link, the session a guest was given, or what the
// Matrix client around the page vouches for.
//
// The token comes in the fragment, which browsers never send. It is taken out of the address bar
// at once, and kept for this tab only, so that a reload knows it.

const KEPT = "spaces:";

export class Identity {
  /** @param {string} slug */
  constructor(slug) {
    this.key = KEPT + slug;
    this.token = this.#fromFragment() ?? this.#stored();
    /** @type {string | null} */
    this.name = null;
    /** @type {Frames.OpenId | null} */
    this.openid = null;
  }

  /** The first frame of the feed. A Matrix client's word is good for one use. */
  introduce() {
    const { token, openid } = this;
    this.openid = null;
    return { token, name: token ? null : this.name, openid: token ? null : openid };
  }

  /** @param {string | null} session */
  remember(session) {
    if (session === null) return;
    this.token = session;
    this.#store(session);
  }

  forget() {
    this.token = null;
    this.#store(null);
  }

  #fromFragment() {
    const written = new URLSearchParams(location.hash.slice(1)).get("t");
    // a link copied out of a sentence ends with what stood behind it
    const token = written?.trim().replace(/[^\w-].*$/s, "");
    if (!token) return null;
    history.replaceState(null, "", location.pathname + location.search);
    this.#store(token);
    return token;
  }

  #stored() {
    try {
      return sessionStorage.getItem(this.key);
    } catch {
      return null; // storage is forbidden here: the page works, a reload forgets
    }
  }

  /** @param {string | null} token */
  #store(token) {
    try {
      if (token === null) sessionStorage.removeItem(this.key);
      else sessionStorage.setItem(this.key, token);
    } catch {
      // as above
    }
  }
}

/**
 * Who this tab was opened as, at whichever live space: first by the token in the address.
 *
 * @returns {Identity[]}
 */
export function knownIdentities() {
  const here = new Identity("");
  const others = keptSlugs().map((slug) => new Identity(slug));
  return [here, ...others].filter(({ token }) => token !== null);
}

function keptSlugs() {
  try {
    const keys = Object.keys(sessionStorage).filter((key) => key.startsWith(KEPT));
    return keys.map((key) => key.slice(KEPT.length)).filter((slug) => slug !== "");
  } catch {
    return []; // storage is forbidden here
  }
}
