/**
 * One message in full: hex beside text with linked selection, the text, a tree when it is JSON; copying; who, when, how large.
 */

import { call, sentence } from "app/api";
import { asText, fromBase64, toBase64, toEscapes, toHex } from "app/bytes";
import { copy } from "app/clipboard";
import { element, shown, write } from "app/element";
import { clock, count, size, utc } from "app/figures";
import { foldedDump, foldedText } from "app/folded";
import { hexdump } from "app/hexdump";
import { toast } from "app/toast";
import { parse, tree } from "app/tree";
import { visibleText } from "app/visible";

const NARROW = 500; // pixels; below it a line of the dump has 8 bytes

export class Inspector {
  /**
   * @param {HTMLElement} root
   * @param {{name: string, closed: () => void}} how
   */
  constructor(root, { name, closed }) {
    this.root = root;
    this.pane = /** @type {HTMLElement} */ (root.querySelector("[data-inspect]"));
    this.path = `/servers/${encodeURIComponent(name)}`;
    this.onClosed = closed;
    this.view = localStorage.getItem("inspect") ?? "hex";
    this.row = null;
  }

  /** Show a message; what its row does not hold is asked for. */
  async show(row) {
    this.row = row;
    const bytes = row.whole ? fromBase64(row.head) : await this.#whole(row.seq);
    if (this.row !== row || !bytes) return;
    this.bytes = bytes;
    this.picked = null;
    this.json = parse(asText(bytes));
    this.#draw();
    this.#toggle(true);
  }

  close() {
    if (!this.row) return;
    this.row = null;
    this.#toggle(false);
    this.onClosed();
  }

  #toggle(isOpen) {
    this.pane.hidden = !isOpen;
    /** @type {HTMLElement} */ (this.root.querySelector("[data-try]")).hidden = isOpen;
    this.root.classList.toggle("is-open", isOpen);
  }

  async #whole(seq) {
    try {
      const { body } = await call("GET", `${this.path}/messages?after=${seq - 1}&limit=1`);
      if (body.messages[0]?.seq === seq) return fromBase64(body.messages[0].data);
      toast(`Message ${count(seq)} is not kept any more.`, "warning");
    } catch (error) {
      toast(sentence(error), "error");
    }
    return null;
  }

  #draw() {
    const views = { hex: "Hex", text: "Text", ...(this.json === undefined ? {} : { json: "JSON" }) };
    const view = this.view in views ? this.view : "hex";
    this.body = element("div", { class: "inspect-body" });
    this.pane.replaceChildren(this.#head(), this.#facts(), this.#bar(views, view), this.body);
    this.#drawBody(view);
  }

  #drawBody(view) {
    const draw = { hex: () => this.#hex(), text: () => this.#text(), json: () => tree(this.json) }[view];
    this.body.replaceChildren(this.bytes.length ? draw() : element("p", { class: "none" }, "It has no bytes: an empty datagram is a message too."));
  }

  #head() {
    const { seq, direction, connection } = this.row;
    const close = element("button", { type: "button", class: "bar-button", "aria-label": "Close the inspector", title: "Close (Esc)" }, "×");
    close.addEventListener("click", () => this.close());
    const link = element("a", { class: "code", href: `#${seq}`, title: "Permalink to this message" }, `#${seq}`);
    return element(
      "header", { class: "inspect-head" },
      element("h2", {}, "Message ", link),
      element("span", { class: `lane-${connection % 8} r-way` }, direction === "in" ? "→ in" : "← out"),
      element("span", { class: "grow" }),
      this.#copier("Link", () => location.href.replace(/#.*$/, `#${seq}`)),
      close,
    );
  }

  #facts() {
    const { at, peer, connection, direction, size: true_size, truncated, sentBy } = this.row;
    const facts = [
      ["Time", `${clock(at)} · ${utc(at)}`],
      [direction === "in" ? "From" : "To", `${visibleText(peer)} · connection ${connection}`],
      ["Size", `${count(true_size)} B${true_size >= 1024 ? ` (${size(true_size)})` : ""}`],
    ];
    if (sentBy) facts.push(["Sent by", visibleText(sentBy)]);
    if (truncated) facts.push(["Kept", kept(this.bytes)]);
    return element("dl", { class: "facts" }, ...facts.flatMap(([name, value]) => [element("dt", {}, name), element("dd", { class: "code" }, value)]));
  }

  #bar(views, current) {
    const tabs = element("div", { class: "switch", role: "group", "aria-label": "Show the message as" });
    for (const [view, word] of Object.entries(views)) {
      const button = element("button", { type: "button", "aria-pressed": String(view === current) }, word);
      button.addEventListener("click", () => {
        this.view = view;
        localStorage.setItem("inspect", view);
        for (const other of tabs.children) other.setAttribute("aria-pressed", String(other === button));
        this.#drawBody(view);
      });
      tabs.append(button);
    }
    const copiers = element(
      "div", { class: "copiers", role: "group", "aria-label": "Copy as" },
      element("span", { class: "copiers-word" }, "Copy"),
      this.#copier("text", () => asText(this.#selected()) ?? toEscapes(this.#selected())),
      this.#copier("hex", () => toHex(this.#selected())),
      this.#copier("base64", () => toBase64(this.#selected())),
    );
    return element("div", { class: "inspect-bar" }, tabs, copiers);
  }

  #copier(word, text) {
    const button = element("button", { type: "button", class: "btn btn-sm btn-ghost" }, word);
    button.addEventListener("click", () => copy(text(), button));
    return button;
  }

  /** The bytes picked in the hex view, or all of them. */
  #selected() {
    return this.picked ? this.bytes.subarray(this.picked[0], this.picked[1] + 1) : this.bytes;
  }

  #text() {
    const pre = element("pre", { class: "inspect-text code" });
    const put = (from, to) => pre.append(shown(this.bytes.subarray(from, to)));
    return foldedText(pre, this.bytes, put);
  }

  #hex() {
    const dump = element("div", { class: "dump code", tabindex: "0", "aria-label": "Bytes in hex, and beside them as text" });
    const status = element("p", { class: "dump-status code", role: "status" }, "Choose bytes with the pointer: their offset shows here.");
    const width = this.root.clientWidth < NARROW ? 8 : 16;
    const put = (from, to) => {
      for (const line of hexdump(this.bytes.subarray(from, to), width)) dump.append(dumpLine(line, from));
    };
    this.#picking(dump, status);
    const box = foldedDump(dump, this.bytes.length, put);
    box.append(status);
    return box;
  }

  /** Dragging over bytes or over their characters picks the same bytes. */
  #picking(dump, status) {
    let start = -1;
    const at = (event) => {
      const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-at]");
      return cell && dump.contains(cell) ? Number(/** @type {HTMLElement} */ (cell).dataset.at) : -1;
    };
    const pick = (event) => {
      const here = at(event);
      if (start < 0 || here < 0) return;
      this.picked = [Math.min(start, here), Math.max(start, here)];
      mark(dump, this.picked);
      write(status, picked(this.bytes, this.picked));
    };
    dump.addEventListener("pointerdown", (event) => {
      start = at(event);
      if (start >= 0) event.preventDefault();
      pick(event);
    });
    dump.addEventListener("pointermove", (event) => event.buttons && pick(event));
    dump.addEventListener("pointerover", (event) => hover(dump, /** @type {Element} */ (event.target)));
    addEventListener("pointerup", () => {
      start = -1;
    });
  }
}

