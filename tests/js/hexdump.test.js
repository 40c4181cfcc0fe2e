import assert from "node:assert/strict";
import { test } from "node:test";

import { hexdump } from "app/hexdump";

test("a line holds sixteen bytes, each beside its character", () => {
  const lines = hexdump(new TextEncoder().encode("Hello\n, world 12"));
  assert.equal(lines.length, 1);
  assert.equal(lines[0].pairs.join(" "), "48 65 6c 6c 6f 0a 2c 20 77 6f 72 6c 64 20 31 32");
  assert.equal(lines[0].chars.join(""), "Hello·, world 12");
});

test("offsets are hexadecimal and the last line may be short", () => {
  const lines = hexdump(new Uint8Array(33));
  assert.deepEqual(lines.map((line) => line.label), ["0000", "0010", "0020"]);
  assert.equal(lines[2].pairs.length, 1);
});

test("nothing has no lines", () => {
  assert.deepEqual(hexdump(new Uint8Array()), []);
});
