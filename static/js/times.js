/**
 * Times in the reader's zone: the server writes them in UTC, for it does not know where he sits. "5 s ago" goes on counting.
 */

import { write } from "app/element";
import { ago, clock, duration, moment } from "app/figures";

/** Bring every time on the page (or in a part of it) up to date. */
export function localise(root = document) {
  for (const time of all(root, "time[data-moment]")) write(time, moment(time.dateTime));
  for (const time of all(root, "time[data-clock]")) if (time.dateTime) write(time, clock(time.dateTime));
  tick(root);
}

/** Only what changes with the clock. */
export function tick(root = document) {
  for (const time of all(root, "time[data-ago]")) write(time, ago(seconds(time.dateTime)));
}

/** "1 h 1 min" since then. */
export function since(at) {
  return duration(seconds(at));
}

export function seconds(at) {
  return (Date.now() - Date.parse(at)) / 1000;
}

/** @returns {NodeListOf<HTMLTimeElement>} */
function all(root, selector) {
  return root.querySelectorAll(selector);
}
