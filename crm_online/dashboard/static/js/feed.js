// The feed of changes. A thousand a second may come; listeners get them once a frame.

const KINDS = ["segment-change", "segment", "rule", "drift"];
const KEPT = 200;
const RETRY = 2000;

class Feed {
  #source = null;
  #pending = [];
  #skipped = 0;
  #scheduled = false;
  #listeners = new Set();
  recent = [];
  state = "connecting";

  start() {
    if (this.#source && this.#source.readyState !== EventSource.CLOSED) return;
    const source = new EventSource("/v1/changes");
    this.#source = source;
    source.onopen = () => this.#setState("live");
    source.onerror = () => {
      this.#setState("disconnected");
      // The browser tries again by itself, but not after an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#source === source && this.start(), RETRY);
    };
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.#receive(kind, event));
    source.addEventListener("gap", () => window.dispatchEvent(new Event("look-again")));
  }

  /** Take changes from before the page was opened, the oldest first, where none has come yet. */
  fill(changes) {
    if (this.recent.length) return;
    this.recent = changes;
    for (const then of this.#listeners) then([], 0);
  }

  /** Call back with the changes of a frame, the newest last, and how many older ones were left out. */
  on(then, signal) {
    this.#listeners.add(then);
    signal?.addEventListener("abort", () => this.#listeners.delete(then));
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    window.dispatchEvent(new Event("feed-state"));
  }

  #receive(kind, event) {
    this.#pending.push([kind, event.data]);
    if (this.#pending.length > KEPT) {
      this.#pending.shift();
      this.#skipped += 1;
    }
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => this.#dispatch());
  }

  #dispatch() {
    this.#scheduled = false;
    const [pending, skipped] = [this.#pending, this.#skipped];
    [this.#pending, this.#skipped] = [[], 0];
    const changes = pending.map(([kind, data]) => ({ kind, ...JSON.parse(data) }));
    this.recent = [...this.recent, ...changes].slice(-KEPT);
    for (const then of this.#listeners) then(changes, skipped);
  }
}

export const feed = new Feed();
