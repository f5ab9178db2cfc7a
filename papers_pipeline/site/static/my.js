// The page of what a reader keeps: lists it, exports it, and merges what was exported elsewhere.
(() => {
  const mine = document.querySelector(".mine");
  const words = mine.dataset;
  const language = document.documentElement.lang;
  const list = mine.querySelector(".stars");
  const said = mine.querySelector("output");
  const highlights = mine.querySelector("textarea");
  const plural = new Intl.PluralRules(language);
  const { escapes, commands } = JSON.parse(words.tex);
  const known = new Set(commands);
  const MOST_BYTES = 20_000_000;

  const element = (name, properties, ...content) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...content);
    return made;
  };
  const stars = () => [...kept.get("starred").values()].sort((one, other) => other.starred.localeCompare(one.starred));
  const date = (when) => new Date(when).toLocaleDateString(language, { dateStyle: "medium" });

  const entry = (star) => {
    const own = star.slogan && star.language === language;
    const link = element("a", { href: kept.pageOf(star.id), textContent: own ? star.slogan : star.title });
    const item = element("li", {}, element("h3", {}, link));
    if (!own) link.lang = "en";
    if (own) item.append(element("p", { className: "original", textContent: star.title, lang: "en" }));
    if (star.authors.length) item.append(element("p", { className: "authors", textContent: star.authors.slice(0, 8).join(", ") + (star.authors.length > 8 ? "…" : ""), lang: "en" }));
    const remove = element("button", { type: "button", textContent: words.remove });
    remove.setAttribute("aria-label", `${words.remove}: ${star.title}`);
    remove.dataset.id = star.id;
    const when = element("time", { dateTime: star.starred, textContent: date(star.starred) });
    const [before, after] = words.starred.split("{date}");
    item.append(element("p", { className: "note" }, before, when, after, " ", remove));
    return item;
  };

  const show = () => {
    const all = stars();
    list.replaceChildren(...all.map(entry));
    mine.querySelector(".none").hidden = all.length > 0;
    for (const button of mine.querySelectorAll(".exports button")) button.disabled = !all.length && button.dataset.form !== "json";
    mine.querySelector(".counts").textContent = words.counts.replace("{read}", kept.get("read").size).replace("{hidden}", kept.get("hidden").size);
    if (document.activeElement !== highlights) highlights.value = [...kept.get("highlights")].join("\n");
    mine.querySelector(".fleeting").hidden = kept.lasts();
  };

  list.addEventListener("click", ({ target }) => {
    if (!target.dataset.id) return;
    const place = [...list.children].indexOf(target.closest("li"));
    const all = kept.get("starred");
    all.delete(target.dataset.id);
    kept.set("starred", all);
    (list.querySelectorAll("button")[Math.min(place, list.children.length - 1)] ?? mine.querySelector("h2")).focus();
  });
  highlights.addEventListener("input", () => kept.set("highlights", kept.checked.highlights(highlights.value.split("\n"))));

  // BibTeX as `site/bibtex.py` makes it. A star has its entry from the paper's page. One that was
  // imported is only used if it has that form, and no command but those that are harmless there.
  const isBalanced = (text) => {
    let depth = 0;
    for (const character of text) {
      depth += (character === "{") - (character === "}");
      if (depth < 0) return false;
    }
    return depth === 0;
  };
  const isEntry = (text) => /^@misc\{[a-z]+[\w.]*,\n(  [A-Za-z]+ = \{.*\},\n)+\}$/.test(text)
    && text.split("\n").slice(1, -1).every((line) => isBalanced(line))
    && [...text.matchAll(/\\([A-Za-z]+|.)/g)].every(([, command]) => known.has(command));
  const escaped = (text) => [...text.replace(/[\p{C}\s]+/gu, " ").trim()].map((character) => escapes[character] ?? character).join("");
  const bibtex = (star) => {
    if (isEntry(star.bibtex)) return star.bibtex;
    const authors = star.authors.map(escaped).map((name) => (/,|\band\b/.test(name) ? `{${name}}` : name));
    const year = /^\d{4}\.\d{4,5}$/.test(star.id) ? `20${star.id.slice(0, 2)}` : "";
    const fields = {
      title: `{${escaped(star.title)}}`,
      author: authors.join(" and "),
      year,
      eprint: escaped(star.id),
      archivePrefix: "arXiv",
      url: `https://arxiv.org/abs/${escaped(star.id)}`,
    };
    const lines = Object.entries(fields).filter(([, value]) => value).map(([name, value]) => `  ${name} = {${value}},`);
    const last = (star.authors[0] ?? "").trim().split(/\s+/).at(-1).toLowerCase().normalize("NFKD").replace(/[^a-z]/g, "");
    const key = `${last || "arxiv"}${star.id.replace(/[^\p{L}\p{N}.]/gu, "")}`;
    return [`@misc{${key},`, ...lines, "}"].join("\n");
  };

  const plain = (text) => text.replace(/\s+/g, " ").replace(/[\\`*_[\]<>#&|$~!]/g, "\\$&");
  const markdown = (star) => {
    const about = [star.slogan, star.authors.join(", "), star.starred.slice(0, 10)].filter(Boolean).map(plain).join(" · ");
    return `- [${plain(star.title)}](${kept.pageOf(star.id)}) ([arXiv](https://arxiv.org/abs/${encodeURI(star.id)}))  \n  ${about}`;
  };

  const json = () => {
    const all = Object.fromEntries(kept.NAMES.map((name) => [name, [...kept.get(name).values()]]));
    return `${JSON.stringify({ schema: 1, exported: new Date().toISOString(), ...all }, null, 1)}\n`;
  };

  const FORMS = {
    bib: ["application/x-bibtex", () => `${stars().map(bibtex).join("\n\n")}\n`],
    md: ["text/markdown", () => `# ${words.title}\n\n${stars().map(markdown).join("\n")}\n`],
    json: ["application/json", json],
  };
  mine.querySelector(".exports").addEventListener("click", ({ target }) => {
    if (!target.dataset.form) return;
    const [type, write] = FORMS[target.dataset.form];
    const href = URL.createObjectURL(new Blob([write()], { type }));
    element("a", { href, download: `papers.${target.dataset.form}` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 60_000);
  });

  // Merges: what is here stays, also its date.
  const merge = (exported) => {
    if (exported?.schema !== 1) throw new TypeError("not an export");
    let added = 0;
    for (const name of kept.NAMES) {
      const here = kept.get(name);
      for (const [key, value] of kept.checked[name](exported[name]).entries()) {
        if (here.has(key)) continue;
        if (name === "starred") { here.set(key, value); added += 1; } else here.add(value);
      }
      kept.set(name, here);
    }
    return added;
  };
  mine.querySelector("[type=file]").addEventListener("change", async ({ target }) => {
    try {
      const [file] = target.files;
      if (file.size > MOST_BYTES) throw new RangeError("too large");
      const added = merge(JSON.parse(await file.text()));
      said.textContent = words[plural.select(added)].replace("{count}", added.toLocaleString(language));
    } catch {
      said.textContent = words.failed;
    }
    target.value = "";
  });

  mine.querySelector(".forget").addEventListener("click", () => {
    if (!confirm(words.sure)) return;
    for (const name of kept.NAMES) kept.set(name, new Set());
  });

  document.addEventListener("kept", show);
  show();

  // One after the other: there may be hundreds.
  const complete = async () => {
    for (const star of stars()) if (!kept.isComplete(star)) await kept.complete(star);
  };
  complete();
})();
