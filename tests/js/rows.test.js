import assert from "node:assert/strict";
import { test } from "node:test";

import { Rows, asRow } from "app/rows";

const message = (seq) =>
  asRow({ seq, at: "", connection: 1, peer: "", direction: "in", size: 1, truncated: false, sent_by: null, data: "YQ==" });
const range = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => message(from + at));
const opened = (number, seq) => ({ sort: "event", place: seq + 0.5, number, peer: "", event: "opened", at: "", why: "" });
const told = (rows) =>
  rows.items.map((row) => (row.sort === "gap" ? `${row.from}..${row.to}` : row.sort === "event" ? `#${row.number}` : row.seq));

function filled(...batches) {
  const rows = new Rows();
  for (const [from, to] of batches) rows.add(range(from, to), to);
  return rows;
}

test("what comes twice is shown once", () => {
  assert.deepEqual(told(filled([1, 3], [2, 4])), [1, 2, 3, 4]);
});

test("a jump in the numbers becomes a gap, also at the end of a batch", () => {
  const rows = filled([1, 2], [5, 6]);
  rows.add([], 9);
  assert.deepEqual(told(rows), [1, 2, "3..4", 5, 6, "7..9"]);
  rows.add(range(10, 10), 12);
  assert.deepEqual(told(rows), [1, 2, "3..4", 5, 6, "7..9", 10, "11..12"]);
});

test("a gap is filled piece by piece", () => {
  const rows = filled([1, 1], [8, 8]);
  rows.fill(rows.items[1], range(2, 3));
  assert.deepEqual(told(rows), [1, 2, 3, "4..7", 8]);
  rows.fill(rows.items[3], range(4, 7));
  assert.deepEqual(told(rows), [1, 2, 3, 4, 5, 6, 7, 8]);
});

test("messages that the store no longer has leave no gap", () => {
  const rows = filled([1, 1], [8, 8]);
  rows.fill(rows.items[1], range(6, 7), true);
  assert.deepEqual(told(rows), [1, 6, 7, 8]);
});

test("the newest can be put at the end of a gap", () => {
  const rows = filled([1, 1]);
  rows.add([], 20);
  rows.fill(rows.tail, range(18, 19));
  assert.deepEqual(told(rows), [1, "2..17", 18, 19, "20..20"]);
});

test("the oldest rows make room while someone follows", () => {
  const rows = new Rows(3);
  rows.add(range(1, 5), 5);
  assert.deepEqual(told(rows), [3, 4, 5]);
});

test("nothing is taken away above a reader: what does not fit is a gap at the end", () => {
  const rows = new Rows(3);
  rows.add(range(1, 3), 3);
  rows.add(range(4, 5), 5, false);
  assert.deepEqual(told(rows), [1, 2, "3..5"]);
  assert.equal(rows.newest, 5);
  rows.add(range(6, 6), 6, false);
  assert.deepEqual(told(rows), [1, 2, "3..6"]);
});

test("older rows go to the front and are told, so that the page does not jump", () => {
  const rows = new Rows();
  rows.newest = 4;
  rows.add(range(5, 6), 6);
  const seen = [];
  rows.onInsert = (index, number) => seen.push([index, number]);
  rows.addOlder(range(3, 5));
  assert.deepEqual(told(rows), [3, 4, 5, 6]);
  assert.deepEqual(seen, [[0, 2]]);
});

test("openings stand after the message before them, once", () => {
  const rows = filled([1, 4]);
  rows.addEvent(opened(7, 2));
  rows.addEvent(opened(8, 2));
  rows.addEvent(opened(7, 2));
  assert.deepEqual(told(rows), [1, 2, "#7", "#8", 3, 4]);
});

test("an opening from before the first row is left out", () => {
  const rows = new Rows();
  rows.newest = 9;
  rows.add(range(10, 11), 11);
  rows.addEvent(opened(1, 3));
  assert.deepEqual(told(rows), [10, 11]);
});

test("a message is found by its number", () => {
  const rows = filled([1, 2], [5, 9]);
  rows.addEvent(opened(7, 6));
  assert.equal(rows.items[rows.indexOf(8)].seq, 8);
  assert.equal(rows.indexOf(3), -1);
});
