/**
 * Copying: every element with data-copy copies that text when it is clicked, and says so where it stands.
 */

import { icon } from "app/element";
import { toast } from "app/toast";

const SHOWN = 1_200; // milliseconds

/** @param {string} text */
export async function copy(text, from = null) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) return toast("The browser does not let this page copy: select the text by hand.", "error");
  }
  if (from) confirm(from);
  return undefined;
}

/** Listen for clicks on the whole page. */
export function enable() {
  document.addEventListener("click", (event) => {
    const button = /** @type {Element} */ (event.target).closest("[data-copy]");
    if (button) copy(/** @type {HTMLElement} */ (button).dataset.copy, button);
  });
}

/** Without https on another machine there is no navigator.clipboard; the old way still works. */
function copyBySelection(text) {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const worked = document.execCommand("copy");
  area.remove();
  return worked;
}

function confirm(button) {
  if (button.classList.contains("is-copied")) return;
  const sign = document.createElement("span");
  sign.className = "copied";
  sign.setAttribute("role", "status");
  sign.append(icon("copied"), "copied");
  button.classList.add("is-copied");
  button.append(sign);
  setTimeout(() => {
    sign.remove();
    button.classList.remove("is-copied");
  }, SHOWN);
}
