// Filters and sorts a day's papers. The address holds the selection, so the page can be shared.
(() => {
  const form = document.querySelector("form.filter");
  const list = document.querySelector(".papers");
  const contents = document.querySelector(".contents ol");
  const entries = [...contents?.children ?? []];
  const hits = form.querySelector("output");
  const reset = form.querySelector("[type=reset]");
  const match = form.querySelector(".match");
  const topics = [...form.querySelectorAll("[name=topic]")];
  const language = document.documentElement.lang;
  const plural = new Intl.PluralRules(language);
  const NAMES = ["q", "institution", "sort", "topic", "match"];
  const SEARCHED = "h2, .original, .institutions p, .text, .fold > p, figcaption, .topics, .authors p";

  // Case and accents do not matter: "Erdos" finds "Erdős", "все" finds "всё".
  const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const words = (text) => text.split(" ").filter(Boolean);
  // Text for screen readers only, such as "Authors: ", is not searched.
  const seen = (element) => {
    const visible = [...element.childNodes].filter((node) => !node.matches?.(".sr"));
    return visible.map((node) => node.textContent).join("");
  };

  const papers = [...list.querySelectorAll("article")].map((article, rank) => ({
    article,
    entry: entries[rank],
    topics: words(article.dataset.topics),
    institutions: words(article.dataset.institutions),
    text: folded([article.dataset.arxivId, ...[...article.querySelectorAll(SEARCHED)].map(seen)].join(" ")),
  }));

  // How much each paper is like the starred ones: measured when this order is chosen.
  let likeness = new Map();
  const value = ({ article }, by) => (by === "like" ? likeness.get(article.dataset.arxivId) : Date.parse(article.dataset[by])) || 0;
  // The sort is stable: papers of the same minute keep their order by votes.
  const sorted = (by) => by ? papers.toSorted((one, other) => value(other, by) - value(one, by)) : papers;

  const chosen = () => {
    const data = new FormData(form);
    return {
      words: words(folded(data.get("q")).replace(/\s+/g, " ")),
      institution: data.get("institution"),
      topics: data.getAll("topic"),
      all: data.get("match") === "all",
      sort: data.get("sort"),
    };
  };

  const fits = (paper, wanted) =>
    wanted.words.every((word) => paper.text.includes(word))
    && (!wanted.institution || paper.institutions.includes(wanted.institution))
    && (!wanted.topics.length || wanted.topics[wanted.all ? "every" : "some"]((topic) => paper.topics.includes(topic)));

  let order = "";
  const show = () => {
    const wanted = chosen();
    for (const paper of papers) {
      paper.article.hidden = !fits(paper, wanted);
      if (paper.entry) paper.entry.hidden = paper.article.hidden;
    }
    if (wanted.sort !== order) {
      order = wanted.sort;
      list.append(...sorted(order).map((paper) => paper.article));
      contents?.append(...sorted(order).flatMap((paper) => paper.entry ?? []));
    }
    if (match) match.hidden = wanted.topics.length < 2;
    const filtered = wanted.words.length + wanted.topics.length > 0 || Boolean(wanted.institution);
    reset.hidden = !(filtered || wanted.sort);
    return filtered;
  };

  let trouble = "";
  const announce = (filtered) => {
    const count = papers.filter((paper) => !paper.article.hidden).length;
    const sentence = count ? hits.dataset[plural.select(count)] : hits.dataset.none;
    hits.textContent = filtered ? sentence.replace("{count}", count.toLocaleString(language)) : trouble;
  };

  const remember = () => {
    const query = new URLSearchParams(location.search);
    NAMES.forEach((name) => query.delete(name));
    for (const [name, value] of new FormData(form)) if (value.trim() && !(name === "match" && match.hidden)) query.append(name, value.trim());
    try {
      history.replaceState(history.state, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    } catch { /* a page opened from disk has no history entry to update */ }
  };

  const recall = () => {
    const query = new URLSearchParams(location.search);
    for (const name of ["q", "institution", "sort"]) {
      const field = form.elements[name];
      if (!field) continue;
      field.value = query.get(name) ?? "";
      if (field.selectedIndex === -1) field.value = "";
    }
    for (const box of topics) box.checked = query.getAll("topic").includes(box.value);
    for (const radio of form.querySelectorAll("[name=match]")) radio.checked = radio.value === (query.get("match") === "all" ? "all" : "");
    if (chosen().sort === "like") measured().then(() => announce(show()));
    else announce(show());
  };

  // The order by likeness is offered while there are stars, and chosen only if their words are known.
  const byLikeness = new Option(form.dataset.like, "like");
  const offer = () => {
    const chose = byLikeness.selected;
    if (window.kept?.get("starred").size) form.elements.sort.append(byLikeness);
    else byLikeness.remove();
    if (chose && !byLikeness.isConnected) changed();
  };
  const measured = async () => {
    try {
      likeness = await window.kept.likeness(form.dataset.day);
      trouble = "";
    } catch {
      trouble = form.dataset.unknown;
      form.elements.sort.value = order;
    }
  };

  // The papers update on every key; the count and the address update once typing pauses.
  let rest;
  const changed = async () => {
    if (chosen().sort === "like" && order !== "like") await measured();
    const filtered = show();
    clearTimeout(rest);
    rest = setTimeout(() => { announce(filtered); remember(); }, 250);
  };

  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    const details = form.querySelector("details");
    (details.open ? form.elements.q : details.firstElementChild).focus();
    setTimeout(changed);
  });
  addEventListener("popstate", recall);

  document.addEventListener("kept", offer);
  offer();
  recall();
  form.querySelector("details").open = !reset.hidden && matchMedia("(min-width: 64rem)").matches;
  if (location.search && location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
})();
