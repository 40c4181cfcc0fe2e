/**
 * The connections of a server: the list follows openings, closings and counters.
 */

import * as head from "app/head";
import { live } from "app/live";
import { seldom } from "app/refresh";

const renew = seldom("[data-connections]", 1_000);
let seen = "";

const link = live(head.path, {
  message: (frame) => {
    head.take(frame);
    const counted = frame.type === "stats" ? `${frame.received} ${frame.sent} ${frame.connections}` : seen;
    if (frame.type === "connection" || counted !== seen) renew();
    seen = counted;
    link.send({ type: "ack", seq: 0 });
  },
});
