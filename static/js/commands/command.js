/**
 * One command's own page: what is kept of it is played again into a terminal, with its colours. Without script it is there as text.
 */

import { Pane } from "app/commands/pane";

const place = /** @type {HTMLElement} */ (document.querySelector("[data-panes]"));
const kept = /** @type {HTMLElement} */ (document.querySelector("[data-kept]"));
const { command: id, state, where } = place.dataset;

if (["done", "failed"].includes(state) && kept.querySelector("pre")) {
  const pane = new Pane({ key: where, name: where }, { ended: () => {}, closed: () => (kept.hidden = false), again: () => {} });
  place.append(pane.root);
  pane.open();
  pane.replay({ id: Number(id), line: document.querySelector("h1").textContent, shell: "shell" in place.dataset });
  kept.hidden = true;
}
