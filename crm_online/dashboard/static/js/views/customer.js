// One customer: segment, features, how near each segment is, why, what happened, and what to recommend.

import { address, askable, get, part, post, Problem } from "../api.js";
import { board } from "../board.js";
import { h, put, announce } from "../dom.js";
import { feed } from "../feed.js";
import { count, money, number, plural, quantity, styles, time, words } from "../format.js";
import { chip, colour, hue, known, moneyless, named, PRICED, unit } from "../segments.js";
import { apiCall } from "./call.js";
import { card, empty, loading, wrong } from "./parts.js";

const REASONS = { event: "event", lapse: "time without an event", refit: "another version of the model", erase: "erased", rewind: "state put back in time" };
const AGAIN = 700;
const SEEN = 4000;
// Weaker pulls are left out.
const LEAST = 0.005;
const PULLS = 7;
// Segments that are listed at once: the nearest.
const NEAREST = 12;

const bar = (share, fill) => {
  const inside = h("i");
  inside.style.background = fill;
  inside.style.width = `${Math.max(0, Math.min(100, 100 * share))}%`;
  return h("span", { class: "bar", "aria-hidden": "true" }, inside);
};

function distances({ distances: all, segment }) {
  const near = Object.entries(all).sort(([, a], [, b]) => a - b);
  if (!near.length) return empty("No model yet", "Distances come with the first segments.");
  const most = near.at(-1)[1] || 1;
  const list = (some) => h("ul", { class: "bars" }, some.map(([id, apart]) => h("li", { class: id === segment ? "near" : null }, chip(id), bar(apart / most, hue(id)), h("span", { class: "val" }, number(apart)))));
  const others = near.slice(NEAREST);
  return [list(near.slice(0, NEAREST)), others.length ? h("details", { class: "data" }, h("summary", {}, `${plural(others.length, "other")}, farther away`), list(others)) : null];
}

