// The service: how fast, how far each partition is, whether it can answer, and what could not be used.

import { board } from "../board.js";
import { h, put } from "../dom.js";
import { count, number, plural, styles, time } from "../format.js";
import { sparkline } from "./news.js";
import { card, empty, figures, heading, loading, noState, scrolled, table, wrong } from "./parts.js";

const SHOWN = 50;
// Characters of a record that are shown at once: more would be a screen of them.
const BEGIN = 200;

function partitions(status) {
  const columns = ["partition", "accepted", "duplicates", "rejected", "lag, records", "event time"];
  return table(
    "How far each partition is",
    columns,
    status.partitions.map((one) => [
      ...[one.partition, one.accepted, one.duplicates, one.rejected].map(count),
      one.lag === null ? "–" : count(one.lag),
      one.watermark ? time(one.watermark, styles.long) : "–",
    ]),
  );
}

function positions(status) {
  const rows = status.partitions.flatMap((one) => Object.entries(one.positions).map(([name, next]) => [name, one.partition, next]));
  if (!rows.length) return empty("Nothing was read yet", "Positions show once a log or a topic feeds the state.");
  return table(
    "Next record of each log or topic",
    ["log or topic", "partition", "next record"],
    rows.map(([name, partition, next]) => [h("code", {}, name), count(partition), count(next)]),
  );
}

/** A record as it came; of a long one the begin, and the rest on demand. */
const record = (raw) =>
  raw.length <= BEGIN
    ? h("span", { class: "raw" }, raw)
    : [h("span", { class: "raw" }, `${raw.slice(0, BEGIN)}…`), h("details", { class: "data" }, h("summary", {}, `all ${count(raw.length)} characters`), h("span", { class: "raw" }, raw))];

function rejects(found) {
  if (!found.rejects.length) return empty("No rejects", found.rejected ? `${plural(found.rejected, "record")} could not be used; they are kept no more.` : "Every record so far could be used.");
  return [
    h("ul", { class: "tags" }, Object.entries(found.reasons).map(([reason, times]) => h("li", {}, reason, h("span", {}, ` ${count(times)}`)))),
    scrolled(
      "Rejects",
      h(
        "table",
        { class: "rejects" },
        h("caption", {}, `The newest first; ${plural(found.rejected, "reject")} so far`),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "why"), h("th", { scope: "col" }, "where"), h("th", { scope: "col" }, "record"))),
        h("tbody", {}, found.rejects.slice(0, SHOWN).map((one) => h("tr", {}, h("th", { scope: "row" }, one.reason), h("td", {}, one.position), h("td", {}, record(one.raw))))),
      ),
    ),
  ];
}

export function service(root, _, signal) {
  const figure = figures(["Events a second", "Accepted", "Duplicates left out", "Rejected", "Lag"]);
  const ready = h("div", {}, loading());
  const parts = scrolled("Partitions, as a table", loading());
  const places = scrolled("Positions, as a table", loading());
  const bad = h("div", {}, loading());
  put(
    root,
    h("div", { class: "head" }, heading("Service", "How it keeps up, and what it could not use"), figure.element),
    h("div", { class: "grid" }, card("w4", "Readiness", null, ready), card("w8", "Partitions", null, parts), card("w4", "Positions", null, places), card("w8", "Rejects", null, bad)),
  );
  const showReadiness = () => {
    const { trouble } = board;
    const reasons = trouble ? [trouble.message] : [];
    const { status } = board.values;
    put(
      ready,
      h("p", { class: `ready ${trouble ? "down" : "up"}` }, h("b", {}, trouble ? "Not ready" : "Ready")),
      reasons.length ? h("ul", {}, reasons.map((reason) => h("li", {}, reason))) : h("p", { class: "note" }, "Look-ups are answered."),
      status && h("dl", { class: "facts two" }, h("dt", {}, "fed by"), h("dd", {}, status.feed), h("dt", {}, "version"), h("dd", {}, status.version), h("dt", {}, "segment changes"), h("dd", {}, count(status.segment_changes)), h("dt", {}, "rule changes"), h("dd", {}, count(status.rule_changes))),
    );
    if (trouble?.kind === "no-state") for (const place of [parts, places]) put(place, noState());
  };
  board.on("trouble", showReadiness, signal);
  board.on("status", (status) => {
    if (!status) return;
    figure.set("Events a second", number(status.events_per_second), board.rates.length > 2 ? sparkline(board.rates) : null);
    figure.set("Accepted", count(status.accepted), h("small", {}, " events"));
    figure.set("Duplicates left out", count(status.duplicates), h("small", {}, " events"));
    figure.set("Rejected", count(status.rejected), h("small", {}, " records"));
    figure.set("Lag", status.lag === null ? ["–", h("small", {}, " logs feed it")] : [count(status.lag), h("small", {}, " records behind")]);
    showReadiness();
    put(parts, partitions(status));
    put(places, positions(status));
  }, signal);
  board.on("rejects", (found, problem) => {
    if (problem?.status === 403) put(bad, empty("Rejects need a key with the scope admin", h("p", {}, "They hold records as they came. Make such a key: "), h("code", {}, "crm-online keys new NAME --scope admin")));
    else if (problem) put(bad, wrong(problem));
    else if (found) put(bad, rejects(found));
  }, signal);
}
