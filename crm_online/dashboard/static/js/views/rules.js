// The rules, a card for each itemset: searched, filtered, sorted, page by page; all measures on demand.

import { address, get } from "../api.js";
import { board } from "../board.js";
import { h, put, announce, text } from "../dom.js";
import { count, number, percent, plural, time } from "../format.js";
import { ranked } from "../segments.js";
import { apiCall } from "./call.js";
import { empty, heading, loading, wrong } from "./parts.js";
import { MEASURES, measures, ofRule, rule, sentence, SORTS, three } from "./rule.js";

const PAGE = 50;
const MOST = 1000;
const EVERY = 8000;
const WAIT = 250;
const ASKED = ["text", "segment", "sort", "min_support", "min_confidence", "min_lift"];
const LEAST = { min_support: ["Support at least, %", 100], min_confidence: ["Confidence at least, %", 100], min_lift: ["Lift at least, ×", 1] };

/** The items of a rule, whichever side they are on. */
const itemset = (one) => JSON.stringify([...one.antecedent, ...one.consequent].sort());

/** One itemset: its best rule as a sentence with three figures, the other ways round, and all measures on demand. */
function ruleCard([first, ...others]) {
  const inside = h("div");
  const details = h("details", { class: "data" }, h("summary", {}, "All measures"), inside);
  details.addEventListener("toggle", () => details.open && put(inside, measures(first)));
  return h(
    "li",
    { class: "card" },
    h("h2", {}, h("a", { class: "rule", href: ofRule(first) }, rule(first))),
    h("p", { class: "says" }, sentence(first)),
    three(first),
    others.length ? h("div", {}, h("h3", {}, "The other ways round"), h("ul", { class: "groups one" }, others.map((one) => h("li", {}, h("a", { class: "rule", href: ofRule(one) }, rule(one)), h("span", { class: "note" }, `${percent(one.confidence)}, ${number(one.lift)} × chance`))))) : null,
    details,
  );
}

/** The cards of some rules, in the order of each itemset's first. */
function cards(all) {
  const sets = new Map();
  for (const one of all) sets.set(itemset(one), [...(sets.get(itemset(one)) ?? []), one]);
  return [...sets.values()].map(ruleCard);
}

export function rules(root, { query }, signal) {
  const asked = Object.fromEntries(ASKED.map((name) => [name, query.get(name) ?? ""]));
  const search = h("input", { type: "search", id: "rules-text", placeholder: "Search items", value: asked.text, autocomplete: "off", spellcheck: "false", maxlength: "200" });
  const whose = h("select", { id: "rules-segment" });
  const least = Object.entries(LEAST).map(([name, [label, times]]) =>
    h("label", { class: "least" }, h("span", {}, label), h("input", { type: "number", name, min: "0", step: "any", inputmode: "decimal", value: asked[name] ? Number(asked[name]) * times : "" })),
  );
  const note = h("p", { class: "note", role: "status" });
  const sort = h("select", { id: "rules-sort" }, [["", "the best first"], ...SORTS.map((name) => [name, `by ${MEASURES[name][0].toLowerCase()}`])].map(([value, title]) => h("option", { value, selected: value === asked.sort }, title)));
  const list = h("ol", { class: "rules" });
  let known = [];
  const place = h("div", {}, loading());
  const more = h("button", { type: "button" }, "More");
  const shown = h("p", { class: "note" });
  const all = h("div", {}, list, h("div", { class: "pages" }, more, shown), apiCall(() => ({ path: address("rules", { ...wanted(), limit: PAGE }) })));
  put(
    root,
    h("div", { class: "head" }, heading("Rules", "Who buys these items also buys those")),
    h(
      "section",
      { class: "card" },
      h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", { class: "unseen", for: "rules-text" }, "Items that have this text in their name"), search, h("label", { class: "unseen", for: "rules-segment" }, "For the customers of"), whose, h("label", { class: "unseen", for: "rules-sort" }, "Order"), sort, h("details", { class: "limits", open: Object.keys(LEAST).some((name) => asked[name]) }, h("summary", {}, "Limits"), h("div", {}, least)), note),
    ),
    place,
  );

  let [next, course, timer] = [null, new AbortController(), null];
  signal.addEventListener("abort", () => {
    course.abort();
    clearTimeout(timer);
  });

  function wanted() {
    const { segment, ...others } = asked;
    return { ...others, liked_by: segment };
  }

  async function load(fresh, most = PAGE) {
    if (fresh) {
      course.abort();
      [course, next] = [new AbortController(), null];
    }
    more.disabled = true;
    try {
      const found = await get("rules", { ...wanted(), limit: most, after: next }, course.signal);
      known = fresh ? found.rules : [...known, ...found.rules];
      put(list, cards(known));
      next = found.next;
      more.hidden = next === null;
      text(shown, `${count(known.length)} of ${plural(found.total, "rule")}`);
      put(note, plural(found.total, "rule"), found.as_of ? [" as of ", time(found.as_of)] : "");
      put(place, found.total ? all : h("section", { class: "card" }, nothing(found)));
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, h("section", { class: "card" }, wrong(problem)));
    }
    more.disabled = false;
  }

  function nothing({ lacking }) {
    if (lacking) return empty("No rules yet", `There is not enough evidence: ${lacking}.`);
    const clear = h("button", { type: "button" }, "Show all rules");
    clear.addEventListener("click", () => {
      search.value = "";
      whose.value = "";
      for (const label of least) label.lastChild.value = "";
      search.focus();
      ask(Object.fromEntries(ASKED.map((name) => [name, ""])));
    });
    return empty("No rule fits", "Search for less, or for a part of an item's name. ", h("p", {}, clear));
  }

  function ask(changed) {
    Object.assign(asked, changed);
    const pairs = ASKED.filter((name) => asked[name]).map((name) => [name, asked[name]]);
    history.replaceState(null, "", `#/rules${pairs.length ? `?${new URLSearchParams(pairs)}` : ""}`);
    load(true);
  }

  const later = (changed) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(changed), WAIT);
  };
  search.addEventListener("input", () => later({ text: search.value.trim() }));
  whose.addEventListener("change", () => ask({ segment: whose.value }));
  sort.addEventListener("change", () => ask({ sort: sort.value }));
  for (const label of least) {
    const input = label.lastChild;
    const [, times] = LEAST[input.name];
    input.addEventListener("input", () => input.validity.valid && later({ [input.name]: input.value ? String(Number(input.value) / times) : "" }));
  }
  more.addEventListener("click", async () => {
    const before = list.children.length;
    await load(false);
    list.children[before]?.querySelector("a")?.focus();
    announce(shown.textContent);
  });
  board.on("segments", () => {
    const options = [["", "all customers"], ...ranked().map((one) => [one.id, `for ${one.name}`])];
    if (asked.segment && !options.some(([id]) => id === asked.segment)) options.push([asked.segment, `for ${asked.segment}`]);
    if (options.map(String).join() === [...whose.options].map((one) => `${one.value},${one.text}`).join()) return;
    put(whose, options.map(([id, name]) => h("option", { value: id }, name)));
    whose.value = asked.segment;
  }, signal);
  load(true);
  // As events come in, as many as are shown; not while somebody reads one.
  board.fresh(() => {
    const reads = list.querySelector("details[open]") || list.contains(document.activeElement);
    if (!reads) load(true, Math.max(PAGE, Math.min(MOST, known.length)));
  }, signal, EVERY);
}
