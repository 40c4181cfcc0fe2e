import assert from "node:assert/strict";
import { test } from "node:test";

import { Recall } from "app/recall";

test("arrows walk back and forth, and the draft waits at the end", () => {
  const recall = new Recall(["one"]);
  recall.add("two");
  assert.equal(recall.back("dra"), "two");
  assert.equal(recall.back("two"), "one");
  assert.equal(recall.back("one"), null);
  assert.equal(recall.forth(), "two");
  assert.equal(recall.forth(), "dra");
  assert.equal(recall.forth(), null);
});

test("the same twice in a row is kept once, and fifty are kept in all", () => {
  const recall = new Recall();
  for (let at = 0; at < 60; at++) recall.add(`${at}`);
  recall.add("59");
  assert.equal(recall.entries.length, 50);
  assert.equal(recall.entries[0], "10");
});
