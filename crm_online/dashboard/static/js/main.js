// The page: which view is shown, and what stands above every view.

import { get, signIn } from "./api.js";
import { board } from "./board.js";
import { dark, h, put, s, text } from "./dom.js";
import { feed } from "./feed.js";
import { localise, number, shopZone } from "./format.js";
import { search } from "./search.js";
import { api } from "./views/api.js";
import { customer } from "./views/customer.js";
import { overview } from "./views/overview.js";
import { moves, ruleChanges } from "./views/moves.js";
import { heading } from "./views/parts.js";
import { predictions } from "./views/predictions.js";
import { rulePage } from "./views/rule.js";
import { rules } from "./views/rules.js";
import { segment } from "./views/segment.js";
import { segments } from "./views/segments.js";
import { service } from "./views/service.js";

const main = document.getElementById("main");
const VIEWS = { "": [overview], segments: [segments, segment], rules: [rules, rulePage], moves: [moves], "rule-changes": [ruleChanges], predictions: [predictions], customers: [null, customer], service: [service], api: [api] };
const TITLES = { "": "Overview", segments: "Segments", rules: "Rules", moves: "Who moved", "rule-changes": "Rules that changed", predictions: "Predictions", customers: "Customer", service: "Service", api: "API" };

let shown = null;

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
  const view = VIEWS[name]?.[id ? 1 : 0] ?? lost;
  return { name, id, view, query: new URLSearchParams(query) };
}

function show(first) {
  shown?.abort();
  shown = new AbortController();
  const { name, id, view, query } = asked();
  document.title = `${id || TITLES[name] || "No such page"} · crm-online`;
  for (const link of document.querySelectorAll(".views a")) {
    if (link.dataset.view === (name || "overview")) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.dataset.view = view.name;
  view(main, { id, query }, shown.signal);
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
  const allowed = get("session").catch((problem) => problem.status !== 401);
  localise((await get("status").catch(() => null)) ?? {});
  if (shopZone()) text(document.getElementById("zone"), `times are those of ${shopZone()}`);
  show(true);
  if (!(await allowed)) return;
  feed.start();
  await board.start();
}

start();
