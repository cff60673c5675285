// The one small box that says more: on hover, on focus, and at the pointer in charts.

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

/** Explain an element when it is pointed at or has the focus; Escape hides the box. */
export function explain(element, ...children) {
  const open = () => {
    const { left, bottom } = element.getBoundingClientRect();
    show(left - 14, bottom - 6, children.map((child) => (typeof child === "string" ? h("p", {}, child) : child)));
    element.setAttribute("aria-describedby", "tip");
  };
  const close = () => {
    hide();
    element.removeAttribute("aria-describedby");
  };
  element.addEventListener("pointerenter", open);
  element.addEventListener("focus", open);
  element.addEventListener("pointerleave", close);
  element.addEventListener("blur", close);
  return element;
}

addEventListener("keydown", (event) => event.key === "Escape" && hide());
addEventListener("hashchange", hide);
addEventListener("scroll", hide, { passive: true });
