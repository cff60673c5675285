// The changes as they come, the newest on top. They wait while somebody reads: when it is stopped, or pointed at.

import { get, ofCustomer } from "../api.js";
import { board } from "../board.js";
import { h, put } from "../dom.js";
import { feed } from "../feed.js";
import { count, plural, styles, time } from "../format.js";
import { known, mark, named } from "../segments.js";
import { title } from "./drift.js";
import { rule } from "./rule.js";

const SHOWN = 40;
const EVERY = 1000;
// New ones are shown as such where they are so few that somebody can follow.
const FEW = 5;
const REASONS = {
  event: "after an event",
  lapse: "as time went by",
  refit: "with another version of the model",
  erase: "the customer was erased",
  rewind: "the state was put back in time",
};
const SIGNS = { entered: "+", changed: "~", left: "−" };
const WORDS = { entered: "new rule", changed: "rule changed", left: "rule left" };

function why(change) {
  if (change.cause?.type && change.reason === "event") return `after a ${change.cause.type}`;
  if (change.cause?.idle_days) return `after ${plural(Math.round(change.cause.idle_days), "day")} without an event`;
  return REASONS[change.reason];
}

const segment = (id) => (known(id) ? h("a", { href: `#/segments/${id}` }, named(id)) : named(id));
const person = (id) => h("a", { href: ofCustomer(id) }, h("bdi", {}, id));

function line(change) {
  if (change.kind === "segment-change") {
    const moved = change.from === null ? [" came to ", segment(change.to)] : [" went from ", named(change.from), " to ", segment(change.to)];
    return h("li", {}, mark(change.to), h("span", {}, person(change.customer_id), moved), note(why(change), change.time));
  }
  if (change.kind === "segment") {
    const gone = change.name === undefined;
    return h(
      "li",
      {},
      mark(change.id),
      h("span", {}, gone ? [named(change.id), " is gone"] : [segment(change.id), ": ", plural(change.size, "customer")]),
      note(gone ? "segment gone" : "segment as it stands"),
    );
  }
  if (change.kind === "drift") return h("li", {}, h("span", { class: "sign", "aria-hidden": "true" }, "!"), h("span", {}, title(change.what)), note("drift", change.time));
  return h("li", {}, h("span", { class: "sign", "aria-hidden": "true" }, SIGNS[change.change]), rule(change), note(WORDS[change.change], change.time));
}

const note = (text, at) => h("span", { class: "note" }, text, at && [" · ", time(at, styles.short)]);

export function ticker(signal) {
  const list = h("ol", { tabindex: "0", "aria-label": "Latest changes", role: "list" });
  const stop = h("button", { type: "button", class: "small", "aria-pressed": "false" }, "Stop");
  const waiting = h("p", { class: "note", "aria-live": "off" });
  const nothing = h("p", { class: "empty" }, h("strong", {}, "Nothing has changed yet"), "Since this page was opened, that is: changes show here as events come in.");
  let [stopped, due, unseen] = [false, null, feed.recent.length];

  const draw = () => {
    due = null;
    // What is pointed at, or has the focus, must not move away.
    if (stopped || list.matches(":hover") || (list.contains(document.activeElement) && document.activeElement !== list)) {
      waiting.textContent = unseen ? `${count(unseen)} more` : "";
      return;
    }
    const shown = feed.recent.slice(-SHOWN).reverse();
    nothing.hidden = shown.length > 0;
    list.hidden = !nothing.hidden;
    put(list, shown.map((change, at) => {
      const made = line(change);
      if (at < unseen && unseen <= FEW) made.classList.add("new");
      return made;
    }));
    [unseen, waiting.textContent] = [0, ""];
  };
  stop.addEventListener("click", () => {
    stopped = !stopped;
    stop.textContent = stopped ? "Go on" : "Stop";
    stop.setAttribute("aria-pressed", String(stopped));
    draw();
  });
  for (const event of ["pointerleave", "focusout"]) list.addEventListener(event, () => (due ??= setTimeout(draw, EVERY)));
  feed.on((changes, skipped) => {
    if (!changes.length) return draw();
    unseen += changes.length + skipped;
    due ??= setTimeout(draw, EVERY);
    return undefined;
  }, signal);
  signal.addEventListener("abort", () => clearTimeout(due));
  unseen = 0;
  draw();
  const all = h("a", { href: "#/moves" }, "All");
  board.on("status", (status) => status && (all.href = status.customers ? "#/moves" : "#/rule-changes"), signal);
  board.whenReady(() => fill(signal), signal);
  return h("section", { class: "card w4 ticker" }, h("header", {}, h("h2", {}, "Changes"), waiting, stop, all), nothing, list);
}

/** What the service keeps of the time before the page was opened: moves, or where nobody moves, rules. */
async function fill(signal) {
  if (feed.recent.length) return;
  const asked = { since: "1970-01-01T00:00:00Z", limit: SHOWN };
  const found = await get("moves", asked, signal).catch(() => null);
  if (found && !found.moves.length) {
    const changed = await get("rule-changes", asked, signal).catch(() => null);
    const rules = changed?.rules.sort((a, b) => Date.parse(a.time) - Date.parse(b.time)) ?? [];
    return feed.fill(rules.map((one) => ({ kind: "rule", ...one })));
  }
  if (found) feed.fill(found.moves.reverse().map((one) => ({ kind: "segment-change", ...one, cause: { type: one.event_type, idle_days: one.idle_days } })));
}
