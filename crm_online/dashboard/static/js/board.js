// What all views show of the service: read again while events come in, and passed to listeners.

import { getText, readiness } from "./api.js";

const EVERY = 2000;
// The costly parts of what is served are made anew a little later than the rest: what is asked just after the last
// event may lack it.
const AGAIN = 5;
const SETTLED = AGAIN * EVERY;
const SEEN = 150;
const FRESH = 4000;

const PATHS = { segments: "segments", picture: "picture", sizes: "segment-sizes", predictions: "predictions", rejects: "rejects", drifts: "drifts" };

class Board {
  #listeners = new Map();
  #users = new Map();
  #texts = new Map();
  #fetching = new Set();
  #again = AGAIN;
  #busy = false;
  values = {};
  errors = {};
  trouble = null;
  rates = [];

  /** Call back with a value now, if there is one, and whenever it changes, until the signal aborts. */
  on(name, then, signal) {
    const all = this.#listeners.get(name) ?? new Set();
    this.#listeners.set(name, all.add(then));
    signal?.addEventListener("abort", () => all.delete(then));
    if (name in PATHS) {
      this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
      signal?.addEventListener("abort", () => this.#users.set(name, this.#users.get(name) - 1));
      if (name in this.values || name in this.errors) then(this.values[name], this.errors[name]);
      this.#fetch(name);
    } else if (name in this.values) then(this.values[name]);
  }

  /**
   * Call back when what was shown may be out of date, until the signal aborts: events came in, at most every few
   * seconds, and until they are in the costly parts too, or the service is back after trouble.
   */
  fresh(then, signal, every = FRESH) {
    let [accepted, asked, troubled] = [this.values.status?.accepted, performance.now(), Boolean(this.trouble)];
    let grown = asked;
    this.on("status", (status) => {
      const now = performance.now();
      const recovered = troubled && !this.trouble;
      troubled = Boolean(this.trouble);
      if (recovered || status?.accepted !== accepted) [accepted, grown] = [status?.accepted, now];
      const lacks = asked < grown + SETTLED && now - asked >= every;
      if (!recovered && !lacks) return;
      asked = now;
      then();
    }, signal);
    this.on("trouble", (trouble) => (troubled ||= Boolean(trouble)), signal);
  }

  /** Call back once the service can answer everything: what is asked before is refused, and the browser says so. */
  whenReady(then, signal) {
    let done = false;
    this.on("ready", ({ ready }) => {
      if (done || !ready) return;
      done = true;
      then();
    }, signal);
  }

  publish(name, value) {
    this.values[name] = value;
    for (const then of this.#listeners.get(name) ?? []) then(value, this.errors[name]);
  }

  /** Show a value of which the service knows already, until its own answer has it, which is asked for again. */
  replace(name, value) {
    this.#texts.delete(name);
    this.#again = AGAIN;
    this.publish(name, value);
  }

  start() {
    document.addEventListener("visibilitychange", () => document.hidden || this.now());
    window.addEventListener("look-again", () => this.now());
    setInterval(() => document.hidden || this.#look(), EVERY);
    return this.#look();
  }

  /** Ask for everything now. */
  async now() {
    this.#again = AGAIN;
    await this.#look();
  }

  async #look() {
    if (this.#busy) return;
    this.#busy = true;
    try {
      const ready = await readiness();
      const before = this.values.status;
      const status = JSON.parse(await getText("status"));
      if (status.accepted !== before?.accepted || status.watermark !== before?.watermark || this.trouble) this.#again = AGAIN;
      this.rates.push(status.events_per_second);
      this.rates.splice(0, this.rates.length - SEEN);
      this.#setTrouble(ready.ready ? null : { status: 503, kind: "not-ready", message: ready.reasons.join("; ") });
      this.publish("ready", ready);
      this.publish("status", status);
      // Not awaited: an answer that hangs must not keep the page from seeing that the service does.
      if (this.#again-- > 0) for (const [name, users] of this.#users) if (users > 0) this.#fetch(name);
    } catch (problem) {
      this.#setTrouble(problem);
    } finally {
      this.#busy = false;
    }
  }

  #setTrouble(problem) {
    if ("trouble" in this.values && problem?.message === this.trouble?.message && problem?.kind === this.trouble?.kind) return;
    this.trouble = problem;
    this.publish("trouble", problem);
  }

  async #fetch(name) {
    if (this.#fetching.has(name)) return;
    this.#fetching.add(name);
    try {
      const text = await getText(PATHS[name]);
      if (text === this.#texts.get(name) && !(name in this.errors)) return;
      this.#texts.set(name, text);
      delete this.errors[name];
      this.publish(name, JSON.parse(text));
    } catch (problem) {
      this.errors[name] = problem;
      for (const then of this.#listeners.get(name) ?? []) then(this.values[name], problem);
    } finally {
      this.#fetching.delete(name);
    }
  }
}

export const board = new Board();
