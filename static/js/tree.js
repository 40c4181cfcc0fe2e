/**
 * JSON as a tree that folds. Everything is text; very large documents are cut, and say so.
 */

import { element } from "app/element";
import { visibleText } from "app/visible";

const NODES = 2_000;
const OPEN_TO = 2; // levels that are unfolded at first
const DEEPEST = 60;

/**
 * The document that these bytes are; undefined when they are no JSON object or list.
 * @param {string | null} text
 */
export function parse(text) {
  if (!text || !/^\s*[[{]/.test(text)) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @returns {HTMLElement} */
export function tree(value) {
  const left = { nodes: NODES };
  const root = element("div", { class: "tree code" }, branch(value, "", 0, left));
  if (left.nodes <= 0) root.append(element("p", { class: "tree-cut" }, "… more than 2,000 values: the text shows the rest"));
  return root;
}

function branch(value, name, depth, left) {
  left.nodes -= 1;
  const label = name ? [element("span", { class: "tree-name" }, name), ": "] : [];
  if (value === null || typeof value !== "object" || depth > DEEPEST) return element("div", { class: "tree-leaf" }, ...label, leaf(value));
  const entries = Object.entries(value);
  const isList = Array.isArray(value);
  const ends = isList ? `[${entries.length}]` : `{${entries.length}}`;
  if (!entries.length) return element("div", { class: "tree-leaf" }, ...label, isList ? "[]" : "{}");
  const node = element("details", depth < OPEN_TO ? { open: "" } : {}, element("summary", {}, ...label, element("span", { class: "tree-size" }, ends)));
  for (const [key, child] of entries) {
    if (left.nodes <= 0) break;
    node.append(branch(child, isList ? key : visibleText(JSON.stringify(key)), depth + 1, left));
  }
  return node;
}

function leaf(value) {
  const sort = value === null ? "null" : typeof value;
  return element("span", { class: `tree-${sort}` }, visibleText(JSON.stringify(value)));
}
