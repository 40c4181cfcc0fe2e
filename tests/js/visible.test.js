import assert from "node:assert/strict";
import { test } from "node:test";

import { HIDDEN, pieces, visible, visibleText, wholeCharacters } from "app/visible";

const bytes = (text) => new TextEncoder().encode(text);

test("control characters are marked and set apart from text that looks like them", () => {
  assert.deepEqual(pieces(bytes("a\\n\r\nb")), [
    { text: "a\\n", mark: false },
    { text: "\\r\\n", mark: true },
    { text: "b", mark: false },
  ]);
});

test("bytes that are no UTF-8 are shown one by one", () => {
  assert.equal(visible(Uint8Array.of(0x41, 0xff, 0xc0, 0x80, 0xe2, 0x82, 0x42)), "A\\xff\\xc0\\x80\\xe2\\x82B");
});

test("surrogates and overlong forms in UTF-8 are no characters", () => {
  assert.equal(visible(Uint8Array.of(0xed, 0xa0, 0x80)), "\\xed\\xa0\\x80");
  assert.equal(visible(Uint8Array.of(0xf0, 0x80, 0x80, 0xaf)), "\\xf0\\x80\\x80\\xaf");
  assert.equal(visible(Uint8Array.of(0xf4, 0x90, 0x80, 0x80)), "\\xf4\\x90\\x80\\x80");
});

test("characters that change the direction or are invisible are named", () => {
  assert.equal(visibleText("a\u202eb\u200bc\u00a0d"), "a<U+202E>b<U+200B>c<U+00A0>d");
});

test("what can be read stays as it is in every script", () => {
  for (const text of ["Python编程", "Grüße", "שלום", "😀", "a b"]) assert.equal(visibleText(text), text);
});

test("the table is in order and without overlaps", () => {
  HIDDEN.flat().reduce((before, code, at) => {
    assert.ok(at % 2 ? code >= before : code > before);
    return code;
  }, -1);
});

test("a cut in the middle of a character leaves whole ones", () => {
  const euro = bytes("a€");
  for (const cut of [2, 3]) assert.equal(visible(wholeCharacters(euro.subarray(0, cut))), "a");
  assert.equal(visible(wholeCharacters(euro)), "a€");
  assert.equal(visible(wholeCharacters(Uint8Array.of(0x41, 0x80))), "A\\x80");
});
