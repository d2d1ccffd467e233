// Before the first paint, so that a dark page never flashes white. A module would come too late.
(() => {
  let theme = "auto";
  try {
    theme = localStorage.getItem("blip3o.theme") ?? "auto";
  } catch {
    // A browser that keeps nothing still shows the page.
  }
  if (theme === "light" || theme === "dark") {
    document.documentElement.dataset.theme = theme;
  }
})();
