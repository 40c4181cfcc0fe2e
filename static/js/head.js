/**
 * The head that all tabs of a server share: its state, address and buttons follow the server.
 */

import { write } from "app/element";
import { count } from "app/figures";
import { go } from "app/leaving";
import { countDown, explain, stand } from "app/standing";
import { toast } from "app/toast";

const NOTE_EVERY = 10_000; // milliseconds

const root = /** @type {HTMLElement} */ (document.querySelector("[data-server]"));

/** The server's name. */
export const name = root.dataset.server;

/** Where its frames come from. */
export const path = `/ws/servers/${encodeURIComponent(name)}/`;

/** Take in a frame of state or counters; others are left alone. */
export function take(frame) {
  if (frame.type === "state" && frame.server !== name) {
    go(location.pathname.replace(`/servers/${name}/`, `/servers/${encodeURIComponent(frame.server)}/`)); // the same tab of it
  }
  if (frame.type === "state") standing(frame);
  if (frame.type === "incident") note(frame);
  if (frame.type === "stats") {
    write(document.querySelector("[data-open-connections]"), count(frame.connections));
    write(document.querySelector("[data-loss]"), `${count(frame.last_seq)} message${frame.last_seq === 1 ? "" : "s"}`);
  }
}

let noted = -Infinity;

/** A refusal is told in a few words, seldom; all of them are on the tab Traffic. */
function note(frame) {
  if (performance.now() - noted < NOTE_EVERY) return;
  noted = performance.now();
  toast(frame.what, "warning");
}

export function state() {
  return root.dataset.state;
}

function standing(frame) {
  stand(root, frame);
  const trouble = /** @type {HTMLElement} */ (document.querySelector("[data-reason]"));
  explain(trouble, trouble.querySelector("[data-reason-text]"), frame);
  if (frame.state === "RUNNING") document.querySelectorAll("[data-warning-line]").forEach((line) => line.remove());
}

setInterval(() => countDown(root), 1_000);
