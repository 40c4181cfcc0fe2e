/**
 * A WebSocket that comes back: it reconnects with backoff and jitter, says how it stands, and stops where that is no use. What is
 * sent at the beginning (`hello`) says where to go on, so nothing is missed. It draws nothing.
 */

import { delay } from "app/backoff";

const STALE_AFTER = 10_000; // milliseconds without a connection
const LOOK_EVERY = 5_000;
const SLEPT = 20_000; // a look that is so late means that the machine slept

const FINAL = new Map([[4401, "signed-out"], [4403, "refused"], [4404, "gone"]]);

/** What a link needs of a browser; tests bring their own. */
const BROWSER = {
  open: (path) => new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`),
  later: (action, wait) => setTimeout(action, wait),
  cancel: (timer) => clearTimeout(timer),
  status: () => fetch("/api/v1/node", { headers: { Accept: "application/json" } }).then(({ status }) => status, () => 0),
  now: () => Date.now(),
  random: () => Math.random(),
};

/**
 * @typedef {{hello: () => object[], message: (frame: any) => void, state: (state: string, heard: number) => void,
 *   ended: (reason: string) => void}} Handlers
 */

export class Link {
  /**
   * @param {string} path
   * @param {Handlers} handlers
   */
  constructor(path, handlers, machine = BROWSER) {
    this.path = path;
    this.handlers = handlers;
    this.machine = machine;
    this.socket = null;
    this.attempt = 0;
    this.isOpen = false;
    this.heard = machine.now();
    this.isOver = false;
    this.retry = undefined;
    this.stale = undefined;
  }

  start() {
    this.#state("connecting");
    this.#open();
    this.looked = this.machine.now();
    this.#watch();
  }

  /** Say something, if anyone listens now. */
  send(frame) {
    if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame));
  }

  /** Try at once: the network is back, or somebody looks again. */
  hurry() {
    if (this.isOver || this.socket) return;
    this.machine.cancel(this.retry);
    this.#open();
  }

  /** Drop the connection and make a new one. */
  renew() {
    const old = this.socket;
    if (!old) return this.hurry();
    old.close();
    this.#lost(old, 1006);
    return this.hurry();
  }

  stop() {
    this.isOver = true;
    this.machine.cancel(this.retry);
    this.machine.cancel(this.stale);
    this.machine.cancel(this.watching);
    this.socket?.close();
    this.socket = null;
  }

  #open() {
    const socket = this.machine.open(this.path);
    this.socket = socket;
    this.isOpen = false;
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = (event) => {
      if (socket !== this.socket) return;
      this.heard = this.machine.now();
      this.attempt = 0;
      this.handlers.message(JSON.parse(event.data));
    };
    socket.onclose = (event) => this.#lost(socket, event.code);
  }

  #opened(socket) {
    if (socket !== this.socket) return;
    this.isOpen = true;
    this.heard = this.machine.now();
    this.machine.cancel(this.stale);
    this.stale = undefined;
    this.#state("live");
    for (const frame of this.handlers.hello()) this.send(frame);
  }

  #lost(socket, code) {
    if (socket !== this.socket) return;
    this.socket = null;
    if (this.isOver) return;
    if (FINAL.has(code)) {
      this.#end(FINAL.get(code));
      return;
    }
    if (!this.isOpen) this.#askWhy();
    if (this.stale === undefined) {
      this.#state("reconnecting");
      this.stale = this.machine.later(() => this.#state("stale"), STALE_AFTER);
    }
    this.retry = this.machine.later(() => this.#open(), delay(this.attempt, this.machine.random));
    this.attempt += 1;
  }

  #end(reason) {
    this.stop();
    this.#state("off");
    this.handlers.ended(reason);
  }

  /** A browser does not tell why a handshake was refused; the panel does when it is asked. */
  async #askWhy() {
    const status = await this.machine.status();
    if (status === 401 && !this.isOver && !this.isOpen) this.#end("signed-out");
  }

  /** A connection that was open while the machine slept is dead without knowing it. */
  #watch() {
    const now = this.machine.now();
    if (now - this.looked > SLEPT) this.renew();
    this.looked = now;
    this.watching = this.machine.later(() => this.#watch(), LOOK_EVERY);
  }

  #state(state) {
    this.handlers.state(state, this.heard);
  }
}
