// Runs before the first paint, so that a remembered theme does not flash. Pages read fine without it.
(() => {
  const page = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const memory = {
    get: (key) => { try { return localStorage.getItem(key); } catch { return null; } },
    set: (key, value) => { try { localStorage.setItem(key, value); } catch { /* private window */ } },
    forget: (key) => { try { localStorage.removeItem(key); } catch { /* private window */ } },
  };
  window.memory = memory; // for the scripts of single pages

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
      link.addEventListener("click", () => {
        memory.set("language", link.dataset.language);
        link.search = location.search;
        link.hash = location.hash;
      });
    }

    // Every two hours on weekdays, in UTC, matching the pipeline's schedule. Shown on pages that may
    // change by then.
    const update = document.querySelector(".update");
    const now = new Date();
    if (update && ("newest" in update.dataset || update.dataset.day >= now.toISOString().slice(0, 10))) {
      const next = new Date(now);
      next.setUTCHours(2 * Math.floor(now.getUTCHours() / 2) + 2, 0, 0, 0);
      while (next.getUTCDay() % 6 === 0) next.setUTCHours(24, 0, 0, 0);
      const soon = next.toDateString() === now.toDateString();
      const time = update.querySelector("time");
      time.dateTime = next.toISOString();
      const clock = next.toLocaleTimeString(page.lang, { hour: "numeric", minute: "2-digit" });
      const weekday = next.toLocaleDateString(page.lang, { weekday: "long" });
      time.textContent = soon ? clock : `${weekday}${update.dataset.between}${clock}`;
      update.hidden = false;
    }

    // A click that opens the link in this tab. The browser handles all others, such as new tabs.
    const clicked = (event, selector) =>
      event.button || event.ctrlKey || event.metaKey || event.shiftKey ? null : event.target.closest(selector);

    // Share the paper's page, or copy its address. If neither is possible, follow the link.
    const main = document.querySelector("main");
    const said = document.createElement("p");
    said.className = "said";
    said.setAttribute("role", "status");
    document.body.append(said);
    document.addEventListener("click", async (event) => {
      const link = clicked(event, "a.share");
      if (!link) return;
      const touch = navigator.share && matchMedia("(pointer: coarse)").matches;
      if (!touch && !navigator.clipboard) return;
      event.preventDefault();
      try {
        if (touch) await navigator.share({ url: link.href });
        else {
          await navigator.clipboard.writeText(link.href);
          said.textContent = main.dataset.copied;
          setTimeout(() => { said.textContent = ""; }, 4000);
        }
      } catch (error) {
        if (error.name !== "AbortError") location.assign(link.href);
      }
    });

    // Load an abstract from the paper's page. Pages opened from disk follow the link instead.
    document.addEventListener("click", async (event) => {
      const link = clicked(event, "a.abstract");
      if (!link) return;
      event.preventDefault();
      try {
        const answer = await fetch(link.href);
        const fold = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("details.abstract");
        fold.open = true;
        link.parentElement.replaceWith(fold);
        fold.firstElementChild.focus();
      } catch {
        location.assign(link.href);
      }
    });

    // Open the contents next to the papers on wide screens; elsewhere they start folded.
    const contents = document.querySelector(".contents details");
    if (contents) {
      const wide = matchMedia("(min-width: 80rem)");
      const fold = () => { contents.open = wide.matches; };
      wide.addEventListener("change", fold);
      fold();
    }
  });
})();
