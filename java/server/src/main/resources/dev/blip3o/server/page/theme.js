const KEY = "blip3o.theme";

/** Lets {@code select} choose the colours of the page, now and at the next visit. */
export function chooseThemeWith(select) {
  select.value = document.documentElement.dataset.theme ?? "auto";
  select.addEventListener("change", () => {
    show(select.value);
    remember(select.value);
  });
}

function show(theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // Then the choice lasts as long as the page.
  }
}
