/**
 * A server's page: the conversation follows the WebSocket, the inspector shows the chosen message, the send box sends.
 */

import { Conversation } from "app/conversation";
import { write } from "app/element";
import { count } from "app/figures";
import * as head from "app/head";
import { live } from "app/live";
import { renew } from "app/refresh";
import { SendBox } from "app/sendbox";
import { toast } from "app/toast";
import { visibleText } from "app/visible";

const SOON = 100; // milliseconds until frames without a number are acknowledged

const root = /** @type {HTMLElement} */ (document.querySelector("[data-conversation]"));
const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-send]"));

const conversation = new Conversation(root, { name: head.name, chosen: inspect });
const box = form && new SendBox(form, { name: head.name, isDatagram: "datagram" in form.dataset });

/** @type {Promise<import("app/inspector").Inspector> | undefined} */
let opening;

/** The inspector, fetched when the first message is chosen. */
function inspector() {
  opening ??= import("app/inspector").then(({ Inspector }) => {
    const pane = /** @type {HTMLElement} */ (document.querySelector("[data-inspector]"));
    return new Inspector(pane, { name: head.name, closed: () => conversation.unchoose() });
  });
  return opening;
}

async function inspect(row) {
  await (await inspector()).show(row);
  conversation.reveal(document.querySelector("[data-inspector]"));
}

let address = document.querySelector(".server-head [data-address]").textContent;

/** How to talk to it is told anew when it has moved. */
function moved(frame) {
  const now = visibleText(frame.address);
  if (now !== address) renew("[data-try] .talk");
  address = now;
}

const TAKES = {
  state: (frame) => moved(frame),
  messages: (frame) => conversation.take(frame),
  connection: (frame) => {
    conversation.happened(frame);
    box?.refreshSoon();
  },
  stats: (frame) => numbers(frame),
  error: (frame) => toast(frame.message, "error"),
};

const link = live(head.path, {
  hello: () => conversation.hello(),
  message: (frame) => {
    head.take(frame);
    TAKES[frame.type]?.(frame);
    if (frame.type !== "messages") timer ??= setTimeout(() => acknowledge(conversation.rows.newest), SOON);
  },
});

let timer;

/** Tell the server what is on the screen: it sends no more than a few batches ahead. */
function acknowledge(seq) {
  clearTimeout(timer);
  timer = undefined;
  link.send({ type: "ack", seq });
}

function numbers(frame) {
  const lost = (dropped) => Object.values(dropped).reduce((sum, one) => sum + one, 0);
  write(root.querySelector("[data-count=received]"), count(frame.received));
  write(root.querySelector("[data-count=sent]"), count(frame.sent));
  const dropped = lost(frame.dropped) + lost(frame.sent_dropped);
  const place = /** @type {HTMLElement} */ (root.querySelector("[data-dropped]"));
  place.hidden = dropped === 0;
  place.title = [frame.dropped, frame.sent_dropped].flatMap(Object.entries).map(([why, number]) => `${why}: ${count(number)}`).join(", ");
  write(place.querySelector("[data-count=dropped]"), count(dropped));
}

function follow() {
  const seq = Number(location.hash.slice(1));
  if (Number.isSafeInteger(seq) && seq > 0) conversation.choose(seq);
}

conversation.acknowledge(acknowledge);
document.addEventListener("app:escape", async () => (await opening)?.close());
addEventListener("hashchange", follow);
box?.refreshSoon();
follow();
