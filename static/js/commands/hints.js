/**
 * What may be typed next, of the commands that a target allows. It knows no DOM.
 *
 *     hints([{ id: "uname", explains: "The system", usage: ["-s|-n|-r ..."], choices: ["-s", "-n", "-r"] }], "una")
 *     ->  [{ line: "uname ", shown: "uname -s|-n|-r ...", explains: "The system" }]
 */

const MOST = 40;

/**
 * @typedef {{id: string, explains: string, usage: string[], choices: string[]}} Allowed
 * @typedef {{line: string, shown: string, explains: string}} Hint
 */

/**
 * @param {Allowed[]} commands
 * @param {string} typed
 * @returns {Hint[]}
 */
export function hints(commands, typed) {
  const text = typed.trimStart();
  const blank = text.search(/\s/);
  if (blank < 0) return commands.filter(({ id }) => id.startsWith(text)).slice(0, MOST).map(begin);
  const command = commands.find(({ id }) => id === text.slice(0, blank));
  if (!command) return [];
  const begun = /\S*$/.exec(text)[0];
  const before = text.slice(0, text.length - begun.length);
  const used = before.split(/\s+/);
  const fitting = command.choices.filter((choice) => choice.startsWith(begun) && !used.includes(choice));
  return fitting.slice(0, MOST).map((choice) => ({ line: `${before}${choice} `, shown: choice, explains: "" }));
}

/**
 * What every one of several targets allows.
 * @param {Allowed[][]} lists
 */
export function common(lists) {
  const [first = [], ...rest] = lists;
  return first.filter(({ id }) => rest.every((list) => list.some((other) => other.id === id)));
}

/** The command that a line begins with, once its name is whole. */
export function begunWith(commands, typed) {
  const [id, ...rest] = typed.trimStart().split(/\s/);
  return rest.length ? commands.find((command) => command.id === id) : undefined;
}

function begin({ id, usage, explains }) {
  return { line: `${id} `, shown: [id, ...usage].join(" "), explains };
}
