import assert from "node:assert/strict";
import { test } from "node:test";

import { Rows } from "app/rows";
import { Stream } from "app/stream";

const message = (seq) => ({ seq, at: "", connection: 1, peer: "", direction: "in", size: 1, truncated: false, sent_by: null, data: "YQ==" });
const batch = (from, to) => ({ from, to, skipped: 0, messages: Array.from({ length: to - from + 1 }, (_, at) => message(from + at)) });
const told = (rows) => rows.items.map((row) => (row.sort === "gap" ? `${row.from}..${row.to}` : row.seq));

function joined(newest) {
  const rows = new Rows();
  rows.newest = newest;
  const stream = new Stream(rows);
  return { rows, stream, hello: stream.hello(0) };
}

test("it asks for what came after the last number", () => {
  assert.deepEqual(joined(41).hello, [{ type: "follow", after: 41 }]);
});

test("live rows wait until the answer is in, and nothing is doubled", () => {
  const { rows, stream } = joined(2);
  assert.equal(stream.take(batch(6, 7), 10, true), 0);
  assert.deepEqual(told(rows), []);
  assert.equal(stream.take(batch(3, 6), 20, true), 5);
  assert.deepEqual(told(rows), [3, 4, 5, 6, 7]);
});

test("what the server left out is one gap", () => {
  const { rows, stream } = joined(0);
  stream.take({ from: 1, to: 9, skipped: 7, messages: [message(8), message(9)] }, 0, true);
  assert.deepEqual(told(rows), ["1..7", 8, 9]);
});

test("an answer that never comes leaves a gap and holds nobody up", () => {
  const { rows, stream } = joined(2);
  stream.take(batch(6, 6), 10, true);
  stream.take(batch(7, 7), 3_000, true);
  assert.deepEqual(told(rows), ["3..6", 7]);
});

test("a new connection forgets what waited: it comes again", () => {
  const { rows, stream } = joined(2);
  stream.take(batch(6, 6), 10, true);
  stream.hello(20);
  stream.take(batch(3, 6), 30, true);
  assert.deepEqual(told(rows), [3, 4, 5, 6]);
});
