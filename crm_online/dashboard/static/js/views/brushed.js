// The customers in the rectangle that the mouse has drawn on the picture: how many of each segment, and who.

import { ofCustomer } from "../api.js";
import { announce, h, put } from "../dom.js";
import { count, plural } from "../format.js";
import { chip, mark } from "../segments.js";

const SHOWN = 60;

/** The list, and what fills it; `clear` is called where somebody takes the rectangle away. */
export function brushed(clear) {
  const element = h("div", { class: "brushed", hidden: true });
  const away = h("button", { type: "button", class: "small", onclick: clear }, "Clear");
  const set = (customers) => {
    // What has the focus must not go while somebody reads.
    if (customers && document.activeElement?.closest(".brushed a")) return;
    element.hidden = customers === null;
    if (customers === null) return;
    const sizes = new Map();
    for (const { segment } of customers) sizes.set(segment, (sizes.get(segment) ?? 0) + 1);
    const more = customers.length - SHOWN;
    put(
      element,
      h("p", {}, h("b", {}, `${plural(customers.length, "customer")} here `), away),
      h("p", { class: "key" }, [...sizes].sort(([, a], [, b]) => b - a).map(([id, size]) => h("span", {}, chip(id), ` ${count(size)}`))),
      h("ul", { class: "tags" }, customers.slice(0, SHOWN).map((one) => h("li", {}, mark(one.segment), " ", h("a", { href: ofCustomer(one.id) }, h("bdi", {}, one.id))))),
      more > 0 ? h("p", { class: "note" }, `and ${count(more)} more: draw less to see them`) : null,
    );
    announce(`${plural(customers.length, "customer")} here`);
  };
  return { element, set };
}
