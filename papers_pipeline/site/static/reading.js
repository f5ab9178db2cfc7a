// Shows or hides the pinyin of a reading task and remembers the choice. Shown by default.
(() => {
  const page = document.documentElement;
  const memory = {
    get: () => { try { return localStorage.getItem("pinyin"); } catch { return null; } },
    set: (value) => { try { localStorage.setItem("pinyin", value); } catch { /* private window */ } },
  };

  const show = (shown) => { if (shown) delete page.dataset.pinyin; else page.dataset.pinyin = "hidden"; };
  show(memory.get() !== "hidden");

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.querySelector("button.pinyin");
    if (!button) return;
    const update = () => button.setAttribute("aria-pressed", String(!page.dataset.pinyin));
    update();
    button.addEventListener("click", () => {
      show(Boolean(page.dataset.pinyin));
      memory.set(page.dataset.pinyin ?? "shown");
      update();
    });
  });
})();
