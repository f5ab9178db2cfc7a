// The pinyin of a reading task is shown until the reader hides it; the choice is remembered.
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
    const tell = () => button.setAttribute("aria-pressed", String(!page.dataset.pinyin));
    tell();
    button.addEventListener("click", () => {
      show(Boolean(page.dataset.pinyin));
      memory.set(page.dataset.pinyin ?? "shown");
      tell();
    });
  });
})();
