// What is shown, as a line for a shell: the same can be asked over HTTP.

import { board } from "../board.js";
import { announce, h, text } from "../dom.js";

/** The line; `body` is what is posted, as JSON. */
function line({ path, body }) {
  const key = board.values.session?.keys ? ' -H "Authorization: Bearer $CRM_ONLINE_KEY"' : "";
  // Within a quoted word of a shell, all but the quote itself stands for itself.
  const quoted = (value) => `'${value.replaceAll("'", body === undefined ? "%27" : String.raw`'\''`)}'`;
  return `curl -s${key} ${quoted(location.origin + path)}${body === undefined ? "" : ` --json ${quoted(JSON.stringify(body))}`}`;
}

/** Opens to the line, and copies it; `asked()` gives `{path, body}` as they are at that moment. */
export function apiCall(asked) {
  const code = h("code");
  const copy = h("button", { type: "button", class: "small" }, "Copy the API call");
  const place = h("pre", { class: "scroll", tabindex: "0", role: "region", "aria-label": "API call" }, code);
  const element = h("details", { class: "data call" }, h("summary", {}, "As an API call"), h("div", {}, place, copy));
  const again = () => text(code, line(asked()));
  element.addEventListener("toggle", again);
  copy.addEventListener("click", async () => {
    again();
    try {
      await navigator.clipboard.writeText(code.textContent);
      announce("The API call is copied");
      text(copy, "Copied");
      setTimeout(() => text(copy, "Copy the API call"), 2000);
    } catch {
      // Browsers let pages write to the clipboard only over HTTPS, or on this computer.
      getSelection().selectAllChildren(code);
      announce("The API call is selected");
    }
  });
  return element;
}
