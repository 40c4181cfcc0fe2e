/**
 * How long to wait before the next try: doubling from half a second to ten, with jitter so that a restarted panel is not met by
 * all its pages in the same instant. It knows no clock.
 */

const FIRST = 500;
const LONGEST = 10_000;

/**
 * @param {number} attempt 0 for the first retry
 * @param {() => number} random in [0, 1)
 * @returns {number} milliseconds
 */
export function delay(attempt, random = Math.random) {
  const most = Math.min(LONGEST, FIRST * 2 ** Math.min(attempt, 10));
  return Math.round(most * (0.5 + random() / 2));
}
