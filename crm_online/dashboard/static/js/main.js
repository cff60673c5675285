// The page: which view is shown, and what stands above every view.

import { get, signIn } from "./api.js";
import { board } from "./board.js";
import { dark, h, put, s, text } from "./dom.js";
import { feed } from "./feed.js";
import { localise, number, shopZone } from "./format.js";
import { search } from "./search.js";
import { heading, loading, wrong } from "./views/parts.js";

const main = document.getElementById("main");
// Each view comes with its first use: the first one is there sooner.
const VIEWS = {
  "": [() => import("./views/overview.js").then((it) => it.overview)],
  segments: [() => import("./views/segments.js").then((it) => it.segments), () => import("./views/segment.js").then((it) => it.segment)],
  rules: [() => import("./views/rules.js").then((it) => it.rules), () => import("./views/rule.js").then((it) => it.rulePage)],
  moves: [() => import("./views/moves.js").then((it) => it.moves)],
  "rule-changes": [() => import("./views/moves.js").then((it) => it.ruleChanges)],
  predictions: [() => import("./views/predictions.js").then((it) => it.predictions)],
  customers: [null, () => import("./views/customer.js").then((it) => it.customer)],
  service: [() => import("./views/service.js").then((it) => it.service)],
  api: [() => import("./views/api.js").then((it) => it.api)],
};
const TITLES = { "": "Overview", segments: "Segments", rules: "Rules", moves: "Who moved", "rule-changes": "Rules that changed", predictions: "Predictions", customers: "Customer", service: "Service", api: "API" };

// Milliseconds until the other views are asked for too.
const IDLE = 3000;

let shown = null;
const loaded = new Map();

function lost(root) {
  put(root, h("div", { class: "head" }, heading("There is no such page")), h("p", {}, h("a", { href: "#/" }, "Go to the overview")));
}

/** What the address asks for; an id is everything after the view's name, whatever it holds. */
function asked() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...rest] = path.split("/");
  let id = rest.join("/");
  try {
    id = decodeURIComponent(id);
  } catch {
    // Not written by us: used as it is.
  }
  return { name, id, load: VIEWS[name]?.[id ? 1 : 0] ?? null, query: new URLSearchParams(query) };
}

/** The view of a file, kept from then on. */
async function viewOf(load) {
  if (!loaded.has(load)) loaded.set(load, await load());
  return loaded.get(load);
}

async function show(first) {
  shown?.abort();
  shown = new AbortController();
  const { signal } = shown;
  const { name, id, load, query } = asked();
  document.title = `${id || TITLES[name] || "No such page"} · crm-online`;
  for (const link of document.querySelectorAll(".views a")) {
    if (link.dataset.view === (name || "overview")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  let view = load ? loaded.get(load) : lost;
  if (!view) {
    put(main, loading());
    view = await viewOf(load).catch(() => (root) => put(root, heading("This view did not come"), wrong({ status: 0, message: "Reload the page to ask for it again." })));
    if (signal.aborted) return;
  }
  view(main, { id, query }, signal);
  if (first) return;
  scrollTo(0, 0);
  (main.querySelector("h1") ?? main).focus({ preventScroll: true });
}

function top() {
  // The address says which view is shown, so the link leads there without it.
  document.querySelector(".skip").addEventListener("click", (event) => {
    event.preventDefault();
    main.focus();
  });
  search();

  const theme = document.getElementById("theme");
  const name = () => {
    theme.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
    theme.title = theme.getAttribute("aria-label");
    const sun = "M8 4.5A3.5 3.5 0 1 0 8 11.5 3.5 3.5 0 1 0 8 4.5M8 .8V2.4M8 13.6V15.2M.8 8H2.4M13.6 8H15.2M2.9 2.9 4 4M12 12 13.1 13.1M2.9 13.1 4 12M12 4 13.1 2.9";
    const moon = "M13.5 9.8A6 6 0 0 1 6.2 2.5 6 6 0 1 0 13.5 9.8Z";
    put(theme, s("svg", { viewBox: "0 0 16 16", width: 18, height: 18, "aria-hidden": "true", fill: "none", stroke: "currentColor", "stroke-width": 1.4, "stroke-linecap": "round", "stroke-linejoin": "round" }, s("path", { d: dark() ? sun : moon })));
  };
  theme.addEventListener("click", () => window.dispatchEvent(new CustomEvent("theme-chosen", { detail: dark() ? "light" : "dark" })));
  window.addEventListener("theme", name);
  name();
}

function pulse() {
  const place = document.getElementById("pulse");
  const label = document.getElementById("pulse-text");
  const WORDS = { connecting: "connecting", disconnected: "not connected", behind: "not up to date", locked: "a key is needed" };
  const draw = () => {
    const behind = board.trouble && board.trouble.kind !== "no-state";
    place.dataset.state = board.trouble?.status === 0 ? "disconnected" : board.trouble?.status === 401 ? "locked" : behind ? "behind" : feed.state;
    const rate = board.values.status?.events_per_second;
    text(label, WORDS[place.dataset.state] ?? (rate ? `live, ${number(rate)} events/s` : "live"));
  };
  window.addEventListener("feed-state", draw);
  board.on("status", draw);
  board.on("trouble", draw);
  draw();
}

/** What is wrong with the service, above every view. The views themselves say that a state is empty. */
function banner() {
  const place = document.getElementById("banner");
  place.setAttribute("role", "status");
  const words = (trouble) => {
    if (trouble.status === 0) return "The service does not answer. What stands here is what it said last; this page goes on by itself when it is back.";
    if (trouble.kind === "not-ready") return `The service is not up to date: ${trouble.message}. What stands here is what it knew last.`;
    return `${trouble.message}. This page asks again by itself.`;
  };
  board.on("trouble", (trouble) => {
    const shown = trouble && trouble.kind !== "no-state" && trouble.status !== 401;
    place.hidden = !shown;
    text(place, shown ? words(trouble) : "");
  });
}

function keys() {
  const dialog = document.getElementById("key");
  const input = document.getElementById("key-text");
  const wrong = document.getElementById("key-wrong");
  window.addEventListener("key-needed", () => dialog.open || dialog.showModal());
  document.getElementById("key-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await signIn(input.value.trim());
      location.reload();
    } catch (problem) {
      wrong.textContent = problem.status === 401 ? "This key is not known, or was revoked." : problem.message;
      input.select();
    }
  });
}

async function start() {
  top();
  pulse();
  banner();
  keys();
  board.on("status", (status) => {
    if (!status) return;
    text(document.getElementById("version"), `crm-online ${status.version}`);
  });
  window.addEventListener("hashchange", () => show(false));
  // How money, numbers and times are written must be known before any is.
  const allowed = get("session").then(
    (session) => board.publish("session", session) ?? true,
    (problem) => problem.status !== 401,
  );
  localise((await get("status").catch(() => null)) ?? {});
  if (shopZone()) text(document.getElementById("zone"), `times are those of ${shopZone()}`);
  show(true);
  if (!(await allowed)) return;
  feed.start();
  await board.start();
  setTimeout(() => Object.values(VIEWS).flat().forEach((load) => load && viewOf(load).catch(() => {})), IDLE);
}

start();
