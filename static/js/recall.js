/**
 * What was sent before, walked with the arrow keys as in a shell: the unsent draft waits at the end. It knows no DOM.
 */

const KEPT = 50;

export class Recall {
  /** @param {string[]} entries oldest first */
  constructor(entries = []) {
    this.entries = entries.slice(-KEPT);
    this.at = this.entries.length;
    this.draft = "";
  }

  /** Something was sent; the same twice in a row is kept once. */
  add(text) {
    if (text && this.entries.at(-1) !== text) this.entries = [...this.entries, text].slice(-KEPT);
    this.at = this.entries.length;
    this.draft = "";
  }

  /** One further back; null when there is nothing older. */
  back(current) {
    if (this.at === 0) return null;
    if (this.at === this.entries.length) this.draft = current;
    this.at -= 1;
    return this.entries[this.at];
  }

  /** One nearer to now; past the newest the draft comes back; null when we are there already. */
  forth() {
    if (this.at >= this.entries.length) return null;
    this.at += 1;
    return this.at === this.entries.length ? this.draft : this.entries[this.at];
  }
}
