// Shows or hides the pinyin of a reading task, or hides pinyin and meanings until they are touched.
// Both choices are remembered. Everything is shown by default.
(() => {
  const page = document.documentElement;
  const { memory } = window;
  const REVEALED = "ruby, .translation, .vocabulary tbody tr";

  const show = (shown) => { if (shown) delete page.dataset.pinyin; else page.dataset.pinyin = "hidden"; };
  const test = (tested) => { if (tested) page.dataset.recall = ""; else delete page.dataset.recall; };
  show(memory.get("pinyin") !== "hidden");
  test(memory.get("reading-test") === "on");

  document.addEventListener("DOMContentLoaded", () => {
    const pinyin = document.querySelector("button.pinyin");
    if (!pinyin) return;
    const tools = pinyin.parentElement;
    const labels = tools.dataset;
    const asked = Object.assign(document.createElement("button"), { type: "button", className: "test", textContent: labels.test });
    const note = Object.assign(document.createElement("p"), { className: "note", textContent: labels.testNote });
    pinyin.after(" ", asked);
    tools.after(note);

    const update = () => {
      const tested = "recall" in page.dataset;
      pinyin.setAttribute("aria-pressed", !page.dataset.pinyin);
      asked.setAttribute("aria-pressed", tested);
      note.hidden = !tested;
      // The Tab key leads to each sentence, translation and word, and shows what is hidden there.
      for (const place of document.querySelectorAll(".hanzi, .translation, .vocabulary tbody tr")) {
        if (tested) place.tabIndex = 0; else place.removeAttribute("tabindex");
      }
    };
    update();

    pinyin.addEventListener("click", () => {
      show(Boolean(page.dataset.pinyin));
      memory.set("pinyin", page.dataset.pinyin ?? "shown");
      update();
    });
    asked.addEventListener("click", () => {
      test(!("recall" in page.dataset));
      memory.set("reading-test", "recall" in page.dataset ? "on" : "off");
      for (const seen of document.querySelectorAll(".seen")) seen.classList.remove("seen");
      update();
    });
    document.addEventListener("click", ({ target }) => {
      if ("recall" in page.dataset) target.closest(REVEALED)?.classList.toggle("seen");
    });
  });
})();
