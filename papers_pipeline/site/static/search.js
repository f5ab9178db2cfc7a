// The search page. Queries Pagefind in the page's language as the reader types, and keeps the query
// in the address.
const SHOWN = 10;
const PATIENCE_MS = 250;

const form = document.querySelector(".search");
const list = document.querySelector(".results");
const found = document.querySelector(".found");
const more = document.querySelector(".further");
const language = document.documentElement.lang;
const forms = JSON.parse(form.dataset.found);
const plural = new Intl.PluralRules(language);

let engine;
let asked = 0; // number of the latest query; results of earlier ones are dropped
let waiting = [];

const pagefind = () => {
  engine ??= import("../pagefind/pagefind.js").then(async (loaded) => {
    await loaded.options({ excerptLength: 40 });
    await offerTopics((await loaded.filters()).topic ?? {});
    return loaded;
  }).catch((error) => {
    engine = undefined; // let the next search retry
    throw error;
  });
  return engine;
};

const offerTopics = (topics) => {
  const labels = JSON.parse(form.dataset.topics);
  const options = Object.keys(topics).map((token) => new Option(labels[token] ?? token.replaceAll("_", " "), token));
  const { compare } = new Intl.Collator(language);
  form.topic.replaceChildren(form.topic.options[0], ...options.sort((one, other) => compare(one.text, other.text)));
  form.querySelector(".by-topic").hidden = options.length === 0;
};

// Pagefind expects phrases in straight quotation marks; readers type those of their language.
const straight = (words) => words.replace(/[«»“”„]/g, '"');

const count = (number) => (forms[plural.select(number)] ?? forms.other).replace("{count}", number.toLocaleString(language));

// An excerpt is HTML. Keep only its text and the marked words, without the title shown above it.
const excerpt = (html, title) => {
  const line = document.createElement("p");
  line.className = "excerpt";
  const parsed = new DOMParser().parseFromString(html, "text/html").body;
  let left = parsed.textContent.startsWith(title) ? title.length : 0;
  for (const node of parsed.childNodes) {
    const text = node.textContent.slice(left);
    left = Math.max(0, left - node.textContent.length);
    if (node.nodeName === "MARK") line.append(Object.assign(document.createElement("mark"), { textContent: text }));
    else line.append(line.textContent ? text : text.replace(/^[.\s]+/, ""));
  }
  for (const mark of line.querySelectorAll("mark:empty")) mark.remove();
  return line;
};

const entry = ({ url, meta, excerpt: html }) => {
  const item = document.createElement("li");
  const heading = document.createElement("h2");
  heading.append(Object.assign(document.createElement("a"), { href: url, textContent: meta.title }));
  item.append(heading);
  item.append(excerpt(html, meta.title));
  if (meta.date) item.append(Object.assign(document.createElement("p"), { className: "note", textContent: meta.date }));
  return item;
};

const showMore = async (turn) => {
  const papers = await Promise.all(waiting.slice(0, SHOWN).map((result) => result.data()));
  if (turn !== asked) return null;
  waiting = waiting.slice(SHOWN);
  const items = papers.map(entry);
  list.append(...items);
  more.hidden = waiting.length === 0;
  return items[0];
};

const search = async () => {
  const turn = ++asked;
  const [words, topic] = [form.q.value.trim(), form.topic.value];
  const address = new URL(location.href);
  for (const [name, value] of [["q", words], ["topic", topic]]) {
    if (value) address.searchParams.set(name, value); else address.searchParams.delete(name);
  }
  history.replaceState(null, "", address);

  if (!words && !topic) {
    list.replaceChildren();
    more.hidden = true;
    found.textContent = "";
    return;
  }
  found.textContent = form.dataset.loading;
  try {
    const answer = await (await pagefind()).search(straight(words) || null, topic ? { filters: { topic } } : {});
    if (turn !== asked) return;
    list.replaceChildren();
    waiting = answer.results;
    await showMore(turn);
    if (turn === asked) found.textContent = answer.results.length ? count(answer.results.length) : form.dataset.none;
  } catch (error) {
    if (turn === asked) found.textContent = form.dataset.failed;
    throw error;
  }
};

let timer;
form.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(search, PATIENCE_MS);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  search();
});
form.q.addEventListener("focus", () => pagefind().catch(() => { /* the search itself reports the error */ }), { once: true });
more.addEventListener("click", async () => (await showMore(asked))?.querySelector("a").focus());

// Restore the query from the address. A topic can be selected only once the index has listed them.
const given = new URLSearchParams(location.search);
form.q.value ||= given.get("q") ?? "";
if (given.get("topic")) {
  await pagefind().then(() => { form.topic.value = given.get("topic"); }, () => { found.textContent = form.dataset.failed; });
}
if (form.q.value || form.topic.value) search();
