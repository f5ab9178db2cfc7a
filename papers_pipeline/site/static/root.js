// Redirects to the remembered language, else to the first browser language the site has.
(() => {
  const languages = document.currentScript.dataset.languages.split(" ");
  let remembered = null;
  try { remembered = localStorage.getItem("language"); } catch { /* private window */ }
  const wanted = [remembered, ...navigator.languages.map((tag) => tag.split("-")[0].toLowerCase())];
  location.replace(`${wanted.find((language) => languages.includes(language)) ?? languages[0]}/index.html`);
})();
