import assert from "node:assert/strict";
import { test } from "node:test";

import { Chords } from "app/chords";

function pressed(...keys) {
  const seen = [];
  const chords = new Chords();
  for (const name of ["j", "g s", "s"]) chords.on(name, () => seen.push(name));
  for (const [key, at] of keys) chords.press(key, at)?.();
  return seen;
}

test("single keys and pairs are told apart", () => {
  assert.deepEqual(pressed(["j", 0], ["g", 10], ["s", 20]), ["j", "g s"]);
});

test("a pair is over after a second", () => {
  assert.deepEqual(pressed(["g", 0], ["s", 1000]), ["g s"]);
  assert.deepEqual(pressed(["g", 0], ["s", 1001]), ["s"]);
});

test("a key without meaning asks for nothing", () => {
  assert.deepEqual(pressed(["x", 0]), []);
});
