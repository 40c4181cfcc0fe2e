/**
 * One command, watched through its WebSocket: what it writes comes in order, and goes on coming only while it is acknowledged. A
 * session that is closed before the end takes its command with it. It draws nothing.
 */

import { fromBase64 } from "app/bytes";

const WHY = new Map([
  [4401, "You are signed out: sign in again."],
  [4403, "This command is somebody else's."],
  [4404, "This command is not in the history any more."],
]);
const LOST = "The connection to the panel is lost, and the command is ended with it: look whether the panel still runs.";

function browser(path) {
  return new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`);
}

/**
 * @typedef {{running: () => void, output: (stream: "stdout" | "stderr", bytes: Uint8Array, end: number) => void,
 *   ended: (command: any) => void, lost: (sentence: string) => void}} Handlers
 */

export class Session {
  /**
   * @param {number} id
   * @param {Handlers} handlers
   */
  constructor(id, handlers, open = browser) {
    this.handlers = handlers;
    this.isOver = false;
    this.waiting = []; // said before it is open
    this.socket = open(`/ws/commands/${id}/`);
    this.socket.onopen = () => this.waiting.splice(0).forEach((frame) => this.#send(frame));
    this.socket.onmessage = (event) => this.#take(JSON.parse(event.data));
    this.socket.onclose = (event) => this.#over(() => handlers.lost(WHY.get(event.code) ?? LOST));
  }

  /** Everything up to there is on the screen. */
  acknowledge(end) {
    this.#send({ type: "ack", end });
  }

  cancel() {
    this.#send({ type: "cancel" });
  }

  close() {
    this.isOver = true;
    this.socket.close();
  }

  #take(frame) {
    if (this.isOver) return;
    if (frame.type === "state" && frame.state === "running") this.handlers.running();
    if (frame.type === "output") this.handlers.output(frame.stream, fromBase64(frame.data), frame.end);
    if (frame.type === "end") this.#over(() => this.handlers.ended(frame.command));
  }

  #over(tell) {
    if (this.isOver) return;
    this.isOver = true;
    tell();
  }

  #send(frame) {
    if (this.isOver && frame.type === "cancel") return;
    if (this.socket.readyState === 0) this.waiting.push(frame);
    else if (this.socket.readyState === 1) this.socket.send(JSON.stringify(frame));
  }
}
