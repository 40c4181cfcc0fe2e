/**
 * What a command wrote, made harmless for a terminal: text and colours pass, everything else becomes a mark that can be read.
 * Escape sequences that move the cursor, set titles or links, ask for answers or change screens never reach the terminal. Bytes
 * may come cut anywhere. It knows no DOM and no terminal.
 *
 *     const colours = new Colours();
 *     colours.push(bytes of "\x1b[31mno\x1b]0;title\x07")  ->  "\x1b[0;31mno", the mark "\\x1b", "]0;title", the mark "\\x07"
 *     colours.end()                                        ->  what was held back as the beginning of something
 */

import { HIDDEN } from "app/visible";

const ESC = "\x1b";
const LONGEST = 64; // characters of a colour sequence; a longer one is none
const COLOUR = /^\x1b\[([0-9;:]*)m/; // eslint-disable-line no-control-regex
const BEGUN = /^\x1b(?:\[[0-9;:]*)?$/; // eslint-disable-line no-control-regex
const MARK = `${ESC}[0;35;105m`; // the terminal's colours have the page's look of a mark under these numbers
const NAMES = new Map([["\0", "\\0"], ["\r", "\\r"]]);
const SPECIAL = new RegExp(`[${HIDDEN.map(range).join("")}]`, "gu"); // every character that is not simply text

/** Attribute -> what it is about; the rest (blinking, concealing, fonts, frames) does not pass. */
const ABOUT = new Map([[1, "bold"], [2, "dim"], [3, "italic"], [4, "underline"], [7, "inverse"], [9, "strike"]]);
const ENDS = new Map([
  [22, ["bold", "dim"]], [23, ["italic"]], [24, ["underline"]], [27, ["inverse"]], [29, ["strike"]], [39, ["ink"]], [49, ["ground"]],
]);

export class Colours {
  /** @param {string} base attributes that all of the stream has, such as "31" */
  constructor(base = "") {
    this.base = base;
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    this.rest = ""; // the beginning of a sequence, or a CR whose LF may follow
    this.on = new Map(); // what it is about -> attribute
  }

  /** What puts a terminal into the state that this stream is in: two streams may write by turns. */
  get state() {
    return `${ESC}[${["0", this.base, ...this.on.values()].filter(Boolean).join(";")}m`;
  }

  /**
   * What a terminal may be given of the next bytes.
   * @param {Uint8Array} bytes
   */
  push(bytes) {
    return this.#harmless(this.decoder.decode(bytes, { stream: true }), false);
  }

  /** There is no more: what was held back. */
  end() {
    return this.#harmless(this.decoder.decode(), true);
  }

  #harmless(text, isLast) {
    const all = this.rest + text;
    const made = [];
    let done = 0;
    this.rest = "";
    SPECIAL.lastIndex = 0;
    for (let found = SPECIAL.exec(all); found; found = SPECIAL.exec(all)) {
      made.push(all.slice(done, found.index));
      const [shown, length] = this.#special(all, found.index, isLast);
      if (!length) {
        this.rest = all.slice(found.index);
        return made.join("");
      }
      made.push(shown);
      done = SPECIAL.lastIndex = found.index + length;
    }
    return made.join("") + all.slice(done);
  }

  /**
   * What stands for the character at `at`, and for how many it stands; 0: what follows must come first.
   * @returns {[string, number]}
   */
  #special(all, at, isLast) {
    const char = String.fromCodePoint(all.codePointAt(at));
    if (char === "\n") return ["\r\n", 1];
    if (char === "\t") return ["\t", 1];
    if (char === "\r") {
      if (at + 1 === all.length && !isLast) return ["", 0];
      if (all[at + 1] === "\n") return ["\r\n", 2];
    }
    if (char === ESC) {
      const part = all.slice(at, at + LONGEST);
      const found = COLOUR.exec(part);
      if (found) return [this.#colour(found[1]), found[0].length];
      if (!isLast && part.length < LONGEST && BEGUN.test(part)) return ["", 0];
    }
    return [this.#mark(named(char)), char.length];
  }

  #mark(text) {
    return MARK + text + this.state;
  }

  #colour(text) {
    for (const [about, attribute] of changes(text)) {
      if (about === "all") this.on.clear();
      else if (attribute) this.on.set(about, attribute);
      else this.on.delete(about);
    }
    return this.state;
  }
}

/**
 * What a colour sequence changes: [what about, attribute; empty: none].
 * @returns {string[][]}
 */
function changes(text) {
  const found = [];
  const parts = text.split(";");
  for (let at = 0; at < parts.length; at++) {
    const [code, sort] = parts[at].split(":").map(Number);
    if (code === 38 || code === 48 || code === 58) {
      const length = sort === undefined ? ({ 5: 3, 2: 5 }[Number(parts[at + 1])] ?? 1) : 1;
      const whole = parts.slice(at, at + length).join(";");
      at += length - 1;
      if (isColour(whole)) found.push([code === 38 ? "ink" : "ground", whole]);
    } else {
      found.push(...simple(code, sort));
    }
  }
  return found;
}

function simple(code, sort) {
  if (code === 4 && sort !== undefined) return [["underline", sort ? "4" : ""]];
  if (sort !== undefined) return [];
  if (code === 0) return [["all", ""]];
  if (ENDS.has(code)) return ENDS.get(code).map((about) => [about, ""]);
  if (ABOUT.has(code)) return [[ABOUT.get(code), String(code)]];
  const tens = Math.floor(code / 10);
  if (code % 10 > 7 || ![3, 4, 9, 10].includes(tens)) return [];
  return [[tens === 3 || tens === 9 ? "ink" : "ground", String(code)]];
}

/** 38;5;N, 38;2;R;G;B, 38:5:N or 38:2:SPACE:R:G:B, all of them whole. */
function isColour(text) {
  return /^[34]8([;:])(5\1\d{1,3}|2\1(\d{0,3}:)?\d{1,3}\1\d{1,3}\1\d{1,3})$/.test(text);
}

function named(char) {
  const code = char.codePointAt(0);
  if (code >= 0x80) return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
  return NAMES.get(char) ?? `\\x${code.toString(16).padStart(2, "0")}`;
}

/** @param {number[]} ends */
function range(ends) {
  return ends.map((code) => `\\u{${code.toString(16)}}`).join("-");
}
