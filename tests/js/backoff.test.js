import assert from "node:assert/strict";
import { test } from "node:test";

import { delay } from "app/backoff";

test("the wait doubles from half a second to ten seconds", () => {
  assert.deepEqual([0, 1, 2, 5, 50].map((attempt) => delay(attempt, () => 1)), [500, 1000, 2000, 10_000, 10_000]);
});

test("jitter takes away at most half", () => {
  assert.equal(delay(3, () => 0), 2000);
});
