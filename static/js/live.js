/**
 * The page's link to the panel and the sign of it in the top bar: live, reconnecting, stale since when.
 */

import { signIn } from "app/api";
import { write } from "app/element";
import { clock } from "app/figures";
import { go, reload } from "app/leaving";
import { Link } from "app/link";

const WORDS = { connecting: "connecting", live: "live", reconnecting: "reconnecting", off: "not live" };

/**
 * @param {string} path
 * @param {{hello?: () => object[], message: (frame: any) => void, gone?: () => void}} handlers
 */
export function live(path, { hello = () => [], message, gone = () => go("/servers/") }) {
  const link = new Link(path, {
    hello,
    message,
    state: show,
    ended: (reason) => {
      if (reason === "signed-out") signIn();
      else if (reason === "gone") gone();
      else if (reason === "refused") reload(); // the role is another, and so is the page
    },
  });
  addEventListener("online", () => link.hurry());
  addEventListener("pagehide", () => link.stop());
  addEventListener("pageshow", (event) => event.persisted && location.reload());
  document.addEventListener("visibilitychange", () => document.hidden || link.hurry());
  link.start();
  return link;
}

function show(state, heard) {
  const sign = /** @type {HTMLElement} */ (document.querySelector("[data-live-state]"));
  if (!sign) return;
  sign.hidden = false;
  sign.dataset.liveState = state;
  document.documentElement.dataset.live = state;
  const since = clock(new Date(heard).toISOString()).slice(0, 8);
  write(sign.querySelector("[data-live-word]"), state === "stale" ? `stale since ${since}` : WORDS[state]);
}
