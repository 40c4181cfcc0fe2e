import assert from "node:assert/strict";
import { test } from "node:test";

import { Link } from "app/link";

/** A link on a machine of its own: sockets that never connect by themselves, and a clock that is moved by hand. */
function world() {
  const made = { sockets: [], timers: [], now: 0, states: [], frames: [], ended: [], hellos: 0, status: 200 };
  const machine = {
    open: () => {
      const socket = { readyState: 0, sent: [], send: (text) => socket.sent.push(text), close: () => {} };
      made.sockets.push(socket);
      return socket;
    },
    later: (action, wait) => {
      const timer = { action, at: made.now + wait };
      made.timers.push(timer);
      return timer;
    },
    cancel: (timer) => {
      made.timers = made.timers.filter((other) => other !== timer);
    },
    now: () => made.now,
    status: async () => made.status,
    random: () => 1,
  };
  made.pass = (time) => {
    const end = made.now + time;
    for (;;) {
      const next = made.timers.filter((timer) => timer.at <= end).sort((one, other) => one.at - other.at)[0];
      if (!next) break;
      made.now = Math.max(made.now, next.at);
      machine.cancel(next);
      next.action();
    }
    made.now = end;
  };
  made.connect = () => {
    const socket = made.sockets.at(-1);
    socket.readyState = 1;
    socket.onopen();
  };
  made.link = new Link("/ws/", {
    hello: () => {
      made.hellos += 1;
      return [{ type: "follow", after: 7 }];
    },
    message: (frame) => made.frames.push(frame),
    state: (state) => made.states.push(state),
    ended: (reason) => made.ended.push(reason),
  }, machine);
  made.link.start();
  return made;
}

test("an open link is live and has said where to go on", () => {
  const { connect, sockets, states } = world();
  connect();
  assert.deepEqual(states, ["connecting", "live"]);
  assert.deepEqual(sockets[0].sent, ['{"type":"follow","after":7}']);
});

test("a lost link comes back and goes on where it was", () => {
  const made = world();
  made.connect();
  made.sockets[0].onclose({ code: 1006 });
  made.pass(500);
  made.connect();
  assert.deepEqual(made.states, ["connecting", "live", "reconnecting", "live"]);
  assert.equal(made.hellos, 2);
});

test("the tries get rarer, and after ten seconds what is shown is stale", () => {
  const made = world();
  made.connect();
  made.sockets[0].onclose({ code: 1006 });
  for (const wait of [500, 1000, 2000, 4000, 4000]) {
    made.pass(wait);
    made.sockets.at(-1).onclose({ code: 1006 });
  }
  assert.equal(made.sockets.length, 5);
  assert.deepEqual(made.states, ["connecting", "live", "reconnecting", "stale"]);
});

test("a link that heard something begins anew with short waits", () => {
  const made = world();
  made.connect();
  made.sockets[0].onclose({ code: 1006 });
  made.pass(500);
  made.connect();
  made.sockets[1].onmessage({ data: "{}" });
  made.sockets[1].onclose({ code: 1006 });
  made.pass(500);
  assert.equal(made.sockets.length, 3);
});

test("signed out, not allowed and gone are final", () => {
  for (const [code, reason] of [[4401, "signed-out"], [4403, "refused"], [4404, "gone"]]) {
    const made = world();
    made.connect();
    made.sockets[0].onclose({ code });
    made.pass(60_000);
    assert.deepEqual(made.ended, [reason]);
    assert.equal(made.sockets.length, 1);
  }
});

test("a panel that restarts is joined again", () => {
  const made = world();
  made.connect();
  made.sockets[0].onclose({ code: 4503 });
  made.pass(500);
  assert.equal(made.sockets.length, 2);
});

test("what an old socket still says is not heard", () => {
  const made = world();
  made.connect();
  made.link.renew();
  made.sockets[0].onmessage({ data: '{"old":1}' });
  made.connect();
  made.sockets[1].onmessage({ data: '{"new":1}' });
  assert.deepEqual(made.frames, [{ new: 1 }]);
});

test("a machine that slept makes a new connection when it wakes", () => {
  const made = world();
  made.connect();
  made.pass(6_000);
  assert.equal(made.sockets.length, 1);
  made.now += 3_600_000;
  made.pass(5_000);
  assert.equal(made.sockets.length, 2);
});

test("the network coming back hurries the next try", () => {
  const made = world();
  made.connect();
  made.sockets[0].onclose({ code: 1006 });
  made.link.hurry();
  assert.equal(made.sockets.length, 2);
  made.pass(5_000);
  assert.equal(made.sockets.length, 2);
});

test("nothing is said while nobody listens", () => {
  const made = world();
  made.link.send({ type: "ack", seq: 1 });
  assert.deepEqual(made.sockets[0].sent, []);
});

test("a handshake refused to somebody signed out is final", async () => {
  const made = world();
  made.connect();
  made.sockets[0].onclose({ code: 1006 });
  made.status = 401;
  made.pass(500);
  made.sockets[1].onclose({ code: 1006 });
  await Promise.resolve();
  made.pass(60_000);
  assert.deepEqual(made.ended, ["signed-out"]);
  assert.equal(made.states.at(-1), "off");
  assert.equal(made.sockets.length, 2);
});

test("a handshake that failed for another reason is tried again", async () => {
  for (const status of [0, 200, 503]) {
    const made = world();
    made.status = status;
    made.sockets[0].onclose({ code: 1006 });
    await Promise.resolve();
    made.pass(500);
    made.connect();
    assert.deepEqual(made.ended, []);
    assert.equal(made.states.at(-1), "live");
  }
});

test("a connection that was open before it was lost asks nobody", async () => {
  const made = world();
  made.connect();
  made.status = 401;
  made.sockets[0].onclose({ code: 1006 });
  await Promise.resolve();
  assert.deepEqual(made.ended, []);
});
