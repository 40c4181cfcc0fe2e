import assert from "node:assert/strict";
import { test } from "node:test";

import { ago, clock, count, duration, rate, short, size, utc } from "app/figures";

test("counts are exact and grouped", () => {
  assert.equal(count(1240), "1,240");
});

test("large numbers get short without being rounded up", () => {
  assert.deepEqual([9_999, 10_000, 12_490, 999_999, 1_250_000].map(short), ["9,999", "10k", "12.4k", "999.9k", "1.2M"]);
});

test("sizes name their unit", () => {
  assert.deepEqual([0, 1023, 1024, 1536, 1048576].map(size), ["0 B", "1023 B", "1 KiB", "1.5 KiB", "1 MiB"]);
});

test("a rate keeps a digit where it is small", () => {
  assert.deepEqual([0, 0.01, 0.5, 9.96, 42.4, 12_345].map(rate), ["0", "<0.1", "0.5", "10", "42", "12.3k"]);
});

test("durations are told in two units at most", () => {
  assert.deepEqual([0, 59, 60, 3700, 90_061].map(duration), ["0 s", "59 s", "1 min", "1 h 1 min", "1 d 1 h"]);
});

test("how long ago is told in one unit", () => {
  assert.deepEqual([0.4, 5, 3700].map(ago), ["now", "5 s ago", "1 h ago"]);
});

test("times keep their milliseconds as they came", () => {
  assert.match(clock("2026-11-20T10:11:12.000345Z"), /^\d\d:\d\d:12\.000$/);
  assert.equal(utc("2026-11-20T10:11:12.000345Z"), "2026-11-20 10:11:12.000345 UTC");
});
