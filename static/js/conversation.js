/**
 * The conversation of one server: rows that follow the WebSocket, pause and resume, gaps that load, the row that is chosen.
 */

import { call, sentence } from "app/api";
import { write } from "app/element";
import { count } from "app/figures";
import { onKeys } from "app/keys";
import { createLine, drawLine, readLine } from "app/lines";
import { Rows, asRow } from "app/rows";
import { Stream } from "app/stream";
import { toast } from "app/toast";
import { VirtualList } from "app/vlist";

const PAGE = 500; // messages that one click or one reach for the top loads
const NEWEST = 200; // messages loaded when someone comes back to the end
const SAID_EVERY = 5_000; // milliseconds between two words to screen readers

export class Conversation {
  /**
   * @param {HTMLElement} root
   * @param {{name: string, chosen: (row: any) => void}} how
   */
  constructor(root, { name, chosen }) {
    this.root = root;
    this.path = `/servers/${encodeURIComponent(name)}`;
    this.onChosen = chosen;
    this.rows = new Rows();
    this.stream = new Stream(this.rows);
    this.isPaused = false;
    this.unseen = 0;
    this.said = 0;
    this.isLoading = false;
    this.hasOlder = Number(root.dataset.first) > 1;
    this.chosenSeq = 0;
    this.view = localStorage.getItem("view") ?? "text";
    this.scroller = /** @type {HTMLElement} */ (root.querySelector("[data-list]"));
    this.#begin();
  }

  /** The frames to say when the connection opens. */
  hello() {
    return this.stream.hello(performance.now());
  }

  /** A batch of messages came. */
  take(batch) {
    const taken = this.stream.take(batch, performance.now(), this.follows);
    if (!this.follows) this.#unseen(this.unseen + taken);
    this.received = (this.received ?? 0) + taken;
    this.#changed();
  }

  /** A connection opened or closed. */
  happened({ number, peer, event, at, seq, why }) {
    this.rows.addEvent({ sort: "event", place: seq + 0.5, number, peer, event, at, why: why ?? "" }, this.follows);
    this.#changed();
  }

  /** Called with the last number that is on the screen (or was passed over), once it is drawn. */
  acknowledge(ack) {
    this.ack = ack;
  }

  get follows() {
    return !this.isPaused && this.list.sticks;
  }

  /** Choose a row by its number; loads what is around it when it is not here. */
  async choose(seq) {
    if (this.rows.indexOf(seq) < 0) await this.#loadAround(seq);
    const index = this.rows.indexOf(seq);
    if (index < 0) return toast(`Message ${count(seq)} is not kept any more.`, "warning");
    this.#select(index);
    return undefined;
  }

  /** Where `sheet` lies over the list, scroll the page until the chosen row stands above it. */
  reveal(sheet) {
    const node = this.scroller.querySelector("[aria-selected]");
    if (!node || getComputedStyle(sheet).position !== "fixed") return;
    const over = node.getBoundingClientRect().bottom - sheet.getBoundingClientRect().top;
    if (over > 0) scrollBy({ top: over + node.clientHeight / 2 });
  }

  unchoose() {
    this.chosenSeq = 0;
    this.scroller.removeAttribute("aria-activedescendant");
    this.list.redraw();
  }

