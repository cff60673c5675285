// The one small box that says more, at the pointer in charts.

import { h, put } from "./dom.js";

const box = h("div", { class: "tip", role: "tooltip", id: "tip", hidden: true });
document.body.append(box);

export function show(x, y, ...children) {
  put(box, children);
  box.hidden = false;
  const { width, height } = box.getBoundingClientRect();
  const left = x + 14 + width > innerWidth - 8 ? x - width - 14 : x + 14;
  const top = y + 14 + height > innerHeight - 8 ? y - height - 14 : y + 14;
  box.style.transform = `translate(${Math.max(8, left)}px, ${Math.max(8, top)}px)`;
}

export function hide() {
  box.hidden = true;
}

addEventListener("keydown", (event) => event.key === "Escape" && hide());
addEventListener("hashchange", hide);
addEventListener("scroll", hide, { passive: true });
