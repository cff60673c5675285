// The HTTP API: what can be asked, with what, and what is answered; of the service's own OpenAPI document.

import { h, put } from "../dom.js";
import { words } from "../format.js";
import { card, heading, loading, scrolled, wrong } from "./parts.js";

const METHODS = ["get", "post", "patch", "put", "delete"];

function parameters(operation) {
  const all = operation.parameters ?? [];
  if (!all.length) return null;
  const type = ({ schema }) => schema.type ?? schema.anyOf?.map((one) => one.type ?? "").filter((one) => one && one !== "null").join(" or ") ?? "";
  return scrolled(
    "Parameters",
    h(
      "table",
      {},
      h("caption", { class: "unseen" }, "Parameters"),
      h("thead", {}, h("tr", {}, ["parameter", "type", "what it is"].map((title) => h("th", { scope: "col" }, title)))),
      h("tbody", {}, all.map((one) => h("tr", {}, h("th", { scope: "row" }, h("code", {}, one.name), one.required ? " (needed)" : ""), h("td", {}, type(one)), h("td", {}, one.description ?? "")))),
    ),
  );
}

function example(operation) {
  const contents = Object.entries(operation.responses).filter(([status]) => status.startsWith("2")).flatMap(([, response]) => Object.values(response.content ?? {}));
  const shown = contents.find((one) => one.example !== undefined)?.example;
  if (shown === undefined) return null;
  return h("details", { class: "data" }, h("summary", {}, "Example of an answer"), h("pre", { tabindex: "0", role: "region", "aria-label": "Example of an answer" }, typeof shown === "string" ? shown : JSON.stringify(shown, null, 1)));
}

function operation(path, method, one) {
  const body = one.requestBody ? " -H 'Content-Type: application/json' -d '…'" : "";
  return h(
    "details",
    { class: "operation" },
    h("summary", {}, h("b", {}, method.toUpperCase()), " ", h("code", {}, path), h("span", { class: "note" }, ` ${one.summary}`)),
    h("div", {}, one.description.split("\n\n").slice(1).map((text) => h("p", {}, text)), h("p", {}, h("code", {}, `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}'${location.origin}${path}'${body}`)), parameters(one), example(one)),
  );
}

export function api(root, _, signal) {
  const body = h("div", { class: "stack" }, loading());
  put(root, h("div", { class: "head" }, heading("API", "All that this page shows can be asked over HTTP; ", h("a", { href: "/openapi.json" }, "the whole as OpenAPI"))), body);
  fetch("/openapi.json", { signal })
    .then((response) => response.json())
    .then((found) => {
      const each = Object.entries(found.paths).flatMap(([path, methods]) => METHODS.filter((method) => methods[method]).map((method) => [path, method, methods[method]]));
      put(body, found.tags.map((tag) => card("", words(tag.name), tag.description, each.filter(([, , one]) => one.tags?.includes(tag.name)).map((one) => operation(...one)))));
    })
    .catch((problem) => problem.name === "AbortError" || put(body, h("section", { class: "card" }, wrong({ status: 0, message: "The service does not answer" }))));
}
