// Runs before the page is drawn, so that a remembered theme does not flash. Nothing here is needed for reading.
(() => {
  const page = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const memory = {
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } },
    forget: (key) => { try { localStorage.removeItem(key); } catch { /* private window */ } },
  };

  page.dataset.js = "";
  const show = (theme) => { if (theme) page.dataset.theme = theme; else delete page.dataset.theme; };
  show(memory.get("theme"));

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelector(".theme").addEventListener("click", () => {
      const dark = (page.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
      const wanted = dark ? "light" : "dark";
      const followsSystem = (wanted === "dark") === system.matches;
      if (followsSystem) memory.forget("theme"); else memory.set("theme", wanted);
      show(followsSystem ? null : wanted);
    });

    for (const link of document.querySelectorAll("[data-language]")) {
      link.addEventListener("click", () => memory.set("language", link.dataset.language));
    }

    // The contents stand beside the papers where there is room; elsewhere they wait to be asked for.
    const contents = document.querySelector(".contents details");
    if (contents) {
      const wide = matchMedia("(min-width: 80rem)");
      const fold = () => { contents.open = wide.matches; };
      wide.addEventListener("change", fold);
      fold();
    }
  });
})();
