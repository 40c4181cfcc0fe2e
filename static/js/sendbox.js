/**
 * The box that sends bytes to connected clients: text with escapes or hex, to one or all; arrows bring back what was sent before.
 */

import { call, sentence } from "app/api";
import { fromEscapes, fromHex } from "app/bytes";
import { element, write } from "app/element";
import { Recall } from "app/recall";
import { visibleText } from "app/visible";

const SOON = 250; // milliseconds: connections open and close in bursts

export class SendBox {
  /**
   * @param {HTMLFormElement} form
   * @param {{name: string, isDatagram: boolean}} how
   */
  constructor(form, { name, isDatagram }) {
    this.form = form;
    this.path = `/servers/${encodeURIComponent(name)}`;
    this.isDatagram = isDatagram;
    this.data = /** @type {HTMLInputElement} */ (form.querySelector("[data-data]"));
    this.to = /** @type {HTMLSelectElement} */ (form.querySelector("[data-to]"));
    this.peer = /** @type {HTMLInputElement | null} */ (form.querySelector("[data-peer]")); // an address not heard of before
    this.elsewhere = form.querySelector("[data-elsewhere]");
    this.encoding = /** @type {HTMLSelectElement} */ (form.querySelector("[data-encoding]"));
    this.memory = `sent:${name}`;
    this.recall = new Recall(JSON.parse(sessionStorage.getItem(this.memory) ?? "[]"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.data.addEventListener("keydown", (event) => this.#key(event));
    this.data.addEventListener("input", () => this.#problem(""));
    this.encoding.addEventListener("change", () => {
      this.data.placeholder = this.encoding.value === "hex" ? "Send: hex, such as 48 65 6c 6c 6f" : "Send: text with \\r \\n \\t \\xNN";
      this.#problem("");
    });
    this.to.addEventListener("focus", () => this.refresh());
    this.to.addEventListener("change", () => this.to.value === "peer" && this.peer.focus());
    this.peer?.addEventListener("input", () => this.#problem(""));
  }

  /** The same as `refresh`, once for many openings and closings in a row. */
  refreshSoon() {
    this.asked ??= setTimeout(() => {
      this.asked = undefined;
      this.refresh();
    }, SOON);
  }

  /** Who can be sent to now. */
  async refresh() {
    const { body } = await call("GET", `${this.path}/connections?limit=100`).catch(() => ({ body: null }));
    if (!body) return;
    const chosen = this.to.value;
    const peers = body.connections.filter((connection) => this.isDatagram || !connection.closed_at);
    this.to.replaceChildren(
      element("option", { value: "all" }, peers.length > 1 ? `to all ${peers.length}` : "to all"),
      ...peers.map(({ number, peer }) => element("option", { value: String(number) }, `to #${number} ${visibleText(peer)}`)),
      ...(this.elsewhere ? [this.elsewhere] : []),
    );
    this.to.value = chosen;
    if (!this.to.value) this.to.value = "all";
  }

  async #send() {
    const text = this.data.value;
    const encoding = this.encoding.value;
    try {
      const bytes = encoding === "hex" ? fromHex(text) : fromEscapes(text);
      if (!bytes.length && !this.isDatagram) throw new Error("There is nothing to send: type something.");
      await call("POST", `${this.path}/send`, { data: text, encoding, ...this.#receiver() });
    } catch (error) {
      this.#problem(sentence(error));
      return;
    }
    this.recall.add(text);
    sessionStorage.setItem(this.memory, JSON.stringify(this.recall.entries));
    this.data.value = "";
    this.#problem("");
  }

  #receiver() {
    const to = this.to.value;
    if (to === "peer") return { peer: this.peer.value.trim() };
    return { connection: to === "all" ? "all" : Number(to) };
  }

  #key(event) {
    const move = { ArrowUp: () => this.recall.back(this.data.value), ArrowDown: () => this.recall.forth() }[event.key];
    const text = move?.() ?? null;
    if (text === null) return;
    event.preventDefault();
    this.data.value = text;
  }

  #problem(text) {
    const place = /** @type {HTMLElement} */ (this.form.querySelector("[data-problem]"));
    place.hidden = !text;
    write(place, text);
    this.data.toggleAttribute("aria-invalid", Boolean(text));
    this.data.classList.toggle("is-invalid", Boolean(text));
  }
}
