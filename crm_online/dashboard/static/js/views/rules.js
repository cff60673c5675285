// The table of rules: searched, filtered, sorted, page by page; each measure says what it is.

import { get } from "../api.js";
import { board } from "../board.js";
import { h, put, announce, text } from "../dom.js";
import { count, plural, time } from "../format.js";
import { ranked } from "../segments.js";
import { explain } from "../tip.js";
import { empty, heading, loading, wrong } from "./parts.js";
import { COLUMNS, MEASURES, measures, rule, sentence } from "./rule.js";

const PAGE = 50;
const MOST = 1000;
const EVERY = 8000;
const WAIT = 250;
const ASKED = ["text", "segment", "sort", "min_support", "min_confidence", "min_lift"];
const LEAST = { min_support: ["Support at least, %", 100], min_confidence: ["Confidence at least, %", 100], min_lift: ["Lift at least, ×", 1] };

/** A rule's row; its button opens a second one with all measures. */
function row(one, sort) {
  const open = h("button", { type: "button", class: "open", "aria-expanded": "false" }, rule(one));
  const more = h("tr", { class: "more", hidden: true }, h("td", { colspan: COLUMNS.length + 1 }, h("p", {}, sentence(one)), measures(one)));
  open.addEventListener("click", () => {
    more.hidden = !more.hidden;
    open.setAttribute("aria-expanded", String(!more.hidden));
  });
  const cell = (name) => h("td", { class: `num${wide(name)}${name === sort ? " by" : ""}` }, MEASURES[name][1](one[name]));
  return [h("tr", {}, h("td", { class: "rule" }, open), COLUMNS.map(cell)), more];
}

// On a phone there is room for two, and for all only on a wide screen.
const ROOM = { lift: " roomy", support: " wide", leverage: " wide", conviction: " wider", mutual_information: " wider" };
const wide = (name) => ROOM[name] ?? "";

export function rules(root, { query }, signal) {
  const asked = Object.fromEntries(ASKED.map((name) => [name, query.get(name) ?? ""]));
  const search = h("input", { type: "search", id: "rules-text", placeholder: "Search items", value: asked.text, autocomplete: "off", spellcheck: "false", maxlength: "200" });
  const whose = h("select", { id: "rules-segment" });
  const least = Object.entries(LEAST).map(([name, [label, times]]) =>
    h("label", { class: "least" }, h("span", {}, label), h("input", { type: "number", name, min: "0", step: "any", inputmode: "decimal", value: asked[name] ? Number(asked[name]) * times : "" })),
  );
  const note = h("p", { class: "note", role: "status" });
  const heads = COLUMNS.map((name) => {
    const [title, , about] = MEASURES[name];
    const button = explain(h("button", { type: "button" }, title), about, "Press to sort by it.");
    button.addEventListener("click", () => ask({ sort: asked.sort === name ? "" : name }));
    return [name, h("th", { scope: "col", class: `num${wide(name)}` }, button)];
  });
  const rows = h("tbody");
  const place = h("div", {}, loading());
  const more = h("button", { type: "button" }, "More");
  const shown = h("p", { class: "note" });
  const all = h(
    "div",
    {},
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Rules" }, h("table", { class: "rules" }, h("caption", { class: "unseen" }, "Rules: who buys the first items also buys those behind the arrow"), h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Who buys … also buys …"), heads.map(([, head]) => head))), rows)),
    h("div", { class: "pages" }, more, shown),
  );
  put(
    root,
    h("div", { class: "head" }, heading("Rules", "Who buys these items also buys those")),
    h(
      "section",
      { class: "card" },
      h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() }, h("label", { class: "unseen", for: "rules-text" }, "Items that have this text in their name"), search, h("label", { class: "unseen", for: "rules-segment" }, "For the customers of"), whose, h("details", { class: "limits", open: Object.keys(LEAST).some((name) => asked[name]) }, h("summary", {}, "Limits"), h("div", {}, least)), note),
      place,
    ),
  );

  let [next, course, timer] = [null, new AbortController(), null];
  signal.addEventListener("abort", () => {
    course.abort();
    clearTimeout(timer);
  });

  async function load(fresh, most = PAGE) {
    if (fresh) {
      course.abort();
      [course, next] = [new AbortController(), null];
    }
    more.disabled = true;
    try {
      const found = await get("rules", { ...asked, limit: most, after: next }, course.signal);
      const made = found.rules.flatMap((one) => row(one, asked.sort));
      if (fresh) put(rows, made);
      else rows.append(...made);
      next = found.next;
      more.hidden = next === null;
      text(shown, `${count(rows.children.length / 2)} of ${plural(found.total, "rule")}`);
      put(note, plural(found.total, "rule"), found.as_of ? [" as of ", time(found.as_of)] : "");
      put(place, found.total ? all : nothing(found));
      for (const [name, head] of heads) {
        if (asked.sort === name) head.setAttribute("aria-sort", "descending");
        else head.removeAttribute("aria-sort");
      }
    } catch (problem) {
      if (problem.name !== "AbortError") put(place, wrong(problem));
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
  for (const label of least) {
    const input = label.lastChild;
    const [, times] = LEAST[input.name];
    input.addEventListener("input", () => input.validity.valid && later({ [input.name]: input.value ? String(Number(input.value) / times) : "" }));
  }
  more.addEventListener("click", async () => {
    const before = rows.children.length;
    await load(false);
    rows.children[before]?.querySelector("button")?.focus();
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
    const reads = rows.querySelector("tr.more:not([hidden])") || rows.contains(document.activeElement);
    if (!reads) load(true, Math.max(PAGE, Math.min(MOST, rows.children.length / 2)));
  }, signal, EVERY);
}
