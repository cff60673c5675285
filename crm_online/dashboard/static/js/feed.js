// The feed of changes. A thousand a second may come; whoever listens hears of them once a frame.

const KINDS = ["segment-change", "segment", "rule"];
const KEPT = 200;
const RETRY = 2000;

class Feed {
  #source = null;
  #waiting = [];
  #skipped = 0;
  #asked = false;
  #listeners = new Set();
  recent = [];
  state = "connecting";

  start() {
    if (this.#source && this.#source.readyState !== EventSource.CLOSED) return;
    const source = new EventSource("/v1/changes");
    this.#source = source;
    source.onopen = () => this.#stand("live");
    source.onerror = () => {
      this.#stand("away");
      // The browser tries again by itself, but not after an answer that is no stream.
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#source === source && this.start(), RETRY);
    };
    for (const kind of KINDS) source.addEventListener(kind, (event) => this.#take(kind, event));
    source.addEventListener("gap", () => window.dispatchEvent(new Event("look-again")));
  }

  /** Call back with the changes of a frame, the newest last, and how many older ones were left out. */
  on(then, signal) {
    this.#listeners.add(then);
    signal?.addEventListener("abort", () => this.#listeners.delete(then));
  }

  #stand(state) {
    if (state === this.state) return;
    this.state = state;
    window.dispatchEvent(new Event("feed-state"));
  }

  #take(kind, event) {
    this.#waiting.push([kind, event.data, Date.now()]);
    if (this.#waiting.length > KEPT) {
      this.#waiting.shift();
      this.#skipped += 1;
    }
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => this.#tell());
  }

  #tell() {
    this.#asked = false;
    const [taken, skipped] = [this.#waiting, this.#skipped];
    [this.#waiting, this.#skipped] = [[], 0];
    const changes = taken.map(([kind, data, heard]) => ({ kind, heard, ...JSON.parse(data) }));
    this.recent = [...this.recent, ...changes].slice(-KEPT);
    for (const then of this.#listeners) then(changes, skipped);
  }
}

export const feed = new Feed();