function dumpLine(line, from) {
  const label = (line.offset + from).toString(16).padStart(4, "0");
  const pairs = element("span", { class: "dump-hex" });
  const chars = element("span", { class: "dump-text" });
  line.pairs.forEach((pair, index) => {
    const at = String(from + line.offset + index);
    pairs.append(element("i", { "data-at": at }, pair));
    chars.append(element("i", { "data-at": at }, line.chars[index]));
  });
  return element("div", { class: "dump-line" }, element("span", { class: "dump-offset" }, label), pairs, chars);
}

function mark(dump, ends) {
  const [from, to] = ends;
  for (const cell of /** @type {NodeListOf<HTMLElement>} */ (dump.querySelectorAll("[data-at]"))) {
    const at = Number(cell.dataset.at);
    cell.classList.toggle("is-picked", at >= from && at <= to);
  }
}

/** The byte under the pointer is marked on the other side too. */
function hover(dump, target) {
  const at = target.closest("[data-at]")?.getAttribute("data-at");
  for (const cell of dump.querySelectorAll(".is-under")) cell.classList.remove("is-under");
  if (at) for (const cell of dump.querySelectorAll(`[data-at="${at}"]`)) cell.classList.add("is-under");
}

/** "0x10–0x13 · 4 B · big-endian 305419896" */
function picked(bytes, ends) {
  const [from, to] = ends;
  const part = bytes.subarray(from, to + 1);
  const range = from === to ? `0x${from.toString(16)}` : `0x${from.toString(16)}–0x${to.toString(16)}`;
  const words = [range, `${count(part.length)} B`];
  if (part.length <= 8) {
    const big = [...part].reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
    const little = [...part].reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n);
    words.push(big === little ? `= ${big}` : `= ${big} big-endian, ${little} little-endian`);
  }
  return words.join(" · ");
}

/** @param {Uint8Array} bytes  Less than came. */
function kept(bytes) {
  if (new TextDecoder("latin1").decode(bytes).includes("[redacted]")) return `${count(bytes.length)} B: what opens this panel was taken out`;
  return `the first ${count(bytes.length)} B: the rest was not stored`;
}
