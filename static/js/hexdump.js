/**
 * Bytes as lines of a hex dump: offset, hex pairs, and beside each pair its character. It knows no DOM.
 *
 *     hexdump(bytes of "Hi\n")  ->  [{ offset: 0, label: "0000", pairs: ["48", "69", "0a"], chars: ["H", "i", "·"] }]
 */

/**
 * @param {Uint8Array} bytes
 * @param {number} width bytes on a line
 */
export function hexdump(bytes, width = 16) {
  const lines = [];
  for (let offset = 0; offset < bytes.length; offset += width) {
    const part = Array.from(bytes.subarray(offset, offset + width));
    lines.push({
      offset,
      label: offset.toString(16).padStart(4, "0"),
      pairs: part.map((byte) => byte.toString(16).padStart(2, "0")),
      chars: part.map(character),
    });
  }
  return lines;
}

/** One byte as one character: printable ASCII as itself, anything else as a dot. */
export function character(byte) {
  return byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
}
