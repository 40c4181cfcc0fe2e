import assert from "node:assert/strict";
import { test } from "node:test";

import { Colours } from "app/commands/colours";

const bytes = (text) => new TextEncoder().encode(text);
const COLOUR = /\x1b\[[0-9;:]*m/g; // eslint-disable-line no-control-regex

function shown(data, base = "") {
  const colours = new Colours(base);
  return colours.push(typeof data === "string" ? bytes(data) : data) + colours.end();
}

/** What a person reads. */
function read(data) {
  return shown(data).replaceAll(COLOUR, "");
}

function mark(text, state = "\x1b[0m") {
  return `\x1b[0;35;105m${text}${state}`;
}

test("text, line ends and tabs pass; a line end is one whichever way it is written", () => {
  assert.equal(shown("a\tb\nc\r\nGrüße 编程 😀"), "a\tb\r\nc\r\nGrüße 编程 😀");
});

test("colours and weights pass", () => {
  assert.equal(shown("\x1b[31mred\x1b[0m"), "\x1b[0;31mred\x1b[0m");
  assert.equal(shown("\x1b[1;4;92;48;5;17mx\x1b[m"), "\x1b[0;1;4;92;48;5;17mx\x1b[0m");
  assert.equal(shown("\x1b[38;2;1;2;3mx"), "\x1b[0;38;2;1;2;3mx");
  assert.equal(shown("\x1b[38:2::1:2:3;4:3mx"), "\x1b[0;38:2::1:2:3;4mx");
});

test("what ends an attribute ends it", () => {
  assert.equal(shown("\x1b[1;31;44m\x1b[22;39mx"), "\x1b[0;1;31;44m\x1b[0;44mx");
});

test("neither hidden nor blinking text passes, nor half a colour", () => {
  assert.equal(shown("\x1b[5;8;31mx"), "\x1b[0;31mx");
  assert.equal(shown("\x1b[38;5mx\x1b[38;2;1;2mx\x1b[58;5;1mx"), "\x1b[0mx\x1b[0mx\x1b[0mx");
});

for (const [name, hostile] of Object.entries({
  "a title": "\x1b]0;owned\x07",
  "a link": "\x1b]8;;http://192.0.2.1/\x1b\\here\x1b]8;;\x1b\\",
  "the clipboard": "\x1b]52;c;cm0gLXJm\x07",
  "a device control string": "\x1bP$q\"p\x1b\\",
  "a question": "\x1b[6n\x1b[c\x05",
  "cursor moves": "\x1b[2J\x1b[H\x1b[10A\x1b[3;4f\x1b7\x1b8\x1bM",
  "the other screen": "\x1b[?1049h",
  "mouse and paste modes": "\x1b[?1000h\x1b[?2004h",
  "a reset": "\x1bc",
  "the character set": "\x1b(0\x0e",
  "private colours": "\x1b[?31m\x1b[>4;1m",
})) {
  test(`${name} can be read and does nothing`, () => {
    assert.ok(!shown(hostile).replaceAll(COLOUR, "").includes("\x1b"));
    assert.ok(read(hostile).startsWith("\\x1b"));
  });
}

test("control characters, also those of eight bits, and hidden ones are marks", () => {
  assert.equal(shown("a\x07b\bc\x7f\0"), `a${mark("\\x07")}b${mark("\\x08")}c${mark("\\x7f")}${mark("\\0")}`);
  assert.equal(shown("\u009b31m"), `${mark("<U+009B>")}31m`);
  assert.equal(shown("\u202eevil\ufeff"), `${mark("<U+202E>")}evil${mark("<U+FEFF>")}`);
  assert.equal(shown("\u{e0041}"), mark("<U+E0041>"));
});

test("a carriage return alone cannot write over a line", () => {
  assert.equal(shown("safe\revil"), `safe${mark("\\r")}evil`);
});

test("after a mark the colours are what they were", () => {
  assert.equal(shown("\x1b[7;31m\x07x"), `\x1b[0;7;31m${mark("\\x07", "\x1b[0;7;31m")}x`);
});

test("bytes that are no UTF-8 are replaced", () => {
  assert.equal(shown(Uint8Array.of(0x41, 0xff, 0x9b, 0x42)), "A\ufffd\ufffdB");
});

test("the colours of a stream stand under its own", () => {
  assert.equal(shown("x\x1b[1mx\x1b[0mx", "31"), "x\x1b[0;31;1mx\x1b[0;31mx");
});

test("what is held back comes at the end", () => {
  assert.equal(shown("a\x1b[3"), `a${mark("\\x1b")}[3`);
  assert.equal(shown("a\r"), `a${mark("\\r")}`);
  assert.equal(shown(Uint8Array.of(0x61, 0xe2, 0x82)), "a\ufffd");
});

test("a colour sequence without end is none, and is not kept", () => {
  const colours = new Colours();
  const out = colours.push(bytes(`\x1b[${"1;".repeat(1_000_000)}`));
  assert.ok(out.startsWith(mark("\\x1b")));
  assert.equal(colours.rest, "");
});

test("it does not matter where bytes are cut", () => {
  const all = bytes("a\r\n\x1b[31mGrüße\x1b[0m\x1b]0;t\x07\u009b\r😀\x1b[38;2;1;2;3mb\x1b[2J\u{e0041}");
  const whole = shown(all);
  for (let cut = 0; cut <= all.length; cut++) {
    const colours = new Colours();
    assert.equal(colours.push(all.subarray(0, cut)) + colours.push(all.subarray(cut)) + colours.end(), whole, `cut at ${cut}`);
  }
  const one = new Colours();
  assert.equal(Array.from(all, (byte) => one.push(Uint8Array.of(byte))).join("") + one.end(), whole);
});

test("whatever comes, only colours come out, and not many more of them", () => {
  let seed = 7;
  const random = (most) => (seed = (seed * 48_271) % 2_147_483_647) % most;
  const parts = ["\x1b", "[", "]", ";", ":", "m", "31", "38;5", "0", "?", "\x07", "\r", "\n", "x", "é", "\u009b", "P", "\\"];
  for (let round = 0; round < 2_000; round++) {
    const text = Array.from({ length: random(40) }, () => parts[random(parts.length)]).join("");
    const left = shown(text).replaceAll(COLOUR, "");
    assert.ok(!/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)/.test(left), JSON.stringify(text)); // eslint-disable-line no-control-regex
  }
  const worst = shown("\x1b[1;2;3;4;7;9;38;2;111;112;113;48;2;111;112;113m".repeat(100)).length;
  assert.ok(worst < 100 * 80);
});
