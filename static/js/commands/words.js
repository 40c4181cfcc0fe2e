/**
 * A command line, cut into words as a POSIX shell cuts one: blanks part words; quotes and backslashes keep them together. Nothing is
 * expanded. It knows no DOM; a line that cannot be cut throws an Error whose message is a sentence for whoever typed it.
 *
 *     words("ps -o 'pid comm'")  ->  ["ps", "-o", "pid comm"]
 */

const PIECE = /\s+|'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)|[^]/g;

/** @param {string} line */
export function words(line) {
  const found = [];
  let word = null; // not begun
  for (const [all, single, double, escaped, plain] of line.matchAll(PIECE)) {
    const text = single ?? double?.replace(/\\(["\\$`\n])/g, "$1") ?? escaped ?? plain;
    if (text !== undefined) {
      word = (word ?? "") + text;
    } else if (/^\s/.test(all)) {
      if (word !== null) found.push(word);
      word = null;
    } else {
      throw new Error(all === "\\" ? "The line ends in a backslash: write \\\\ for one." : `A ${all} is not closed: close it, or write \\${all}.`);
    }
  }
  return word === null ? found : [...found, word];
}

/**
 * The words as a line that `words` cuts into them again.
 * @param {string[]} list
 */
export function written(list) {
  return list.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(" ");
}
