/**
 * The history of a server: a new state brings new rows.
 */

import * as head from "app/head";
import { live } from "app/live";
import { seldom } from "app/refresh";

const renew = seldom("[data-history]", 500);
let seen = head.state();

const link = live(head.path, {
  message: (frame) => {
    head.take(frame);
    if (frame.type === "state" && frame.state !== seen) renew();
    if (frame.type === "state") seen = frame.state;
    link.send({ type: "ack", seq: 0 });
  },
});
