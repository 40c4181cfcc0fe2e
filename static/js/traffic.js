/**
 * The traffic of a server: the account and the list of refusals follow its counters.
 */

import * as head from "app/head";
import { live } from "app/live";
import { seldom } from "app/refresh";

const renew = seldom("[data-traffic]", 1_000);
let seen = "";

const link = live(head.path, {
  message: (frame) => {
    head.take(frame);
    const counted = frame.type === "stats" ? JSON.stringify(frame) : seen;
    if (frame.type === "incident" || counted !== seen) renew();
    seen = counted;
    link.send({ type: "ack", seq: 0 });
  },
});
