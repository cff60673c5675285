// Sets the theme before anything is painted, so it is no module: what was chosen, or else what the system prefers.
(() => {
  const CHOSEN = "crm-online.theme";
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem(CHOSEN);
    } catch {
      return null; // a browser that keeps nothing
    }
  };
  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (system.matches ? "dark" : "light");
    window.dispatchEvent(new Event("theme"));
  };
  apply();
  system.addEventListener("change", apply);
  window.addEventListener("theme-chosen", (event) => {
    try {
      localStorage.setItem(CHOSEN, event.detail);
    } catch {
      document.documentElement.dataset.theme = event.detail;
      return;
    }
    apply();
  });
})();
