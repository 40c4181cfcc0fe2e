import assert from "node:assert/strict";
import { test } from "node:test";

import { begunWith, common, hints } from "app/commands/hints";

const UNAME = { id: "uname", explains: "The system", usage: ["-s|-n ..."], choices: ["-s", "-n"] };
const UPTIME = { id: "uptime", explains: "", usage: [], choices: [] };
const lines = (typed) => hints([UNAME, UPTIME], typed).map(({ line }) => line);

test("a name that is begun is completed, and told with what it takes", () => {
  assert.deepEqual(hints([UNAME, UPTIME], "un"), [{ line: "uname ", shown: "uname -s|-n ...", explains: "The system" }]);
  assert.deepEqual(lines(""), ["uname ", "uptime "]);
  assert.deepEqual(lines("x"), []);
});

test("after the name come the choices that are not there yet", () => {
  assert.deepEqual(lines("uname "), ["uname -s ", "uname -n "]);
  assert.deepEqual(lines("uname -s -"), ["uname -s -n "]);
  assert.deepEqual(lines("uptime "), []);
  assert.deepEqual(lines("rm -"), []);
});

test("several targets offer what all of them allow", () => {
  assert.deepEqual(common([[UNAME, UPTIME], [UPTIME]]), [UPTIME]);
  assert.deepEqual(common([[UNAME]]), [UNAME]);
  assert.deepEqual(common([]), []);
});

test("a command is begun once its name is whole", () => {
  assert.equal(begunWith([UNAME], "uname"), undefined);
  assert.equal(begunWith([UNAME], "uname "), UNAME);
  assert.equal(begunWith([UNAME], "una x"), undefined);
});
