/**
 * The Client page: the exchange is made by the API and its outcome put where the page has it; the form goes on standing there.
 */

import { ApiError, call, sentence } from "app/api";
import { fromBase64 } from "app/bytes";
import { copyOf, element, shown, write } from "app/element";
import { clock, count, utc } from "app/figures";
import { foldedText } from "app/folded";
import { onKeys } from "app/keys";
import { visibleText } from "app/visible";

const FIXED = {
  tcp: { transport: "tcp" },
  udp: { transport: "udp" },
  time: { transport: "udp", expect: 1 },
  broadcast: { transport: "udp", broadcast: true },
};
const HELP = {
  tcp: "Text with escapes: \\r \\n \\t \\0 \\xNN \\\\",
  udp: "Text with escapes: \\r \\n \\t \\0 \\xNN \\\\ · an empty datagram is a message too.",
  time: "Empty asks for the server's own format; or a strftime format, such as %Y-%m-%d %X.",
  broadcast: "Text with escapes; everyone in the network has until the time is up to answer.",
};

const form = /** @type {HTMLFormElement} */ (document.querySelector("[data-client]"));
const answer = /** @type {HTMLElement} */ (document.querySelector("[data-answer]"));
const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));

function value(name) {
  return /** @type {any} */ (form.elements.namedItem(name)).value;
}

function isOn(name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name)).checked;
}

function show() {
  const transport = value("transport");
  /** @type {HTMLElement} */ (form.querySelector("[data-framing]")).hidden = transport !== "tcp";
  /** @type {HTMLElement} */ (form.querySelector("[data-tls]")).hidden = transport !== "tcp";
  /** @type {HTMLElement} */ (form.querySelector("[data-tls-more]")).hidden = !isOn("tls");
  for (const field of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-framing-for]"))) {
    field.hidden = !field.dataset.framingFor.split(" ").includes(value("framing.type"));
  }
  write(form.querySelector("[data-data-label]"), transport === "time" ? "Format" : "Bytes");
  write(form.querySelector("[data-data-help]"), value("encoding") === "hex" ? "Hex: 48 65 6c 6c 6f, with or without blanks." : HELP[transport]);
}

function words() {
  const number = (text) => (text.trim() === "" || Number.isNaN(Number(text)) ? text || null : Number(text));
  const asked = {
    ...FIXED[value("transport")],
    host: value("host"),
    port: number(value("port")),
    data: value("data"),
    encoding: value("encoding"),
    timeout: number(value("timeout")),
  };
  if (asked.transport === "tcp" && isOn("tls")) {
    asked.tls = { ca: value("tls.ca"), name: value("tls.name").trim(), insecure: isOn("tls.insecure") };
  }
  const type = value("framing.type");
  if (asked.transport !== "tcp" || type === "none") return asked;
  const framing = { type };
  if (["fixed", "length"].includes(type)) framing.size = number(value("framing.size"));
  if (type === "delimiter") framing.delimiter = value("framing.delimiter");
  if (type === "length") {
    framing.order = value("framing.order");
    framing.includes_itself = isOn("framing.includes_itself");
  }
  return { ...asked, framing };
}

function busy(isBusy) {
  button.disabled = isBusy;
  button.classList.toggle("is-busy", isBusy);
}

function trouble(text) {
  return element("p", { class: "trouble", role: "alert" }, copyOf("icon-error"), element("span", {}, text));
}

async function send() {
  busy(true);
  problem("", "");
  try {
    const { body } = await call("POST", "/client", words());
    answer.replaceChildren(exchange(body));
    remember();
  } catch (error) {
    const field = error instanceof ApiError ? error.field : "";
    if (!problem(field, sentence(error))) answer.replaceChildren(trouble(sentence(error)));
  }
  busy(false);
}

/** The sentence beside its field; whether there is such a field. */
function problem(field, text) {
  let isThere = false;
  for (const place of /** @type {NodeListOf<HTMLElement>} */ (form.querySelectorAll("[data-problem-for]"))) {
    const isIt = Boolean(field) && place.dataset.problemFor === field;
    place.hidden = !isIt;
    if (isIt) write(place.querySelector("span"), text);
    isThere ||= isIt;
  }
  return isThere;
}

function exchange(done) {
  const made = copyOf("exchange");
  const number = done.received.length;
  write(made.querySelector("[data-outcome]"), `${count(number)} message${number === 1 ? "" : "s"} back`);
  write(made.querySelector("[data-seconds]"), `${done.seconds.toFixed(3)} s`);
  write(made.querySelector("[data-note]"), visibleText(done.note ?? ""));
  if (done.tls) {
    /** @type {HTMLElement} */ (made.querySelector("[data-met]")).hidden = false;
    write(made.querySelector("[data-met-words]"), met(done.tls));
  }
  made.querySelector("[data-pieces]").replaceChildren(
    piece("out", { data: done.sent, at: done.sent_at, peer: done.peer }),
    ...done.received.map((one) => piece("in", one)),
  );
  return made;
}

/** Whom TLS was spoken with. */
function met(tls) {
  const who = visibleText(tls.subject) || "a certificate without a name";
  const told = `${tls.version} · ${who}, from ${visibleText(tls.issuer)}, until ${tls.until.slice(0, 10)}`;
  return tls.believed ? told : `${told} · not checked`;
}

/** @param {{data: string, at: string, peer: string, after_ms?: number}} one */
function piece(way, one) {
  const { data, at, peer, after_ms: after } = one;
  const made = copyOf("exchange-piece");
  const bytes = fromBase64(data);
  made.className = `piece piece-${way}`;
  write(made.querySelector("[data-way]"), way === "out" ? "→ sent" : "← received");
  write(made.querySelector("[data-peer]"), visibleText(peer));
  write(made.querySelector("[data-size]"), `${count(bytes.length)} B`);
  const time = made.querySelector("time");
  time.dateTime = at;
  time.title = utc(at);
  write(time, clock(at));
  if (after !== undefined) write(made.querySelector("[data-after]"), `after ${after.toFixed(1)} ms`);
  const place = /** @type {HTMLElement} */ (made.querySelector("[data-bytes]"));
  if (!bytes.length) place.append(element("span", { class: "mark" }, "empty"));
  made.append(foldedText(place, bytes, (from, to) => place.append(shown(bytes.subarray(from, to)))));
  return made;
}

/** The form lives in the address, so that it can be kept and handed on. */
function remember() {
  const query = new URLSearchParams(/** @type {any} */ (new FormData(form)));
  query.delete("csrfmiddlewaretoken");
  for (const [key, text] of [...query]) if (!text || key === "tls.ca") query.delete(key);
  history.replaceState(null, "", `?${query}`);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send();
});
form.addEventListener("change", show);
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
onKeys("Enter", () => form.requestSubmit());
show();
