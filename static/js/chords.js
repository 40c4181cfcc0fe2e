/**
 * Keys and two-key sequences ("g s") to actions. It knows no DOM: it is told keys and when they were pressed.
 */

const PATIENCE = 1_000; // milliseconds between the two keys

export class Chords {
  constructor() {
    this.actions = new Map();
    this.first = "";
    this.at = -Infinity;
  }

  /**
   * @param {string} keys "j", "?" or "g s"
   * @param {() => void} action
   */
  on(keys, action) {
    this.actions.set(keys, action);
  }

  /**
   * What this key asks for; null when nothing (yet).
   * @param {string} key
   * @param {number} now milliseconds
   */
  press(key, now) {
    const pair = now - this.at <= PATIENCE ? `${this.first} ${key}` : "";
    this.first = key;
    this.at = now;
    if (pair && this.actions.has(pair)) {
      this.first = "";
      return this.actions.get(pair);
    }
    return this.actions.get(key) ?? null;
  }
}
