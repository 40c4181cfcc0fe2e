/**
 * Where a server stands, shown: its pill, its reason, which buttons make sense. The rows of the home page and the head of a
 * server's page have the same parts.
 */

import { pill, write } from "app/element";
import { seconds } from "app/times";
import { plainText, visibleText } from "app/visible";

const BUTTONS = {
  start: ["STOPPED", "EXITED", "FATAL", "BACKOFF"],
  stop: ["RUNNING", "STARTING", "BACKOFF"],
  restart: ["RUNNING"],
};
const UNWELL = ["FATAL", "BACKOFF", "EXITED"];

/**
 * Bring the parts inside of `root` up to date with a state frame.
 * @param {HTMLElement} root
 */
export function stand(root, frame) {
  if (root.dataset.state !== frame.state) root.querySelector("[data-pill]").replaceChildren(pill(frame.state));
  Object.assign(root.dataset, {
    state: frame.state,
    since: frame.since,
    retryAt: frame.retry_at ?? "",
    wanted: frame.wanted,
  });
  for (const [verb, states] of Object.entries(BUTTONS)) {
    const form = /** @type {HTMLElement} */ (root.querySelector(`[data-for=${verb}]`));
    if (form) form.hidden = !states.includes(frame.state);
  }
  const address = visibleText(frame.address);
  write(root.querySelector("[data-address]"), address);
  const button = /** @type {HTMLElement} */ (root.querySelector(".copy[data-copy]"));
  if (button) button.dataset.copy = address;
  countDown(root);
}

/** A server that waits for its next try says for how long. */
export function countDown(root) {
  const { state, retryAt } = root.dataset;
  if (state !== "BACKOFF") return;
  const left = retryAt ? Math.max(0, Math.ceil(-seconds(retryAt))) : 0;
  write(root.querySelector("[data-pill] [data-word]"), left ? `Retrying in ${left} s` : "Retrying");
}

/** The reason of a failure, in words, where the page has a place for it; not that of a start or stop as asked for. */
export function explain(place, text, frame) {
  const isUnwell = frame.state === "STOPPED" ? frame.wanted === "running" : UNWELL.includes(frame.state);
  const isWorth = Boolean(frame.reason) && isUnwell;
  place.hidden = !isWorth;
  if (isWorth) write(text, plainText(frame.reason));
}

/** Whether the page shows this reason at the server already. */
export function isExplained(name, reason) {
  const root = document.querySelector(`tr[data-name="${name}"], [data-server="${name}"]`);
  const place = /** @type {HTMLElement} */ (root?.querySelector("[data-reason]") ?? (root && document.querySelector(".trouble[data-reason]")));
  return Boolean(place?.checkVisibility()) && place.textContent.trim() === plainText(reason);
}
