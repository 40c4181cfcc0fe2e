import assert from "node:assert/strict";
import { test } from "node:test";

import { words, written } from "app/commands/words";

test("blanks part words, quotes and backslashes keep them together", () => {
  assert.deepEqual(words("  uname   -a\t"), ["uname", "-a"]);
  assert.deepEqual(words("ps -o 'pid comm' \"a b\"c d\\ e"), ["ps", "-o", "pid comm", "a bc", "d e"]);
  assert.deepEqual(words("'' \"\" x''"), ["", "", "x"]);
  assert.deepEqual(words(""), []);
});

test("nothing is expanded", () => {
  assert.deepEqual(words("$HOME `id` $(id) * ~ ; | > a && b # c"), ["$HOME", "`id`", "$(id)", "*", "~", ";", "|", ">", "a", "&&", "b", "#", "c"]);
});

test("a backslash inside of double quotes stands before few characters only", () => {
  assert.deepEqual(words('"a\\"b\\\\c\\d\\$"'), ['a"b\\c\\d$']);
  assert.deepEqual(words("'a\\'"), ["a\\"]);
});

test("what is not closed is said in a sentence", () => {
  assert.throws(() => words("echo 'a"), { message: "A ' is not closed: close it, or write \\'." });
  assert.throws(() => words('echo "a'), { message: 'A " is not closed: close it, or write \\".' });
  assert.throws(() => words("echo a\\"), { message: "The line ends in a backslash: write \\\\ for one." });
});

test("a line of words is cut into the same words", () => {
  for (const list of [["uname", "-a"], ["a b", "it's", "", '"', "\\", "$x", "é\n"]]) assert.deepEqual(words(written(list)), list);
});
