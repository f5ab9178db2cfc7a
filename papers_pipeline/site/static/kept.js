// What a reader keeps in this browser: starred, read and hidden papers, and words to highlight. It is
// sent nowhere. Starring a paper loads its page and its day's words, as reading it would.
window.kept = (() => {
  const { dataset: labels, src } = document.currentScript;
  const site = new URL("..", src);
  const pages = new URL(labels.pages, location.href);
  const MARKS = ["starred", "read", "hidden"];
  const NAMES = [...MARKS, "highlights"];
  const PREFIX = "kept.";
  const MOST_IDS = 100_000;
  const MOST_HIGHLIGHTS = 200;
  // Scripts that put spaces between words: there, a word to highlight is a whole word.
  const LETTER = "[\\p{Script=Latin}\\p{Script=Cyrillic}\\p{Script=Greek}\\p{N}]";
  const UNSEARCHED = "script, form, nav, pre, math, .note, .marks, .away-line";

  // Storage. What the browser refuses to store lasts as long as the page.
  const refused = new Map();
  const load = (name) => {
    if (refused.has(name)) return refused.get(name);
    try { return JSON.parse(localStorage.getItem(PREFIX + name)); } catch { return null; }
  };
  const save = (name, value) => {
    try {
      localStorage.setItem(PREFIX + name, JSON.stringify(value));
      refused.delete(name);
    } catch { refused.set(name, value); }
  };

  // What is stored may be damaged, and what is imported may be anything: only what fits is taken.
  const string = (value, most) => (typeof value === "string" ? value.slice(0, most) : "");
  const list = (value) => (Array.isArray(value) ? value : []);
  const isId = (id) => typeof id === "string" && id.length < 40 && /^[\w-][\w.-]*(\/\w[\w.-]*)?$/.test(id);
  const isWord = ([word, weight]) => /^\d{1,7}$/.test(word) && typeof weight === "number" && weight > 0 && weight <= 1;
  const checkedWords = (words) => Object.fromEntries(Object.entries(words ?? {}).filter(isWord).slice(0, 50));
  const checkedStar = (star) => isId(star?.id) ? {
    id: star.id,
    title: string(star.title, 1000) || star.id,
    slogan: string(star.slogan, 1000),
    language: string(star.language, 20),
    authors: list(star.authors).filter((name) => typeof name === "string").slice(0, 5000),
    day: /^\d{4}-\d\d-\d\d$/.test(star.day) ? star.day : "",
    starred: new Date(Date.parse(star.starred) || 0).toISOString(),
    bibtex: string(star.bibtex, 200_000),
    words: checkedWords(star.words),
  } : null;
  const checkedStars = (stars) => new Map(list(stars).slice(0, MOST_IDS).map(checkedStar).filter(Boolean).map((star) => [star.id, star]));
  const checkedIds = (ids) => new Set(list(ids).slice(0, MOST_IDS).filter(isId));
  const checkedHighlights = (words) => {
    const cleaned = list(words).map((word) => string(word, 100).replace(/\s+/g, " ").trim());
    return new Set(cleaned.filter((word) => /[^*\s]/.test(word)).slice(0, MOST_HIGHLIGHTS));
  };
  const CHECKED = { starred: checkedStars, read: checkedIds, hidden: checkedIds, highlights: checkedHighlights };
  const get = (name) => CHECKED[name](load(name));
  const set = (name, value) => {
    save(name, [...value.values()]);
    refresh();
  };

  // A star keeps what lists and exports need. The card has some of it at once, the paper's page the rest.
  const textOf = (element, without) => {
    const copy = element?.cloneNode(true);
    copy?.querySelectorAll(without).forEach((part) => part.remove());
    return copy?.textContent.trim() ?? "";
  };
  const fromCard = (article) => {
    const heading = textOf(article.querySelector("h1, h2"), ".emoji");
    const original = textOf(article.querySelector(".original"), "annotation");
    return checkedStar({
      id: article.dataset.arxivId,
      title: original || heading,
      slogan: original ? heading : "",
      language: document.documentElement.lang,
      day: article.querySelector(".marks").dataset.day,
      starred: new Date().toISOString(),
    });
  };

  const fetched = async (url) => {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${answer.status} ${url}`);
    return answer;
  };
  const pageOf = (id) => new URL(`p/${encodeURI(id)}.html`, pages).href;
  const fromPage = async (id) => {
    const here = document.querySelector("article.alone")?.dataset.arxivId === id;
    const page = here ? document : new DOMParser().parseFromString(await (await fetched(pageOf(id))).text(), "text/html");
    const meta = (name) => [...page.querySelectorAll(`meta[name=citation_${name}]`)].map((found) => found.content);
    return { title: meta("title")[0], authors: meta("author"), bibtex: page.querySelector("#bibtex")?.textContent };
  };

  const days = new Map();
  const wordsOfDay = (day) => {
    if (!days.has(day)) {
      const loaded = fetched(new URL(`words/${day}.json`, site)).then((answer) => answer.json()).then(({ papers }) => papers);
      days.set(day, loaded);
      loaded.catch(() => days.delete(day)); // the next question tries again
    }
    return days.get(day);
  };

  // What cannot be loaded now is tried again on the page of one's papers.
  const hasWords = (star) => Object.keys(star.words).length > 0;
  const isComplete = (star) => Boolean(star.bibtex) && hasWords(star);
  const complete = async (star) => {
    const { id, day } = star;
    const lacking = [];
    if (!star.bibtex) lacking.push(fromPage(id));
    if (!hasWords(star) && day) lacking.push(wordsOfDay(day).then((papers) => ({ words: papers[id] })));
    const found = await Promise.allSettled(lacking);
    const stars = get("starred");
    if (!stars.has(id)) return;
    stars.set(id, checkedStar(Object.assign({}, stars.get(id), ...found.map(({ value }) => value))));
    set("starred", stars);
  };

  // How alike two papers are: the cosine of their words' weights.
  const length = (words) => Math.hypot(...Object.values(words));
  const cosine = (one, other) => {
    const common = Object.keys(one).filter((word) => word in other);
    const likeness = common.reduce((sum, word) => sum + one[word] * other[word], 0) / (length(one) * length(other)) || 0;
    return Number(likeness.toFixed(6)); // so that equal ones are equal
  };
  // Each paper of a day by how much it is like that starred paper which it is most like.
  const likeness = async (day) => {
    const papers = Object.entries(await wordsOfDay(day));
    const liked = [...get("starred").values()].map((star) => star.words);
    const most = (words) => Math.max(0, ...liked.map((other) => cosine(words, other)));
    return new Map(papers.map(([id, words]) => [id, most(checkedWords(words))]));
  };

  // Marks on papers.
  const button = (mark, label) => {
    const made = Object.assign(document.createElement("button"), { type: "button", textContent: label });
    made.dataset.mark = mark;
    return made;
  };
  const cards = [...document.querySelectorAll("article .marks")].map((place) => {
    const article = place.closest("article");
    const buttons = MARKS.map((mark) => button(mark, labels[mark]));
    place.setAttribute("role", "group");
    place.setAttribute("aria-label", labels.marks);
    place.append(...buttons);
    return { article, buttons, id: article.dataset.arxivId, shown: "" };
  });

  // The line that stands for a hidden paper.
  const awayLine = (article) => {
    const line = Object.assign(document.createElement("p"), { className: "away-line" });
    const title = textOf(article.querySelector("h2"), ".emoji");
    const show = button("hidden", labels.show);
    show.setAttribute("aria-label", `${labels.show}: ${title}`);
    line.append(Object.assign(document.createElement("span"), { textContent: title }), " ", show);
    article.prepend(line);
  };

  const showMarks = (card, marked) => {
    const states = MARKS.map((mark) => marked[mark].has(card.id));
    if (card.shown === String(states)) return; // a month has hundreds of cards, of which one changed
    card.shown = String(states);
    card.buttons.forEach((pressed, place) => pressed.setAttribute("aria-pressed", states[place]));
    const { article } = card;
    const [, read, hidden] = states;
    article.classList.toggle("is-read", read);
    const away = hidden && !article.matches(".alone");
    article.classList.toggle("away", away);
    if (away && !article.querySelector(".away-line")) awayLine(article);
  };

  const toggle = (mark, article) => {
    const id = article.dataset.arxivId;
    const marked = get(mark);
    if (marked.delete(id)) return set(mark, marked);
    if (mark !== "starred") return set(mark, marked.add(id));
    const star = fromCard(article);
    set(mark, marked.set(id, star));
    return complete(star);
  };

  document.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-mark]");
    const article = pressed?.closest("article");
    if (!article) return;
    toggle(pressed.dataset.mark, article);
    // Hiding and showing a paper takes its button away: the one in its place gets the focus.
    if (!pressed.offsetParent) article.querySelector(article.matches(".away") ? ".away-line button" : ".marks [data-mark=hidden]").focus();
  });

  // Words and names to highlight. Highlights are painted over the text: nothing moves.
  const isLetter = new RegExp(`^${LETTER}$`, "u");
  const patternOf = (word) => {
    const stem = word.replace(/\*+$/, "");
    const characters = [...stem];
    const source = stem.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&").replace(/ /g, "\\s+");
    const before = isLetter.test(characters[0]) ? `(?<!${LETTER})` : "";
    const after = stem === word && isLetter.test(characters.at(-1)) ? `(?!${LETTER})` : "";
    return before + source + after;
  };
  const main = document.querySelector("main");
  let painted = "";
  const highlight = () => {
    if (!window.Highlight) return;
    const words = [...get("highlights")];
    painted = String(words);
    CSS.highlights.delete("kept");
    if (!words.length) return;
    const pattern = new RegExp(words.map(patternOf).join("|"), "giu");
    const found = new Highlight();
    const texts = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const { currentNode: text } = texts;
      for (const match of text.data.matchAll(pattern)) {
        if (text.parentElement.closest(UNSEARCHED)) break;
        found.add(new StaticRange({ startContainer: text, startOffset: match.index, endContainer: text, endOffset: match.index + match[0].length }));
      }
    }
    CSS.highlights.set("kept", found);
  };

  const refresh = () => {
    const marked = Object.fromEntries(MARKS.map((mark) => [mark, get(mark)]));
    for (const card of cards) showMarks(card, marked);
    if (painted !== String([...get("highlights")])) highlight();
    document.dispatchEvent(new Event("kept"));
  };

  // Other tabs, pages that the browser brings back, and text that scripts bring in.
  addEventListener("storage", ({ key }) => { if (!key || key.startsWith(PREFIX)) refresh(); });
  addEventListener("pageshow", ({ persisted }) => { if (persisted) refresh(); });
  let planned = false;
  new MutationObserver(() => {
    if (!planned) requestAnimationFrame(() => { planned = false; highlight(); });
    planned = true;
  }).observe(main, { childList: true, subtree: true });

  refresh();
  return { NAMES, get, set, complete, isComplete, likeness, pageOf, checked: CHECKED, lasts: () => !refused.size };
})();