  #begin() {
    const canvas = /** @type {HTMLElement} */ (this.root.querySelector("[data-rows]"));
    this.rows.newest = Number(this.root.dataset.first) - 1;
    for (const node of /** @type {NodeListOf<HTMLElement>} */ (canvas.querySelectorAll(".entry"))) {
      const row = readLine(node);
      if (row.sort === "event") this.rows.addEvent(row);
      else this.rows.add([row], row.seq);
    }
    this.rows.newest = Math.max(this.rows.newest, Number(this.root.dataset.last));
    canvas.replaceChildren();
    this.root.classList.add("is-live");
    this.list = new VirtualList(this.scroller, canvas, {
      create: createLine,
      draw: (node, row) => drawLine(node, row, { view: this.view, chosen: this.chosenSeq }),
      item: (index) => this.rows.items[index],
      count: () => this.rows.length,
      rowHeight: () => parseFloat(getComputedStyle(this.root).getPropertyValue("--row")),
      moved: (isAtEnd) => this.#moved(isAtEnd),
      top: () => this.#loadOlder(),
    });
    this.rows.onInsert = (index, number) => this.list.shifted(index, number);
    this.#tools();
    this.#pointer();
    this.#keys();
    this.#showTools();
    this.list.draw();
  }

  /** Something is new: draw it, then say so to the server and now and then to screen readers. */
  #changed() {
    this.scroller.setAttribute("aria-rowcount", String(this.rows.length));
    /** @type {HTMLElement} */ (this.root.querySelector("[data-quiet]")).hidden = this.rows.length > 0;
    this.list.refresh();
    if (document.hidden) this.ack?.(this.rows.newest);
    else this.list.onDrawn = () => this.#drawn();
  }

  #drawn() {
    this.list.onDrawn = () => {};
    this.ack?.(this.rows.newest);
    const now = performance.now();
    if (!this.received || now - this.said < SAID_EVERY) return;
    write(this.root.querySelector("[data-said]"), `${count(this.received)} new messages`);
    this.received = 0;
    this.said = now;
  }

  #moved(isAtEnd) {
    if (isAtEnd && !this.isPaused) this.#resume();
    this.#showTools();
  }

  #unseen(number) {
    this.unseen = number;
    const chip = /** @type {HTMLElement} */ (this.root.querySelector("[data-newer]"));
    chip.hidden = number === 0;
    write(chip.querySelector("[data-newer-count]"), count(number));
  }

  pause() {
    this.isPaused = true;
    this.list.sticks = false;
    this.#showTools();
  }

  /** To the newest rows, and follow them. */
  resume() {
    this.isPaused = false;
    this.#resume();
    this.list.toEnd();
    this.#showTools();
  }

  async #resume() {
    this.#unseen(0);
    const gap = this.rows.tail;
    if (!gap) return;
    const page = await this.#load(`limit=${NEWEST}`);
    if (page) this.rows.fill(gap, page.messages.map(asRow));
    this.list.refresh();
  }

  #toggle() {
    if (this.isPaused || !this.list.sticks) this.resume();
    else this.pause();
  }

  #showTools() {
    const isPaused = this.isPaused || !this.list.sticks;
    const button = this.root.querySelector("[data-pause]");
    button.setAttribute("aria-pressed", String(isPaused));
    for (const part of /** @type {NodeListOf<HTMLElement>} */ (button.querySelectorAll("[data-when]"))) {
      part.hidden = (part.dataset.when === "paused") !== isPaused;
    }
    this.root.classList.toggle("is-paused", isPaused);
    for (const view of /** @type {NodeListOf<HTMLElement>} */ (this.root.querySelectorAll("[data-view]"))) {
      view.setAttribute("aria-pressed", String(view.dataset.view === this.view));
    }
  }

  #tools() {
    const find = (selector) => /** @type {HTMLElement} */ (this.root.querySelector(selector));
    for (const selector of ["[data-pause]", "[data-views]", "[data-clear]"]) find(selector).hidden = false;
    find("[data-pause]").addEventListener("click", () => this.#toggle());
    find("[data-newer]").addEventListener("click", () => this.resume());
    find("[data-clear]").addEventListener("click", () => {
      this.rows.clear();
      this.hasOlder = false; // what was cleared comes back with the page
      this.#unseen(0);
      this.#changed();
    });
    find("[data-views]").addEventListener("click", (event) => {
      const { view } = /** @type {HTMLElement} */ (event.target).dataset;
      if (!view) return;
      this.view = view;
      localStorage.setItem("view", view);
      this.#showTools();
      this.list.redraw();
    });
  }

  #pointer() {
    this.scroller.addEventListener("click", (event) => {
      const target = /** @type {Element} */ (event.target);
      const node = /** @type {HTMLElement} */ (target.closest(".entry"));
      if (!node || String(getSelection())) return;
      const row = [...this.list.drawn.values()].find((entry) => entry.node === node)?.item;
      if (target.closest("[data-load]")) this.#loadGap(row);
      else if (row?.sort === "message") this.#select(this.rows.indexOf(row.seq));
    });
  }

  #keys() {
    onKeys("j", () => this.#step(1));
    onKeys("k", () => this.#step(-1));
    onKeys("Space", () => this.#toggle());
    onKeys("End", () => this.resume());
    this.scroller.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.#step(step);
    });
  }

  /** To the next message in one direction, from the chosen one or from the end. */
  #step(step) {
    let index = this.chosenSeq ? this.rows.indexOf(this.chosenSeq) + step : this.rows.length - 1;
    while (this.rows.items[index] && this.rows.items[index].sort !== "message") index += step;
    if (this.rows.items[index]) this.#select(index);
  }

  #select(index) {
    const row = this.rows.items[index];
    if (row.sort !== "message") return;
    this.chosenSeq = row.seq;
    this.list.version += 1;
    this.list.show(index);
    this.list.draw();
    this.scroller.setAttribute("aria-activedescendant", `row-${row.seq}`);
    history.replaceState(null, "", `#${row.seq}`);
    this.#showTools();
    this.onChosen(row);
  }

  async #loadOlder() {
    const first = this.rows.first ?? this.rows.newest + 1;
    if (!this.hasOlder || this.isLoading || first <= 1) return;
    this.isLoading = true;
    const page = await this.#load(`before=${first}&limit=${PAGE}`);
    if (page) {
      this.hasOlder = page.more;
      this.rows.addOlder(page.messages.map(asRow));
      this.#changed();
    }
    this.isLoading = false;
  }

  async #loadGap(gap) {
    const page = await this.#load(`after=${gap.from - 1}&limit=${Math.min(PAGE, gap.to - gap.from + 1)}`);
    if (!page) return;
    const messages = page.messages.map(asRow);
    if (!messages.some((message) => message.seq <= gap.to)) toast("These messages are not kept any more.", "warning");
    this.rows.fill(gap, messages, true);
    this.#changed();
  }

  async #loadAround(seq) {
    const page = await this.#load(`after=${Math.max(0, seq - PAGE / 2)}&limit=${PAGE}`);
    if (!page?.messages.some((message) => message.seq === seq)) return;
    this.rows.addOlder(page.messages.map(asRow));
    this.hasOlder = true;
    this.#changed();
  }

  async #load(query) {
    try {
      return (await call("GET", `${this.path}/messages?${query}`)).body;
    } catch (error) {
      toast(sentence(error), "error");
      return null;
    }
  }
}
