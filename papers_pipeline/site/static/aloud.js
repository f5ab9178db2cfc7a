// Reads a reading task aloud by a Chinese voice of the reader's device, and marks the sentence and the
// word that is being said. Without such a voice, nothing of this is there.
(() => {
  const { memory, speechSynthesis: speech } = window;
  const pinyin = document.querySelector("button.pinyin");
  if (!speech || !pinyin) return;
  const tools = pinyin.parentElement;
  const labels = tools.dataset;
  const language = document.documentElement.lang;
  const RATES = [0.5, 0.75, 1];

  // Voices that are not local send the text away. Those of Hong Kong and Macau speak Cantonese.
  const speaksChinese = ({ lang, localService }) => localService && /^(zh|cmn)([-_]|$)/i.test(lang) && !/HK|MO|yue/i.test(lang);
  const voice = () => {
    const voices = speech.getVoices().filter(speaksChinese);
    return voices.find(({ lang }) => /CN|Hans|cmn/i.test(lang)) ?? voices[0];
  };

  // A sentence as it is said, without pinyin, and where each word with pinyin ends in it.
  const read = (item) => {
    let text = "";
    const words = [];
    for (const node of item.querySelector(".hanzi").childNodes) {
      text += (node.nodeName === "RUBY" ? node.firstChild : node).data ?? "";
      if (node.nodeName === "RUBY") words.push({ node, end: text.length });
      else if (node.data) words.push({ node: null, end: text.length });
    }
    return { item, text, words };
  };
  const sentences = [...document.querySelectorAll(".sentences li")].map(read);

  const button = Object.assign(document.createElement("button"), { type: "button", className: "aloud" });
  const speed = document.createElement("select");
  speed.setAttribute("aria-label", labels.speed);
  speed.append(...RATES.map((rate) => new Option(`${rate.toLocaleString(language)}×`, rate)));
  speed.value = RATES.includes(Number(memory.get("speed"))) ? memory.get("speed") : "1";

  let saying = null; // the utterance, kept so that the browser does not drop it
  let place = 0;
  const mark = (word) => {
    document.querySelector("ruby.spoken")?.classList.remove("spoken");
    word?.node?.classList.add("spoken");
  };
  const stop = () => {
    saying = null; // events of what is canceled come later, and are not for us
    speech.cancel();
    mark(null);
    document.querySelector(".saying")?.classList.remove("saying");
    button.textContent = labels.listen;
  };

  const say = (number) => {
    stop();
    if (number >= sentences.length) return;
    place = number;
    const { item, text, words } = sentences[number];
    const utterance = Object.assign(new SpeechSynthesisUtterance(text), { lang: "zh-CN", voice: voice(), rate: Number(speed.value) });
    const ours = (act) => (event) => { if (saying === utterance) act(event); };
    // Voices without boundaries leave the whole sentence marked.
    utterance.onboundary = ours(({ charIndex }) => mark(words.find(({ end }) => charIndex < end)));
    utterance.onend = ours(() => say(number + 1));
    utterance.onerror = ours(stop);
    saying = utterance;
    item.classList.add("saying");
    item.scrollIntoView({ block: "nearest" });
    button.textContent = labels.stop;
    speech.speak(utterance);
  };

  button.addEventListener("click", () => { if (saying) stop(); else say(0); });
  speed.addEventListener("change", () => {
    memory.set("speed", speed.value);
    if (saying) say(place);
  });
  addEventListener("pagehide", stop);

  // Browsers load their voices late.
  const offer = () => {
    if (button.isConnected || !voice()) return;
    button.textContent = labels.listen;
    tools.prepend(button, " ", speed, " ");
  };
  speech.addEventListener?.("voiceschanged", offer);
  offer();
})();
