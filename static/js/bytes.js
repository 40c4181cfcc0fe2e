/**
 * Bytes to and from the ways people write them: base64, hex, and text with escapes (\r \n \t \0 \\ \xNN; all else is UTF-8).
 * It knows no DOM. What cannot be read throws an Error whose message is a sentence for the person who typed it.
 */

const NAMED = new Map([["r", 0x0d], ["n", 0x0a], ["t", 0x09], ["0", 0x00], ["\\", 0x5c]]);
const SHOWN = new Map([[0x0d, "\\r"], [0x0a, "\\n"], [0x09, "\\t"], [0x00, "\\0"], [0x5c, "\\\\"]]);

/** @param {string} text */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

/** @param {Uint8Array} bytes */
export function toBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

/**
 * @param {Uint8Array} bytes
 * @param {string} between
 */
export function toHex(bytes, between = " ") {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(between);
}

/**
 * Hex digits, with or without blanks, colons, commas and 0x between the bytes.
 * @param {string} text
 */
export function fromHex(text) {
  const digits = text.replace(/0x|[\s:,]/gi, "");
  const wrong = digits.search(/[^0-9a-f]/i);
  if (wrong >= 0) throw new Error(`“${digits[wrong]}” is no hex digit: write bytes as 48 65 6c 6c 6f.`);
  if (digits.length % 2) throw new Error("One hex digit is left over: every byte has two.");
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

/**
 * The bytes that text with escapes means.
 * @param {string} text
 */
export function fromEscapes(text) {
  const bytes = [];
  let end = 0;
  for (const match of text.matchAll(/\\(x[0-9a-f]{2}|[rnt0\\])|\\/gi)) {
    bytes.push(...new TextEncoder().encode(text.slice(end, match.index)), escaped(match));
    end = match.index + match[0].length;
  }
  bytes.push(...new TextEncoder().encode(text.slice(end)));
  return Uint8Array.from(bytes);
}

function escaped(match) {
  const name = match[1];
  if (name?.length === 3 && name[0] === "x") return parseInt(name.slice(1), 16);
  if (NAMED.has(name)) return NAMED.get(name);
  throw new Error(
    `The backslash at position ${match.index + 1} begins no escape: write \\r, \\n, \\t, \\0, \\xNN, or \\\\ for a backslash.`,
  );
}

/**
 * Text with escapes that fromEscapes turns back into exactly these bytes.
 * @param {Uint8Array} bytes
 */
export function toEscapes(bytes) {
  const text = asText(bytes);
  if (text === null) return Array.from(bytes, (byte) => shown(byte)).join("");
  return Array.from(text, (char) => {
    const code = char.codePointAt(0);
    if (SHOWN.has(code)) return SHOWN.get(code);
    return /[\p{C}\p{Zl}\p{Zp}]/u.test(char) ? Array.from(new TextEncoder().encode(char), hexed).join("") : char;
  }).join("");
}

/**
 * The text that these bytes are in UTF-8; null when they are none.
 * @param {Uint8Array} bytes
 */
export function asText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

function shown(byte) {
  return SHOWN.get(byte) ?? (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : hexed(byte));
}

function hexed(byte) {
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}
