/**
 * Messages a second from totals that come now and then, and their last minute. It knows no clock and no DOM.
 */

import { SECONDS } from "app/spark";

const WINDOW = 3; // seconds that a rate is taken over

export class Rates {
  constructor(total, now) {
    this.samples = [{ total, now }];
    this.total = total;
    /** @type {number[]} */
    this.minute = [];
  }

  /** The total as it is now. A lower one than before means that it began anew. */
  see(total) {
    if (total < this.total) this.samples = this.samples.slice(-1).map((sample) => ({ ...sample, total }));
    this.total = total;
  }

  /** Once a second: take a sample. */
  tick(now) {
    const before = this.samples.at(-1);
    const passed = Math.max(0.001, (now - before.now) / 1000);
    this.minute = [...this.minute, (this.total - before.total) / passed].slice(-SECONDS);
    this.samples = [...this.samples, { total: this.total, now }].slice(-(WINDOW + 1));
  }

  /** Messages a second over the last few seconds. */
  get rate() {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    return last.now > first.now ? (last.total - first.total) / ((last.now - first.now) / 1000) : 0;
  }
}
