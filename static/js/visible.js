/**
 * Captured bytes as text that can be read and cannot lie: control characters, bytes that are no UTF-8, and characters that are
 * invisible or change the direction of others become marks. It knows no DOM. sockpanel/visible.py is the same table; a test compares them.
 *
 *     pieces(bytes of "ok\r\n")  ->  [{ text: "ok", mark: false }, { text: "\\r\\n", mark: true }]
 */

/** First and last code point of what is never shown as itself (Unicode's Cc, Cf, Zl, Zp, Zs but the space, and invisible letters). */
export const HIDDEN = [
  [0x0000, 0x001f], [0x007f, 0x00a0], [0x00ad, 0x00ad], [0x034f, 0x034f], [0x0600, 0x0605], [0x061c, 0x061c],
  [0x06dd, 0x06dd], [0x070f, 0x070f], [0x0890, 0x0891], [0x08e2, 0x08e2], [0x115f, 0x1160], [0x1680, 0x1680],
  [0x17b4, 0x17b5], [0x180b, 0x180f], [0x2000, 0x200f], [0x2028, 0x202f], [0x205f, 0x206f], [0x2800, 0x2800],
  [0x3000, 0x3000], [0x3164, 0x3164], [0xfe00, 0xfe0f], [0xfeff, 0xfeff], [0xffa0, 0xffa0], [0xfff0, 0xfffb],
  [0x110bd, 0x110bd], [0x110cd, 0x110cd], [0x13430, 0x1343f], [0x1bca0, 0x1bca3], [0x1d173, 0x1d17a], [0xe0000, 0xe0fff],
];

const NAMED = new Map([[0x00, "\\0"], [0x09, "\\t"], [0x0a, "\\n"], [0x0d, "\\r"]]);

/**
 * Text and marks in order; neighbours of one sort are joined.
 * @param {Uint8Array} bytes
 * @returns {{text: string, mark: boolean}[]}
 */
export function pieces(bytes) {
  const found = [];
  let text = "";
  let mark = false;
  const put = (part, isMark) => {
    if (isMark !== mark && text) {
      found.push({ text, mark });
      text = "";
    }
    mark = isMark;
    text += part;
  };
  for (let at = 0; at < bytes.length; ) {
    const [code, length] = decode(bytes, at);
    if (code < 0) put(escaped(bytes[at]), true);
    else if (isHidden(code)) put(marked(code), true);
    else put(String.fromCodePoint(code), false);
    at += length;
  }
  if (text) found.push({ text, mark });
  return found;
}

/**
 * The same as one string, for places without markup.
 * @param {Uint8Array} bytes
 */
export function visible(bytes) {
  return pieces(bytes).map((piece) => piece.text).join("");
}

/**
 * A string from outside (a peer's name, a reason) made visible.
 * @param {string} text
 */
export function visibleText(text) {
  return visible(new TextEncoder().encode(text));
}

/**
 * Without the unfinished character that a cut may have left at the end.
 * @param {Uint8Array} bytes
 */
export function wholeCharacters(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte >= 0xc2 && byte <= 0xf4) return back < lengthOf(byte) ? bytes.subarray(0, bytes.length - back) : bytes;
    if (byte < 0x80 || byte > 0xbf) return bytes;
  }
  return bytes;
}

/** One character of strict UTF-8: its code point (-1: this byte is none) and how many bytes it took. */
function decode(bytes, at) {
  const lead = bytes[at];
  if (lead < 0x80) return [lead, 1];
  const length = lengthOf(lead);
  if (!length || at + length > bytes.length) return [-1, 1];
  let code = lead & (0x7f >> length);
  for (let next = at + 1; next < at + length; next++) {
    if ((bytes[next] & 0xc0) !== 0x80) return [-1, 1];
    code = (code << 6) | (bytes[next] & 0x3f);
  }
  const overlong = code < [0, 0, 0x80, 0x800, 0x10000][length];
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return overlong || surrogate || code > 0x10ffff ? [-1, 1] : [code, length];
}

function lengthOf(lead) {
  if (lead >= 0xc2 && lead <= 0xdf) return 2;
  if (lead >= 0xe0 && lead <= 0xef) return 3;
  return lead >= 0xf0 && lead <= 0xf4 ? 4 : 0;
}

function isHidden(code) {
  if (code >= 0x20 && code < 0x7f) return false;
  let low = 0;
  let high = HIDDEN.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (code < HIDDEN[middle][0]) high = middle - 1;
    else if (code > HIDDEN[middle][1]) low = middle + 1;
    else return true;
  }
  return false;
}

function marked(code) {
  if (code < 0x80) return NAMED.get(code) ?? escaped(code);
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

function escaped(byte) {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

/** A sentence of the panel as plain text: visible, and without the back ticks around its code. */
export function plainText(text) {
  return visibleText(text).replaceAll("`", "");
}
