// Search: customers by how their ids begin, items and segments by a part of their names; ⌘K or Ctrl-K goes there.

import { get, ofCustomer } from "./api.js";
import { h, put } from "./dom.js";
import { mark, ranked } from "./segments.js";

const OFFERED = 8;
const FEW = 4;
const WAIT = 150;

const holds = (name, typed) => name.toLowerCase().includes(typed.toLowerCase());

/** What is found, best first: each with its address, its mark or kind, and its name. */
async function find(typed) {
  const segments = ranked().filter((one) => holds(one.name, typed) || one.id === typed.toLowerCase()).slice(0, FEW);
  const [customers, rules] = await Promise.all([get("customers", { prefix: typed, limit: OFFERED }), get("rules", { text: typed, limit: 40 })].map((asked) => asked.catch(() => null)));
  const items = [...new Set((rules?.rules ?? []).flatMap((one) => [...one.antecedent, ...one.consequent]))].filter((item) => holds(item, typed)).slice(0, FEW);
  return [
    ...(customers?.ids ?? []).map((id) => ({ address: ofCustomer(id), kind: "customer", name: id })),
    ...segments.map((one) => ({ address: `#/segments/${one.id}`, kind: "segment", name: one.name, sign: mark(one.id) })),
    ...items.map((item) => ({ address: `#/rules?${new URLSearchParams({ text: item })}`, kind: "item", name: item })),
  ];
}

export function search() {
  const form = document.getElementById("find");
  const input = document.getElementById("customer");
  const list = document.getElementById("known");
  let [found, chosen, timer, sought] = [[], -1, null, 0];

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    [chosen, sought] = [-1, sought + 1];
    clearTimeout(timer);
  };
  const choose = (place) => {
    chosen = found.length ? (place + found.length) % found.length : -1;
    [...list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === chosen)));
    if (chosen < 0) return;
    input.setAttribute("aria-activedescendant", `found-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  };
  const open = (address) => {
    close();
    input.value = "";
    location.hash = address;
  };
  const offer = async () => {
    const [typed, turn] = [input.value.trim(), (sought += 1)];
    const now = typed ? await find(typed) : [];
    if (turn !== sought || input.value.trim() !== typed) return;
    [found, chosen] = [now, -1];
    put(list, found.map((one, at) => h("li", { role: "option", id: `found-${at}`, "aria-selected": "false", onpointerdown: (event) => (event.preventDefault(), open(one.address)) }, one.sign, h("bdi", {}, one.name), h("span", { class: "note" }, one.kind))));
    list.hidden = !found.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(offer, WAIT);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    event.preventDefault();
    choose(chosen + (event.key === "ArrowDown" ? 1 : chosen < 0 ? 0 : -1));
  });
  // Ids are taken as they are; where none is so, the best that was found.
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = input.value;
    if (!typed.trim()) return;
    if (chosen >= 0) return open(found[chosen].address);
    const customers = await get("customers", { prefix: typed, limit: 1 }).catch(() => null);
    const best = customers?.ids.length ? ofCustomer(customers.ids[0]) : (await find(typed.trim()))[0]?.address;
    open(best ?? ofCustomer(typed));
    return undefined;
  });
  addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}
