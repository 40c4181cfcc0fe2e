/**
 * Long bytes on a page: their beginning at first, the rest on demand. Drawn in slices, so that the page answers meanwhile.
 */

import { element, write } from "app/element";
import { count } from "app/figures";
import { wholeCharacters } from "app/visible";

const FOLD = 4 * 1024; // bytes shown at first
const STEP = 64 * 1024; // and with each slice or "more"

class Fold {
  constructor(length, put, whole) {
    this.length = length;
    this.put = put;
    this.whole = whole; // where a slice may end
    this.end = 0;
    this.slice(FOLD);
  }

  get isOver() {
    return this.end === this.length;
  }

  slice(most) {
    const to = this.end + most < this.length ? this.whole(this.end, this.end + most) : this.length;
    this.put(this.end, to);
    this.end = to;
  }

  box(node, more) {
    return element("div", {}, node, ...(this.isOver ? [] : [element("p", { class: "inspect-more" }, more)]));
  }
}

/**
 * As text: one click shows all of it.
 * @param {HTMLElement} node what `put` draws into
 * @param {Uint8Array} bytes
 * @param {(from: number, to: number) => void} put
 */
export function foldedText(node, bytes, put) {
  const fold = new Fold(bytes.length, put, (from, to) => from + wholeCharacters(bytes.subarray(from, to)).length);
  const more = button(`Show all ${count(bytes.length)} bytes`, () => {
    more.disabled = true;
    requestAnimationFrame(function next() {
      fold.slice(STEP);
      if (fold.isOver) more.parentElement.remove();
      else requestAnimationFrame(next);
    });
  });
  return fold.box(node, more);
}

/**
 * As a dump, whose every byte is a node or two: a click shows some more.
 * @param {HTMLElement} node
 * @param {number} length
 * @param {(from: number, to: number) => void} put
 */
export function foldedDump(node, length, put) {
  const fold = new Fold(length, put, (_from, to) => to);
  const words = () => `${count(length - fold.end)} more bytes`;
  const more = button(words(), () => {
    fold.slice(STEP);
    if (fold.isOver) more.parentElement.remove();
    else write(more, words());
  });
  return fold.box(node, more);
}

function button(words, clicked) {
  const made = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "btn btn-sm" }, words));
  made.addEventListener("click", clicked);
  return made;
}
