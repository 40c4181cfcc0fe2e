import assert from "node:assert/strict";
import { test } from "node:test";

import { asText, fromBase64, fromEscapes, fromHex, toBase64, toEscapes, toHex } from "app/bytes";

const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);

test("all 256 bytes come back from base64, hex and escapes", () => {
  assert.deepEqual(fromBase64(toBase64(all)), all);
  assert.deepEqual(fromHex(toHex(all)), all);
  assert.deepEqual(fromEscapes(toEscapes(all)), all);
});

test("text with invisible characters comes back from escapes", () => {
  const bytes = new TextEncoder().encode("a\u202e\\n\n€");
  assert.equal(toEscapes(bytes), "a\\xe2\\x80\\xae\\\\n\\n€");
  assert.deepEqual(fromEscapes(toEscapes(bytes)), bytes);
});

test("hex may be written in the usual ways", () => {
  for (const text of ["48 69", "4869", "0x48, 0x69", "48:69", "48\n69"]) assert.deepEqual(fromHex(text), Uint8Array.of(0x48, 0x69));
});

test("hex that is none says what is wrong", () => {
  assert.throws(() => fromHex("4g"), /“g” is no hex digit/);
  assert.throws(() => fromHex("486"), /One hex digit is left over/);
});

test("a backslash that begins no escape is named by its position", () => {
  assert.throws(() => fromEscapes("ab\\q"), /position 3/);
  assert.throws(() => fromEscapes("\\x1"), /position 1/);
  assert.throws(() => fromEscapes("\\N"), /position 1/);
});

test("bytes are text only when they are UTF-8 throughout", () => {
  assert.equal(asText(new TextEncoder().encode("\ufeffgrün")), "\ufeffgrün");
  assert.equal(asText(Uint8Array.of(0xff)), null);
});

test("a large message goes through base64", () => {
  assert.equal(fromBase64(toBase64(new Uint8Array(200_000))).length, 200_000);
});
