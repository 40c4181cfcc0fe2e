/**
 * Keys of the whole page. Typing in a field is left alone, but for Esc.
 */

import { Chords } from "app/chords";

const chords = new Chords();

/**
 * @param {string} keys
 * @param {() => void} action
 */
export function onKeys(keys, action) {
  chords.on(keys, action);
}

export function enable() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key !== "Escape" && isTyping(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    const key = event.key === " " ? "Space" : event.key;
    if (key === "Space" && /** @type {Element} */ (event.target).closest("button, summary, a, [role=button]")) return;
    const action = chords.press(key, event.timeStamp);
    if (!action) return;
    event.preventDefault();
    action();
  });
}

function isTyping(target) {
  if (target.closest("textarea, select, [contenteditable]")) return true;
  const input = target.closest("input");
  return Boolean(input) && !["checkbox", "radio", "button", "submit"].includes(input.type);
}
