// What is asked of the service, and what went wrong with it.

export class Problem extends Error {
  /** `kind` is the last part of the problem's type, such as `no-state`. */
  constructor(status, title, detail, type = "") {
    super(detail || title);
    this.status = status;
    this.title = title;
    this.kind = type.replace(/^\/problems\//, "");
  }
}

// What was asked for before there were modules, each to be taken once.
const early = window.early ?? new Map();

async function send(path, options) {
  const begun = early.get(path);
  early.delete(path);
  try {
    return await (begun ?? fetch(path, { credentials: "same-origin", ...options }));
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "no answer", "The service does not answer");
  }
}

/** Ask; the answer's text, or a Problem. Status 0: there was no answer. */
async function ask(path, options) {
  const response = await send(path, options);
  if (response.ok) return response.text();
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) window.dispatchEvent(new CustomEvent("key-needed", { detail: problem.detail }));
  throw new Problem(response.status, problem.title ?? response.statusText, problem.detail, problem.type);
}

const query = (parameters) => {
  const each = Object.entries(parameters).flatMap(([name, value]) => (Array.isArray(value) ? value.map((one) => [name, one]) : [[name, value]]));
  const pairs = each.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
};

/** The address of a look-up. */
export const address = (path, parameters = {}) => `/v1/${path}${query(parameters)}`;

/** Look up, as text: the browser asks again with the ETag, and an answer that stayed the same is the same text. */
export const getText = (path, parameters = {}, signal = undefined) => ask(address(path, parameters), { signal });

export const get = async (...args) => JSON.parse(await getText(...args));

const sent = (method) => async (path, body, signal = undefined) =>
  JSON.parse(
    await ask(`/v1/${path}`, {
      method,
      signal,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  );

export const post = sent("POST");
export const patch = sent("PATCH");

/** Whether the service can answer, and if not, why: `{ready, reasons}`. */
export async function readiness() {
  const response = await send("/readyz", {});
  return response.json().catch(() => ({ ready: response.ok, reasons: [] }));
}

/** Show a key once; the browser keeps it as a cookie that no script reads. */
export const signIn = (key) => ask("/v1/session", { method: "POST", headers: { Authorization: `Bearer ${key}` } });

/** Whether an id can be a part of a path: these two are steps there, however they are written. */
export const askable = (id) => id !== "." && id !== "..";

/** An id as a part of a path. */
export const part = (id) => encodeURIComponent(id);

/** The page of a customer. */
export const ofCustomer = (id) => `#/customers/${part(id)}`;
