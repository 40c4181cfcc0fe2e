/**
 * A terminal to look at: xterm.js in the page's colours, fitted to its place, with search. It takes no input, and is given nothing
 * but what `Colours` lets through.
 */

import { FitAddon } from "@xterm/addon-fit";
import { SearchAddon } from "@xterm/addon-search";
import { Terminal } from "@xterm/xterm";

const LINES = 10_000; // kept above the screen
const SCROLLS = { PageUp: (term) => term.scrollPages(-1), PageDown: (term) => term.scrollPages(1), Home: (term) => term.scrollToTop(), End: (term) => term.scrollToBottom() };
const ANSI = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];
const CONTRAST = 4.5; // whatever colours a command chose

allowStyles();

export class Screen {
  /**
   * @param {HTMLElement} place
   * @param {string} name for those who cannot see it
   */
  constructor(place, name) {
    this.place = place;
    this.terminal = new Terminal({
      allowProposedApi: true, // marks of what was found
      disableStdin: true,
      cursorStyle: "bar",
      cursorInactiveStyle: "none",
      scrollback: LINES,
      minimumContrastRatio: CONTRAST,
      fontFamily: getComputedStyle(document.documentElement).getPropertyValue("--font-code"),
      fontSize: 13,
      lineHeight: 1.25,
      theme: theme(),
    });
    this.fitting = new FitAddon();
    this.searching = new SearchAddon();
    this.terminal.loadAddon(this.fitting);
    this.terminal.loadAddon(this.searching);
    this.terminal.open(place);
    this.terminal.textarea.setAttribute("aria-label", name);
    this.terminal.textarea.readOnly = true;
    this.terminal.attachCustomKeyEventHandler((event) => this.#key(event));
    this.watching = new ResizeObserver(() => place.clientWidth && this.fitting.fit());
    this.watching.observe(place);
    this.fitting.fit();
    screens.add(this);
  }

  /**
   * @param {string} text that `Colours` made, or our own
   * @param {() => void} [shown] called once it is on the screen
   */
  write(text, shown) {
    this.terminal.write(text, shown);
  }

  clear() {
    this.terminal.reset();
  }

  /** What is selected, or all of it. */
  text() {
    if (this.terminal.hasSelection()) return this.terminal.getSelection();
    this.terminal.selectAll();
    const all = this.terminal.getSelection();
    this.terminal.clearSelection();
    return all.trimEnd();
  }

  /** Go to the next place with this text, or to the one before; whether there is one. */
  find(text, isBack = false) {
    if (!text) {
      this.searching.clearDecorations();
      this.terminal.clearSelection();
      return false;
    }
    const options = { decorations: { matchBackground: colour("--find"), activeMatchBackground: colour("--find-here"), matchOverviewRuler: colour("--find"), activeMatchColorOverviewRuler: colour("--find-here") } };
    return isBack ? this.searching.findPrevious(text, options) : this.searching.findNext(text, options);
  }

  recolour() {
    this.terminal.options.theme = theme();
  }

  close() {
    screens.delete(this);
    this.watching.disconnect();
    this.terminal.dispose();
  }

  /** Keys are the page's, but for those that scroll; what is selected is copied by the browser. */
  #key(event) {
    const scroll = SCROLLS[event.key];
    if (scroll && event.type === "keydown") {
      scroll(this.terminal);
      event.preventDefault();
    }
    return false;
  }
}

/** @type {Set<Screen>} */
const screens = new Set();
const recolour = () => screens.forEach((screen) => screen.recolour());
new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);

function theme() {
  const colours = Object.fromEntries(ANSI.flatMap((name) => [[name, colour(`--ansi-${name}`)], [`bright${name[0].toUpperCase()}${name.slice(1)}`, colour(`--ansi-${name}`)]]));
  return {
    ...colours,
    brightBlack: colour("--ink-soft"),
    magenta: colour("--mark"),
    brightMagenta: colour("--mark-ground"), // the ground of a mark
    background: colour("--screen"),
    foreground: colour("--ink"),
    cursor: colour("--screen"),
    selectionBackground: colour("--chosen"),
    scrollbarSliderBackground: colour("--line"),
    scrollbarSliderHoverBackground: colour("--line-strong"),
    scrollbarSliderActiveBackground: colour("--line-strong"),
    overviewRulerBorder: colour("--screen"),
  };
}

const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
const probe = document.createElement("i");

/** A colour of the style sheets, as #rrggbb: the terminal knows no other way to write one. */
function colour(name) {
  document.body.append(probe);
  probe.style.color = `var(${name})`;
  brush.fillStyle = getComputedStyle(probe).color;
  probe.remove();
  brush.fillRect(0, 0, 1, 1);
  return `#${Array.from(brush.getImageData(0, 0, 1, 1).data.slice(0, 3), (part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The page's policy lets in only styles with its nonce, and xterm.js makes <style> elements and style attributes without one: give
 * the elements the nonce, and set the attributes by the way that the policy has no word in. What it writes there are sizes and colours
 * of its own making.
 */
function allowStyles() {
  const { nonce } = /** @type {HTMLElement} */ (document.querySelector("script[nonce]"));
  const make = document.createElement;
  document.createElement = function createElement(/** @type {any} */ name, /** @type {any} */ options) {
    const made = make.call(document, name, options);
    if (made instanceof HTMLStyleElement) made.nonce = nonce;
    return made;
  };
  const set = Element.prototype.setAttribute;
  HTMLSpanElement.prototype.setAttribute = function setAttribute(name, value) {
    if (name === "style") this.style.cssText = value;
    else set.call(this, name, value);
  };
}
