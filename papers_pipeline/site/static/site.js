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
      link.addEventListener("click", () => {
        memory.set("language", link.dataset.language);
        link.search = location.search;
        link.hash = location.hash;
      });
    }

    // Every two hours on weekdays, in UTC, as the pipeline's schedule has it; said where the page may change by then.
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

    // A click that would open the link here; others, as those for a new tab, are the browser's own.
    const clicked = (event, selector) =>
      event.button || event.ctrlKey || event.metaKey || event.shiftKey ? null : event.target.closest(selector);

    // Shares the paper's page, or copies its address; where neither can be done, the link leads there.
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

    // Brings an abstract from the paper's page; a page opened from a folder may not, there the link leads to it.
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
