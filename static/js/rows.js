/**
 * The rows of a conversation: messages, connections' openings and closings, and gaps (messages that are stored and not here), in
 * order, at most `capacity` of them. It knows no DOM and no network.
 *
 * Messages are numbered without holes, so a jump in the numbers is a gap and a number seen before is a double. While someone reads
 * further up (`following` is false) nothing is taken away above him: what no longer fits becomes a gap at the end.
 */

/**
 * @typedef {{sort: "message", place: number, seq: number, at: string, connection: number, peer: string, direction: string,
 *   size: number, truncated: boolean, sentBy: string | null, head: string, whole: boolean}} Message
 * @typedef {{sort: "event", place: number, number: number, peer: string, event: string, at: string, why: string}} Event
 * @typedef {{sort: "gap", place: number, from: number, to: number}} Gap
 * @typedef {Message | Event | Gap} Row
 */

const HEAD = 256; // base64 characters kept of each message here: 192 bytes, more than a line shows; the inspector asks for the rest

/**
 * A MESSAGE of the API or the WebSocket as a row.
 * @returns {Message}
 */
export function asRow(message) {
  return {
    sort: "message",
    place: message.seq,
    seq: message.seq,
    at: message.at,
    connection: message.connection,
    peer: message.peer,
    direction: message.direction,
    size: message.size,
    truncated: message.truncated,
    sentBy: message.sent_by,
    head: message.data.slice(0, HEAD),
    whole: message.data.length <= HEAD,
  };
}

export class Rows {
  /** @param {number} capacity */
  constructor(capacity = 50_000) {
    this.capacity = capacity;
    /** @type {Row[]} */
    this.items = [];
    this.newest = 0; // the number of the last message that is here or in a gap
    /** Told (index, rows put in there); negative when rows were taken away. */
    this.onInsert = (_index, _count) => {};
  }

  get length() {
    return this.items.length;
  }

  /** The number of the first message here; null when there is none. */
  get first() {
    return this.items.find((item) => item.sort !== "event")?.place ?? null;
  }

  /** The gap at the end that stands for newer messages; null when the newest ones are here. */
  get tail() {
    const last = this.items.at(-1);
    return last?.sort === "gap" ? last : null;
  }

  /**
   * New messages; `to` is the last number that they stand for. Returns how many were new.
   * @param {Message[]} messages
   */
  add(messages, to, following = true) {
    const before = this.newest;
    for (const message of messages) {
      if (message.seq <= this.newest) continue;
      if (message.seq > this.newest + 1) this.#gap(this.newest + 1, message.seq - 1);
      if (following || this.items.length < this.capacity) this.items.push(message);
      else this.#gap(message.seq, message.seq);
      this.newest = message.seq;
    }
    if (to > this.newest) {
      this.#gap(this.newest + 1, to);
      this.newest = to;
    }
    this.#trim(following);
    return this.newest - before;
  }

  /**
   * A connection opened or closed; doubles and what lies before the first row are dropped.
   * @param {Event} event
   */
  addEvent(event, following = true) {
    if (this.items.length && event.place < this.items[0].place && this.items[0].place > 1) return;
    const index = this.#after(event.place);
    for (let at = index - 1; at >= 0 && this.items[at].place === event.place; at--) {
      const other = this.items[at];
      if (other.sort === "event" && other.number === event.number && other.event === event.event) return;
    }
    if (!following && this.items.length >= this.capacity) return;
    this.items.splice(index, 0, event);
    if (index < this.items.length - 1) this.onInsert(index, 1);
    this.#trim(following);
  }

  /**
   * Messages from before the first row; where they do not reach it, a gap stands between.
   * @param {Message[]} messages
   */
  addOlder(messages) {
    const first = this.first ?? this.newest + 1;
    /** @type {Row[]} */
    const older = messages.filter((message) => message.seq < first);
    if (!older.length) return;
    const last = messages[older.length - 1].seq;
    if (last < first - 1) older.push(gapOf(last + 1, first - 1));
    this.items.unshift(...older);
    this.onInsert(0, older.length);
    this.#trim(false);
  }

  /**
   * Put messages into the gap that they are from. What lies before them in the gap is `lost` when the store no longer had it.
   * @param {Gap} gap
   * @param {Message[]} messages
   */
  fill(gap, messages, lost = false) {
    const index = this.items.indexOf(gap);
    if (index < 0) return;
    const inside = messages.filter((message) => message.seq >= gap.from && message.seq <= gap.to);
    /** @type {Row[]} */
    const rows = [...inside];
    const [first, last] = inside.length ? [inside[0].seq, inside[inside.length - 1].seq] : [gap.to + 1, gap.to];
    if (first > gap.from && !lost) rows.unshift(gapOf(gap.from, first - 1));
    if (last < gap.to) rows.push(gapOf(last + 1, gap.to));
    this.items.splice(index, 1, ...rows);
    this.onInsert(index + 1, rows.length - 1);
  }

  /** Everything off the screen; nothing is deleted from the store. */
  clear() {
    this.items = [];
  }

  /** Where the message of this number is; -1 when it is not here. */
  indexOf(seq) {
    const index = this.#after(seq) - 1;
    const row = this.items[index];
    return row?.sort === "message" && row.seq === seq ? index : -1;
  }

  /** The index after the last row whose place is at most `place`. */
  #after(place) {
    let low = 0;
    let high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.items[middle].place <= place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #gap(from, to) {
    const last = this.items.at(-1);
    if (last?.sort === "gap" && last.to === from - 1) last.to = to;
    else this.items.push(gapOf(from, to));
  }

  #trim(following) {
    const excess = this.items.length - this.capacity;
    if (excess <= 0) return;
    if (following) {
      this.items.splice(0, excess);
      this.onInsert(0, -excess);
      return;
    }
    const gone = this.items.splice(this.capacity - 1);
    const from = gone.find((row) => row.sort !== "event")?.place;
    if (from !== undefined) this.items.push(gapOf(from, this.newest));
  }
}

/** @returns {Gap} */
function gapOf(from, to) {
  return { sort: "gap", place: from, from, to };
}
