/**
 * A row of the conversation as nodes, and the server's own rows read back. The template _rows.html has the same shape.
 */

import { fromBase64, toHex } from "app/bytes";
import { element, shown } from "app/element";
import { clock, count, utc } from "app/figures";
import { visibleText, wholeCharacters } from "app/visible";

const HEX_BYTES = 64; // of a line

const CELLS = { time: "r-time", lane: "r-lane", way: "r-way", size: "r-size", text: "r-text" };

/** An empty row; it is filled again and again. */
export function createLine() {
  return element("div", { class: "entry", role: "row" });
}

/**
 * @param {HTMLElement} node
 * @param {import("app/rows").Row} row
 * @param {{view: string, chosen: number}} how
 */
export function drawLine(node, row, how) {
  const draw = { message: drawMessage, event: drawEvent, gap: drawGap }[row.sort];
  node.removeAttribute("aria-selected");
  node.removeAttribute("id");
  delete node.dataset.seq;
  draw(node, row, how);
}

function drawMessage(node, row, { view, chosen }) {
  node.className = `entry row-${row.direction} lane-${row.connection % 8}`;
  node.dataset.seq = row.seq;
  node.id = `row-${row.seq}`;
  if (row.seq === chosen) node.setAttribute("aria-selected", "true");
  const text = element("span", { class: CELLS.text, role: "gridcell" });
  if (row.sentBy) text.append(element("span", { class: "by" }, visibleText(row.sentBy)));
  text.append(bytesOf(row, view));
  node.replaceChildren(
    cell("time", timeOf(row.at)),
    titled(cell("lane", `#${row.connection}`), visibleText(row.peer)),
    cell("way", row.direction === "in" ? "→ in" : "← out"),
    cell("size", count(row.size)),
    text,
  );
}

function drawEvent(node, row) {
  node.className = `entry row-event lane-${row.number % 8}`;
  const words = [row.event, row.peer, row.why].filter(Boolean).map(visibleText).join(" · ");
  node.replaceChildren(
    cell("time", timeOf(row.at)),
    cell("lane", `#${row.number}`),
    element("span", { class: "r-event", role: "gridcell", title: words }, words),
  );
}

function drawGap(node, row) {
  node.className = "entry row-gap";
  const button = element("button", { type: "button", class: "btn btn-sm", "data-load": "" }, "load");
  node.replaceChildren(
    element("span", { class: "r-gap", role: "gridcell" }, `${count(row.to - row.from + 1)} not shown `, button),
  );
}

function bytesOf(row, view) {
  const bytes = fromBase64(row.head);
  if (!row.size) return element("span", { class: "mark" }, "empty");
  if (view === "text") return shown(row.whole ? bytes : wholeCharacters(bytes));
  const hex = element("span", { class: "hex" }, toHex(bytes.subarray(0, HEX_BYTES)));
  if (view === "hex") return hex;
  const both = document.createDocumentFragment();
  both.append(hex, element("span", { class: "beside" }, shown(row.whole ? bytes : wholeCharacters(bytes))));
  return both;
}

function cell(name, content) {
  return element("span", { class: CELLS[name], role: "gridcell" }, content);
}

function titled(node, title) {
  node.title = title;
  return node;
}

function timeOf(at) {
  return element("time", { datetime: at, title: utc(at) }, clock(at));
}

/**
 * The row that the server rendered as `node`.
 * @param {HTMLElement} node
 * @returns {any}
 */
export function readLine(node) {
  const { seq, c, peer, event, why, size, dir, by, b } = node.dataset;
  const at = node.querySelector("time").dateTime;
  if (event) return { sort: "event", place: Number(seq) + 0.5, number: Number(c), peer, event, at, why };
  return {
    sort: "message",
    place: Number(seq),
    seq: Number(seq),
    at,
    connection: Number(c),
    peer,
    direction: dir,
    size: Number(size),
    truncated: "truncated" in node.dataset,
    sentBy: by ?? null,
    head: b,
    whole: !("part" in node.dataset),
  };
}
