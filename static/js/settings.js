/**
 * The settings of a server: the head follows the server, the form shows what matters.
 */

import * as head from "app/head";
import { live } from "app/live";
import { enable } from "app/serverform";

const link = live(head.path, {
  message: (frame) => {
    head.take(frame);
    link.send({ type: "ack", seq: 0 });
  },
});

enable(document.querySelector("[data-server-form]"));
