/**
 * A target's place on the page: its terminal, how its last command stands, and the buttons for it. Commands follow one another in
 * one terminal, as in a shell.
 */

import { ApiError, call, sentence } from "app/api";
import { copy } from "app/clipboard";
import { Colours } from "app/commands/colours";
import { Session } from "app/commands/session";
import { Screen } from "app/commands/terminal";
import { figures, outcome } from "app/commands/outcome";
import { copyOf, icon, write } from "app/element";
import { visibleText } from "app/visible";

const STDERR = "3;31"; // slanted and red: it can be told apart without the colour too
const SEEN = 160; // pixels of a pane that are enough to see that something happens there
const TICK = 100; // milliseconds between two looks at the clock

export class Pane {
  /**
   * @param {{key: string, name: string}} target
   * @param {{ended: (pane: Pane, command: any) => void, closed: (pane: Pane) => void,
   *   again: (line: string, isShell: boolean, pane: Pane) => void}} page
   */
  constructor(target, page) {
    this.target = target;
    this.page = page;
    this.root = copyOf("pane");
    this.root.setAttribute("aria-label", target.name);
    write(this.root.querySelector("[data-target]"), visibleText(target.name));
    this.isUsed = false;
    this.isBusy = false;
    this.line = "";
    this.isShell = false;
    this.begun = 0; // performance.now() at the last beginning
    this.#button("cancel").addEventListener("click", () => this.cancel());
    this.#button("again").addEventListener("click", () => page.again(this.line, this.isShell, this));
    this.#button("copy-output").addEventListener("click", (event) => copy(this.screen.text(), /** @type {any} */ (event.currentTarget)));
    this.#button("clear").addEventListener("click", () => this.screen.clear());
    this.#button("close").addEventListener("click", () => this.close());
  }

  /** Once it stands on the page: a terminal is as large as its place. */
  open() {
    this.screen = new Screen(this.root.querySelector("[data-screen]"), `Output of ${this.target.name}`);
  }

  /**
   * Run a line here. Raises what the API said against it.
   * @param {object} words of the request
   */
  async run(words, line, isShell) {
    this.#begin(line, isShell);
    try {
      const { body } = await call("POST", "/commands", { ...words, wait: false });
      this.#watch(body.id);
    } catch (error) {
      this.#lost(sentence(error), error instanceof ApiError ? error.code : "");
      throw error;
    }
  }

  /** Show what is kept of a command that has ended; nothing else happens here. */
  replay(command) {
    this.#begin(command.line, command.shell);
    this.#watch(command.id);
    this.root.classList.add("is-kept");
  }

  /** Bring its beginning onto the screen where it is not. */
  reveal() {
    const { top } = this.root.getBoundingClientRect();
    if (top < 0 || top > innerHeight - SEEN) this.root.scrollIntoView();
  }

  cancel() {
    this.session?.cancel();
    this.#button("cancel").disabled = true;
  }

  close() {
    this.session?.close();
    clearInterval(this.clock);
    this.screen.close();
    this.root.remove();
    this.page.closed(this);
  }

  #begin(line, isShell) {
    this.root.classList.add("is-used");
    Object.assign(this, { isUsed: true, isBusy: true, line, isShell, begun: performance.now(), stream: "", session: null });
    this.streams = { stdout: new Colours(), stderr: new Colours(STDERR) };
    this.screen.write(`\x1b[0;1;${isShell ? "31m#" : "34m$"}\x1b[0;1m ${visibleText(line)}\x1b[0m\r\n`);
    this.screen.terminal.scrollToBottom();
    this.#show({ state: "waiting" });
    this.#button("cancel").disabled = true;
    this.clock = setInterval(() => this.#tick(), TICK);
  }

  #watch(id) {
    const link = /** @type {HTMLAnchorElement} */ (this.root.querySelector("[data-permalink]"));
    link.href = `/commands/${id}/`;
    link.hidden = false;
    this.#button("cancel").disabled = false;
    this.session = new Session(id, {
      running: () => this.#show({ state: "running" }),
      output: (stream, bytes, end) => this.#output(stream, bytes, end),
      ended: (command) => this.#ended(command),
      lost: (why) => this.#lost(why),
    });
  }

  #output(stream, bytes, end) {
    const colours = this.streams[stream];
    const turn = stream === this.stream ? "" : colours.state;
    this.stream = stream;
    const { session } = this;
    this.screen.write(turn + colours.push(bytes), () => session.acknowledge(end));
  }

  #ended(command) {
    for (const colours of Object.values(this.streams)) {
      const rest = colours.end();
      if (rest) this.screen.write(colours.state + rest);
    }
    if (command.error) this.#say(command.error, command.code);
    else this.#note([outcome(command).words, figures(command), command.truncated ? "cut short by the server" : ""].filter(Boolean).join(", "));
    this.#show(command);
    this.#rest();
    this.page.ended(this, command);
  }

  #lost(why, code = "") {
    this.#say(why, code);
    this.#show({ state: "failed" });
    this.#rest();
    this.page.ended(this, { state: "failed" });
  }

  #rest() {
    this.isBusy = false;
    clearInterval(this.clock);
    this.#button("cancel").hidden = true;
    this.#button("again").hidden = false;
  }

  #say(text, code) {
    this.#ours(`\x1b[0;31m${visibleText(text.replaceAll("`", ""))}${code ? ` (${code})` : ""}`);
  }

  #note(text) {
    this.#ours(`\x1b[0;90m[${visibleText(text)}]`);
  }

  /** A line of our own, at the beginning of one. */
  #ours(text) {
    this.screen.write("", () => {
      const start = this.screen.terminal.buffer.active.cursorX ? "\r\n" : "";
      this.screen.write(`${start}${text}\x1b[0m\r\n`);
    });
  }

  #show(command) {
    const { sort, name, words } = outcome(command);
    const pill = /** @type {HTMLElement} */ (this.root.querySelector("[data-outcome]"));
    pill.className = `pill pill-${sort}`;
    pill.replaceChildren(icon(name), words);
    pill.hidden = false;
    write(this.root.querySelector("[data-figures]"), command.ended_at ? figures(command) : "");
    if (command.state === "waiting" || command.state === "running") {
      this.#button("cancel").hidden = false;
      this.#button("again").hidden = true;
    }
  }

  #tick() {
    write(this.root.querySelector("[data-figures]"), `${((performance.now() - this.begun) / 1000).toFixed(1)} s`);
  }

  #button(name) {
    return /** @type {HTMLButtonElement} */ (this.root.querySelector(`[data-${name}]`));
  }
}