/** What the customer did so far, as plain numbers. */
function totals({ totals: all }) {
  const bought = [["spent", moneyless() ? null : money(all.spend)], ["pieces bought", number(all.items)], ["returns", count(all.returns)], ["last order", all.last_purchase && time(all.last_purchase)]];
  const facts = [["orders", count(all.purchases)], ...(all.purchases ? bought.filter(([, value]) => value !== null) : []), ["known since", time(all.first_event)]];
  return h("dl", { class: "figures totals" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** What the model sees; of feedback nothing where there was none. */
function features(one, units) {
  const shown = Object.entries(one.features).filter(([name]) => (name !== "feedback" || one.totals.gave_feedback !== false) && !(moneyless() && PRICED.includes(name)));
  return h("dl", { class: "facts two" }, shown.map(([name, value]) => [h("dt", {}, words(name)), h("dd", {}, quantity(value, units.get(name) ?? unit(name)))]));
}

/** Moves with their reasons then, between the first event and the last order; the latest first. */
function timeline(one, causes) {
  const why = (move, cause) => {
    if (cause?.event_type) return `after a ${cause.event_type}`;
    if (cause?.idle_days) return `after ${plural(Math.round(cause.idle_days), "day")} without an event`;
    return REASONS[move.reason];
  };
  const moved = one.history.map((move) => {
    const cause = causes?.find((each) => each.time === move.time && each.to === move.to);
    // As they were called then.
    const [left, entered] = [cause?.from_name ?? named(move.from), cause?.to_name ?? named(move.to)];
    const forIt = (cause?.pulls ?? []).filter((one) => one.pull > LEAST).slice(0, 2).map((one) => words(one.feature));
    const now = move.to && known(move.to) && named(move.to) !== entered ? `, now called ${named(move.to)}` : "";
    return { time: move.time, kind: `move ${colour(move.to)}`, what: [move.from ? [left, " → "] : "first ", h("b", {}, entered), now], note: [" · ", why(move, cause), forIt.length ? ` · for it spoke ${forIt.join(" and ")}` : ""] };
  });
  const { first_event: first, last_purchase: last, purchases } = one.totals;
  const plain = [[first, "first event"], [last, purchases > 1 ? `last order, of ${count(purchases)}` : "the only order"]];
  const all = [...moved, ...plain.filter(([at]) => at).map(([at, what]) => ({ time: at, kind: "order", what, note: "" }))];
  all.sort((a, b) => Date.parse(b.time) - Date.parse(a.time));
  return [
    h("ol", { class: "moves" }, all.map((each) => h("li", { class: each.kind }, each.what, h("p", { class: "note" }, time(each.time), each.note)))),
    purchases > 2 ? h("p", { class: "note" }, `The other ${count(purchases - 1)} orders are counted; when each was is not kept.`) : null,
    one.history.length ? null : h("p", { class: "note" }, "No moves yet: the customer has been in one segment, or in none, so far."),
  ];
}

/** What pulled the customer over: to the right it spoke for the move, to the left against it. */
function pulls(explained) {
  const felt = explained.pulls.filter((one) => Math.abs(one.pull) >= LEAST).slice(0, PULLS);
  if (!felt.length) return null;
  const most = Math.max(...felt.map((one) => Math.abs(one.pull))) || 1;
  const lane = (pull) => {
    const inside = h("i", { class: pull < 0 ? "against" : null });
    inside.style.width = `${(50 * Math.abs(pull)) / most}%`;
    return h("span", { class: "pull", "aria-hidden": "true" }, inside);
  };
  const label = (one) => `${quantity(one.value, one.unit)}${one.entered === null ? "" : `; typical there: ${quantity(one.entered, one.unit)}`}`;
  return [
    h("h3", {}, "What pulled"),
    h("ul", { class: "bars pulls" }, felt.map((one) => h("li", {}, h("span", {}, words(one.feature), h("span", { class: "note block" }, label(one))), lane(one.pull), h("span", { class: "val" }, h("span", { class: "unseen" }, one.pull < 0 ? "against the move: " : "for the move: "), number(one.pull))))),
    h("p", { class: "note" }, "Right of the line: spoke for the move; left: against it. Squared standard deviations."),
  ];
}

function recommended(id, buys, signal) {
  const fresh = h("input", { type: "checkbox", id: "new-only" });
  const place = h("div", {}, loading());
  const input = h("input", { id: "basket", placeholder: "Add an item, as it is named", autocomplete: "off", maxlength: "1000" });
  const tags = h("ul", { class: "tags", "aria-label": "Basket" });
  const basket = [];
  const ask = async () => {
    try {
      const found = await post("recommendations", { customer_id: id, basket, limit: 8, new_only: fresh.checked }, signal);
      put(
        place,
        found.unknown.length ? h("p", { class: "note" }, `No basket had ${found.unknown.join(", ")} so far.`) : null,
        found.items.length ? h("ol", { class: "recs" }, found.items.map((one) => h("li", {}, h("span", { class: "n" }, count(one.rank)), h("bdi", { class: "item" }, one.item), h("span", { class: "note" }, one.because.text)))) : empty("Nothing to recommend", fresh.checked ? "All that could be was bought before." : "That needs baskets."),
        found.history || !buys ? null : h("p", { class: "note" }, "What this customer bought before is not remembered: that is so for sampled customers only."),
      );
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
    }
  };
  const draw = () =>
    put(tags, basket.map((item) => {
      const remove = h("button", { type: "button", "aria-label": `Take ${item} out of the basket` }, "×");
      remove.addEventListener("click", () => {
        basket.splice(basket.indexOf(item), 1);
        draw();
        ask();
        input.focus();
      });
      return h("li", {}, item, " ", remove);
    }));
  const form = h("form", { class: "basket" }, h("label", { class: "unseen", for: "basket" }, "An item in the basket"), input, h("button", { type: "submit" }, "Add"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const item = input.value.trim();
    if (item && !basket.includes(item)) basket.push(item);
    input.value = "";
    draw();
    ask();
    if (item) announce(`${item} is in the basket`);
  });
  fresh.addEventListener("change", ask);
  ask();
  const only = h("label", { class: "only", for: "new-only" }, fresh, " new to this customer only");
  return { element: card("", "Recommend", "what others with the same baskets buy, and the customer's own habits", form, tags, only, place), ask };
}

async function found(id, signal) {
  const answer = await post("customers:batch", { customer_ids: [id] }, signal);
  return answer.customers[0] ?? null;
}

async function explained(id, signal) {
  if (!askable(id)) throw new Problem(404, "no explanation", "An id that is one or two dots cannot be asked for by its path.");
  return get(`explain/${part(id)}`, {}, signal);
}

export function customer(root, { id }, signal) {
  const body = h("div", {}, loading());
  const title = h("h1", { class: "id", tabindex: "-1" }, h("small", {}, "Customer"), id);
  const whose = h("p", { class: "whose" });
  const figures = h("div");
  put(root, h("div", { class: "head" }, h("div", {}, title, whose), figures), body);
  const places = { why: h("div"), apart: h("div"), features: h("div"), moves: h("div") };
  let recommends = null;
  let shown = "";

  const build = (one) => {
    recommends = recommended(id, one.totals.purchases > 0, signal);
    put(
      body,
      h(
        "div",
        { class: "grid" },
        h("div", { class: "w6 stack" }, card("", "Why this segment", null, places.why), recommends.element),
        h(
          "div",
          { class: "w6 stack" },
          card("", "How near each segment is", "standard deviations", places.apart),
          card("", "Timeline", "the latest first", places.moves),
          card("", "What the model sees", "amounts of long ago count less", places.features, apiCall(() => (askable(id) ? { path: address(`customers/${part(id)}`) } : { path: "/v1/customers:batch", body: { customer_ids: [id] } }))),
        ),
      ),
    );
  };

  const load = async () => {
    try {
      const one = await found(id, signal);
      if (!one) {
        put(body, h("section", { class: "card" }, empty("No such customer", "No event of this id was accepted so far. Ids are taken as they are: capitals and blanks count.")));
        return;
      }
      const now = JSON.stringify(one);
      if (now === shown) return;
      shown = now;
      if (!recommends || !body.contains(recommends.element)) build(one);
      put(whose, one.segment ? [chip(one.segment), one.since && h("span", { class: "note" }, "since ", time(one.since, styles.long))] : "in no segment yet", h("span", { class: "note" }, `${plural(one.events, "event")}, the last `, time(one.last_event)));
      put(figures, totals(one));
      put(places.apart, distances(one));
      const explanation = await explained(id, signal).catch((problem) => {
        if (problem.name === "AbortError") throw problem;
        return problem;
      });
      const units = new Map((explanation.pulls ?? []).map((pull) => [pull.feature, pull.unit]));
      put(places.features, features(one, units));
      put(places.moves, timeline(one, explanation.causes));
      if (explanation.text) put(places.why, h("p", { class: "why" }, explanation.text), pulls(explanation));
      else put(places.why, empty("No explanation", explanation.message));
    } catch (problem) {
      if (problem.name === "AbortError") return;
      shown = "";
      put(body, h("section", { class: "card" }, wrong(problem)));
    }
  };
  // The customer is looked up again when the feed has a move.
  let timer = null;
  feed.on((changes) => {
    if (!changes.some((change) => change.customer_id === id)) return;
    clearTimeout(timer);
    timer = setTimeout(load, AGAIN);
  }, signal);
  signal.addEventListener("abort", () => clearTimeout(timer));
  // And now and then while events come in, and when the service is back.
  board.fresh(load, signal, SEEN);
  load();
}
