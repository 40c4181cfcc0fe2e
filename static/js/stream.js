/**
 * The frames of one server's WebSocket, brought into order before they become rows: after a (re)connect what came live waits until
 * the answer to "what came after my last one" is in. It knows no DOM.
 */

import { asRow } from "app/rows";

const PATIENCE = 3_000; // milliseconds; then a hole is a gap like any other

export class Stream {
  /** @param {import("app/rows").Rows} rows */
  constructor(rows) {
    this.rows = rows;
    this.waiting = [];
    this.since = 0;
  }

  /** What to say when the connection opens. */
  hello(now) {
    this.waiting = [];
    this.since = now;
    return [{ type: "follow", after: this.rows.newest }];
  }

  /**
   * A batch of messages. Returns how many new ones the rows took in.
   * @param {{from: number, to: number, messages: any[]}} batch
   */
  take(batch, now, following) {
    if (batch.from > this.rows.newest + 1 && now - this.since < PATIENCE) {
      this.waiting.push(batch);
      return 0;
    }
    let taken = this.#add(batch, following);
    const ready = this.waiting.sort((one, other) => one.from - other.from);
    this.waiting = [];
    for (const next of ready) taken += this.take(next, now, following);
    return taken;
  }

  #add(batch, following) {
    return this.rows.add(batch.messages.map(asRow), batch.to, following);
  }
}
