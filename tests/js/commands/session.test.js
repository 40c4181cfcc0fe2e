import assert from "node:assert/strict";
import { test } from "node:test";

import { Session } from "app/commands/session";

/** A session on a socket that is moved by hand; `told` is what its page heard. */
function begin() {
  const sent = [];
  const told = [];
  const socket = { readyState: 0, send: (text) => sent.push(JSON.parse(text)), close: () => told.push("closed") };
  const handlers = {
    running: () => told.push("running"),
    output: (stream, bytes, end) => told.push([stream, new TextDecoder().decode(bytes), end]),
    ended: (command) => told.push(command),
    lost: (sentence) => told.push(sentence),
  };
  const session = new Session(7, handlers, (path) => Object.assign(socket, { path }));
  const open = () => {
    socket.readyState = 1;
    socket.onopen();
  };
  const hear = (frame) => socket.onmessage({ data: JSON.stringify(frame) });
  return { session, socket, sent, told, open, hear };
}

test("what a command does is told in order", () => {
  const { socket, told, open, hear } = begin();
  open();
  hear({ type: "state", state: "running" });
  hear({ type: "output", stream: "stderr", data: btoa("no"), end: 2 });
  hear({ type: "end", command: { id: 7 } });
  socket.onclose({ code: 1000 });
  assert.equal(socket.path, "/ws/commands/7/");
  assert.deepEqual(told, ["running", ["stderr", "no", 2], { id: 7 }]);
});

test("what is said before the socket is open is said then", () => {
  const { session, sent, open } = begin();
  session.cancel();
  assert.deepEqual(sent, []);
  open();
  session.acknowledge(5);
  assert.deepEqual(sent, [{ type: "cancel" }, { type: "ack", end: 5 }]);
});

test("an end without a word is told, with its reason where there is one", () => {
  for (const [code, words] of [[1006, "is lost"], [4401, "signed out"], [4403, "somebody else's"], [4404, "not in the history"]]) {
    const { socket, told } = begin();
    socket.onclose({ code });
    assert.ok(told[0].includes(words), told[0]);
  }
});

test("a page that closes its session hears no more of it", () => {
  const { session, socket, told, open, hear } = begin();
  open();
  session.close();
  hear({ type: "output", stream: "stdout", data: "", end: 0 });
  socket.onclose({ code: 1006 });
  assert.deepEqual(told, ["closed"]);
});
