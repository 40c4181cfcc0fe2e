/**
 * Short notes at the edge of the page. A failure stays until it is closed; the rest goes by itself. Text only.
 */

import { element, icon } from "app/element";
import { plainText } from "app/visible";

const STAYS = 5_000; // milliseconds

/**
 * @param {string} text
 * @param {"success" | "error" | "warning"} sort
 */
export function toast(text, sort = "success") {
  const note = element("p", { class: `note note-${sort}` }, icon(sort), element("span", {}, plainText(text)));
  document.querySelector("[data-toasts]").append(note);
  settle(note);
}

/** Give a note its closing button and, unless it tells a failure, its end. */
export function settle(note) {
  const button = element("button", { type: "button", class: "note-close", "aria-label": "Close" }, "×");
  button.addEventListener("click", () => note.remove());
  note.append(button);
  if (!note.classList.contains("note-error")) setTimeout(() => note.remove(), STAYS);
}
