/**
 * A server whose conversation is not for everybody: the head follows the server, and no message is asked for.
 */

import * as head from "app/head";
import { live } from "app/live";

const link = live(head.path, {
  message: (frame) => {
    head.take(frame);
    link.send({ type: "ack", seq: 0 });
  },
});
