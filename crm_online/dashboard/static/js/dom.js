// Elements. Text is only ever set as text: an id may hold markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Make an HTML element: attributes by name, listeners as `onclick`; strings among the children become text. */
export const h = (tag, attributes = {}, ...children) => fill(document.createElement(tag), attributes, children);

/** Make an SVG element. */
export const s = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** Replace what is in an element, if it is not the same already; returns whether it was replaced. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Set an element's text if it is another one: what did not change is left alone, also for screen readers. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Announce something to screen readers, politely. */
export function announce(value) {
  text(document.getElementById("announcement"), value);
}

export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
export const dark = () => document.documentElement.dataset.theme === "dark";
