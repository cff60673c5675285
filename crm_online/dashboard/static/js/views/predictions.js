// What customers are predicted to do: who is at risk, what they are worth, why; and how good that is.

import { ofCustomer } from "../api.js";
import { board } from "../board.js";
import { ACTED_ON, calibration, gains, modelMark, names, overTime } from "../charts/judged.js";
import { h, put, text } from "../dom.js";
import { count, money, number, percent, plural, styles, time } from "../format.js";
import { chip } from "../segments.js";
import { asTable, card, empty, figures, heading, loading, noCustomers, noState, scrolled, table, wrong } from "./parts.js";

const FIGURES = { examples: ["examples", count], roc_auc: ["ROC AUC", number], pr_auc: ["PR AUC", number], log_loss: ["log loss", number], brier: ["Brier", number], ece: ["calibration error", number], weight: ["weight", number] };

/** Who is likelier not to buy again, what they used to spend, and why. */
function atRisk(found) {
  if (!found.at_risk.length) return empty("Nobody is at risk", `All sampled customers are likelier to buy within ${plural(found.horizon_days, "day")} than not.`);
  const priced = found.at_risk.some((one) => one.usual_value > 0);
  const write = (value) => (value === null ? "–" : priced ? money(value) : number(value));
  const usual = (one) => write(priced ? one.usual_value : one.usual_purchases);
  const expected = (one) => write(priced ? one.expected_value : one.expected_purchases);
  const head = (title, kind) => h("th", { scope: "col", class: kind }, title);
  const place = scrolled(
    "Customers at risk",
    h(
      "table",
      { class: "risks" },
      h("caption", { class: "unseen" }, "Customers who are likelier not to buy again, the one whose usual orders are likeliest to be lost first"),
      h("thead", {}, h("tr", {}, head("customer"), head("buys again", "num"), head(priced ? "usually spends" : "usually orders", "num"), head("expected", "num"), head("last order", "num wide"), head("why"))),
      h(
        "tbody",
        {},
        found.at_risk.map((one) =>
          h(
            "tr",
            {},
            h("th", { scope: "row" }, h("a", { href: ofCustomer(one.customer_id) }, one.customer_id), one.segment && h("span", { class: "note block" }, chip(one.segment))),
            h("td", { class: "num" }, percent(one.purchase)),
            h("td", { class: "num" }, usual(one)),
            h("td", { class: "num" }, expected(one)),
            h("td", { class: "num wide" }, time(one.last_purchase, styles.day)),
            h("td", { class: "reasons" }, one.reasons.length ? one.reasons.join("; ") : "when and how often they bought"),
          ),
        ),
      ),
    ),
  );
  place.classList.add("long");
  return place;
}

/** Customers by their chance, from the lowest on. */
function bands(found) {
  const most = Math.max(...found.band_sizes.map((one) => one.customers), 1);
  const edges = (band) => `${band.split("-").map((edge) => number(100 * Number(edge))).join("–")}\u00a0%`;
  return [
    h(
      "ul",
      { class: "bars" },
      found.band_sizes.map((one) => {
        const bar = h("i");
        bar.style.width = `${(100 * one.customers) / most}%`;
        return h("li", {}, h("span", {}, edges(one.band)), h("span", { class: "bar", "aria-hidden": "true" }, bar), h("span", { class: "val" }, count(one.customers), one.expected_value !== null && h("span", { class: "note" }, `, worth ${money(one.expected_value)}`)));
      }),
    ),
    h("p", { class: "note" }, found.sampled < found.customers ? `Of a sample of ${plural(found.sampled, "customer")} who have bought` : `Of ${plural(found.sampled, "customer")} who have bought`),
  ];
}

const modelsTable = (models, all) =>
  table(
    "Judged by what each predicted before the outcome was known",
    ["model", ...Object.values(FIGURES).map(([title]) => title)],
    models.map((one) => [h("span", { class: "chip" }, modelMark(one.name, all), one.name === ACTED_ON ? h("b", {}, one.name) : one.name), ...Object.entries(FIGURES).map(([name, [, write]]) => (one[name] === null ? "–" : write(one[name])))]),
  );

const ofTarget = (found, target) => Object.fromEntries(["models", "over_time", "per_segment", "curves"].map((part) => [part, found[part].filter((one) => one.target === target)]));

export function predictions(root, _, signal) {
  const figure = figures(["At risk", "Expected orders", "Expected value", "ROC AUC"]);
  const lead = h("span", {}, "Who buys again, what they are worth, and why");
  const body = h("div", {}, loading());
  put(root, h("div", { class: "head" }, heading("Predictions", lead), figure.element), body);
  let parts = null;

  board.on("predictions", (found, problem) => {
    if (!found) {
      if (problem) put(body, h("section", { class: "card" }, wrong(problem)));
      return;
    }
    const known = found.band_sizes.some((one) => one.customers);
    figure.element.hidden = !known;
    if (!known) {
      parts = null;
      put(body, h("section", { class: "card" }, found.customers ? nothing(found) : board.values.status?.accepted ? noCustomers() : noState()));
      return;
    }
    text(lead, `Within ${plural(found.horizon_days, "day")}; version ${found.version} of the predictor`);
    parts ??= whole(body, signal);
    parts.set(found);
    headline(figure, found);
  }, signal);
}

