/**
 * A part of the page, fetched anew from the server: for lists that change now and then. One shape of a row, and it is the template's.
 */

import { localise } from "app/times";

/** The page's policy takes markup from here alone: what comes from our own server, which escaped what is not ours. */
const trusted = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("sockpanel", { createHTML: (text) => text });

/**
 * Replace it where nobody is using it now.
 * @param {string} selector what to replace
 */
export async function refresh(selector) {
  const before = document.querySelector(selector);
  if (document.hidden || before.querySelector("details[open]") || before.contains(document.activeElement)) return;
  await renew(selector);
}

/**
 * Replace it whatever is done with it: what it shows has become wrong.
 * @param {string} selector
 */
export async function renew(selector) {
  const answer = await fetch(location.href, { headers: { "X-Part": "1" } }).catch(() => null); // notes are kept for a page
  if (!answer?.ok || answer.redirected) return;
  const text = await answer.text();
  const page = new DOMParser().parseFromString(trusted?.createHTML(text) ?? text, "text/html");
  const after = /** @type {any} */ (document.importNode(page.querySelector(selector), true));
  localise(after);
  document.querySelector(selector).replaceWith(after);
}

/** The same, at most once in `wait` milliseconds, however often it is asked for. */
export function seldom(selector, wait) {
  let timer;
  return () => {
    timer ??= setTimeout(async () => {
      await refresh(selector);
      timer = undefined;
    }, wait);
  };
}
