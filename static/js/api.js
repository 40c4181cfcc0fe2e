/**
 * The panel's own API, /api/v1, asked with the session and its CSRF token. A failure is thrown as an ApiError whose message is the
 * sentence that the panel said. It draws nothing.
 */

const CONFIRM = "SP-1011"; // the password is asked for again

export class ApiError extends Error {
  constructor(message, { status = 0, code = "", field = "", problems = {} } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
    this.problems = problems;
  }
}

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {object} [body] sent as JSON
 * @returns {Promise<{status: number, body: any}>}
 */
export async function call(method, path, body) {
  try {
    return await ask(method, path, body);
  } catch (error) {
    if (error.code !== CONFIRM || path === "/confirm") throw error;
    if (!(await (await import("app/confirming")).confirmed(error.message))) throw error;
    return ask(method, path, body);
  }
}

async function ask(method, path, body) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(`/api/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new ApiError("The panel does not answer: look whether it still runs.");
  }
  if (response.status === 401) signIn();
  const told = response.status === 204 ? null : await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(told?.detail ?? `The panel answered with ${response.status}.`, { ...told, status: response.status });
  return { status: response.status, body: told };
}

/** The sentence of whatever was thrown. */
export function sentence(error) {
  return error instanceof Error ? error.message : String(error);
}

/** To the sign-in page, and back here afterwards. */
export function signIn() {
  location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search + location.hash)}`);
}

function csrfToken() {
  return /** @type {HTMLMetaElement} */ (document.querySelector("meta[name=csrf-token]")).content;
}
