// Asks for what the page begins with while its modules are still on their way; `api.js` takes the answers.
(() => {
  const overview = /^(#\/?)?(\?|$)/.test(location.hash);
  const paths = ["/v1/status", "/v1/segments", ...(overview ? ["/v1/segment-sizes", "/v1/picture"] : []), "/v1/session", "/readyz"];
  window.early = new Map(paths.map((path) => [path, fetch(path, { credentials: "same-origin" })]));
  // Whoever takes an answer says that there was none.
  for (const answer of window.early.values()) answer.catch(() => {});
})();