function nothing(found) {
  return empty("No predictions yet", h("p", {}, `They come with the first refit after ${count(50)} customers have bought and 10 of them came back, and learn from outcomes that are known ${plural(found.horizon_days, "day")} later.`));
}

/** Figures of all customers, as far as the sample says. */
function headline(figure, found) {
  const times = found.sampled ? found.customers / found.sampled : 1;
  const about = times > 1 ? "≈ " : "";
  const sum = (name) => found.band_sizes.reduce((total, one) => total + (one[name] ?? 0), 0) * times;
  const risky = found.band_sizes.filter((one) => Number(one.band.split("-")[1]) <= 0.5).reduce((total, one) => total + one.customers, 0);
  figure.set("At risk", percent(risky / (found.sampled || 1)), h("small", {}, " of the customers"));
  figure.set("Expected orders", about, count(sum("expected_purchases")));
  figure.set("Expected value", found.band_sizes.some((one) => one.expected_value !== null) ? [about, money(sum("expected_value"))] : "–");
  const acted = found.models.find((one) => one.name === ACTED_ON && one.target === "purchase");
  figure.set("ROC AUC", acted?.roc_auc ? [number(acted.roc_auc), h("small", {}, ` on ${count(acted.examples)} outcomes`)] : ["–", h("small", {}, " no outcome is known yet")]);
}

/** The page once there are predictions. */
function whole(body, signal) {
  const charts = { calibration: calibration(signal), overTime: overTime(signal), gains: gains(signal) };
  const risks = h("div");
  const size = h("div");
  const models = scrolled("Models, as a table");
  const bySegment = asTable("By segment, as a table", () => segmentsTable(shown()));
  const tables = {
    calibration: asTable("Calibration as a table", () => calibrationTable(shown())),
    overTime: asTable("ROC AUC over time as a table", () => periodsTable(shown())),
    gains: asTable("Gains as a table", () => gainsTable(shown())),
  };
  const whose = h("select", { id: "predictions-target" });
  const label = h("label", { class: "unseen", for: "predictions-target" }, "What is predicted");
  const choice = h("div", { class: "note" }, label, whose);
  let found = null;
  const shown = () => ofTarget(found, whose.value);
  const judged = h(
    "div",
    { class: "grid" },
    card("w4", "Calibration", "on the line is right", charts.calibration.element, tables.calibration.element),
    card("w4", "Over time", null, charts.overTime.element, tables.overTime.element),
    card("w4", "Gains", "the higher the better", charts.gains.element, tables.gains.element),
  );
  const none = h("section", { class: "card" }, empty("No outcome is known yet", "Whether customers bought again is known a horizon after they were looked at; until then what they will buy is said by when and how often they bought."));
  const table_ = card("w12", "How good the models are", null, choice, models, bySegment.element);
  put(body, h("div", { class: "grid" }, card("w8", "At risk now", "whose usual orders are likeliest to be lost, first", risks), card("w4", "Customers by their chance to buy again", null, size)), h("div", { class: "below" }, none, h("div", { class: "grid" }, table_), judged));

  const judge = () => {
    const value = shown();
    const some = value.curves.some((one) => one.calibration.length);
    none.hidden = some;
    for (const element of [judged, table_]) element.hidden = !some;
    if (!some) return;
    put(models, modelsTable(value.models, names(value)));
    bySegment.element.hidden = value.per_segment.length < 2;
    for (const [name, chart] of Object.entries(charts)) {
      chart.set(value);
      tables[name].again();
    }
    bySegment.again();
  };
  whose.addEventListener("change", judge);
  const set = (value) => {
    found = value;
    const targets = [...new Set(value.models.map((one) => one.target))];
    if (targets.join() !== [...whose.options].map((one) => one.value).join()) {
      const before = whose.value;
      put(whose, targets.map((name) => h("option", { value: name }, name)));
      whose.value = targets.includes(before) ? before : targets[0];
    }
    choice.hidden = targets.length < 2;
    if (!risks.contains(document.activeElement)) put(risks, atRisk(value));
    put(size, bands(value));
    judge();
  };
  return { set };
}

const calibrationTable = ({ curves }) =>
  table(
    "What share happened of what was predicted",
    ["model, predicted", "happened", "examples"],
    curves.flatMap((one) => one.calibration.map((bin) => [`${one.name}, ${percent(bin.predicted)}`, percent(bin.observed), count(bin.examples)])),
  );

function periodsTable({ over_time: periods, curves }) {
  const all = names({ curves });
  return table("ROC AUC by when it was predicted", ["from", ...all], periods.map((one) => [time(one.begin, styles.day), ...all.map((name) => number(one.models.find((model) => model.name === name)?.roc_auc))]));
}

function gainsTable({ curves }) {
  const some = curves.filter((one) => one.gains.length);
  const steps = some[0]?.gains.length ?? 0;
  return table("Share found by share of the customers", ["customers", ...some.map((one) => one.name)], [...Array(steps).keys()].map((step) => [percent(step / (steps - 1), 0), ...some.map((one) => percent(one.gains[step]))]));
}

function segmentsTable({ per_segment: segments, curves }) {
  const all = names({ curves });
  return table("ROC AUC by segment", ["segment", ...all, "examples"], segments.map((one) => [chip(one.segment), ...all.map((name) => number(one.models.find((model) => model.name === name)?.roc_auc)), count(one.models[0]?.examples ?? 0)]));
}
