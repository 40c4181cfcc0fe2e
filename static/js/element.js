/**
 * Building nodes. What comes from sockets gets in as text and in no other way.
 */

import { pieces } from "app/visible";

/**
 * @param {string} name
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** A copy of what stands in <template id="..."> : its first element. */
export function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  return /** @type {HTMLElement} */ (template.content.firstElementChild.cloneNode(true));
}

export function icon(name) {
  return copyOf(`icon-${name}`);
}

export function pill(state) {
  return copyOf(`pill-${state}`);
}

/**
 * Bytes as text nodes, what cannot be shown as itself in <span class="mark">.
 * @param {Uint8Array} bytes
 */
export function shown(bytes) {
  const fragment = document.createDocumentFragment();
  for (const piece of pieces(bytes)) {
    fragment.append(piece.mark ? element("span", { class: "mark" }, piece.text) : piece.text);
  }
  return fragment;
}

/** Write text only where it changes, so that nobody's selection is lost. */
export function write(node, text) {
  if (node && node.textContent !== text) node.textContent = text;
}
