"use strict";
// Theme, links into closed sections, the filter of the cases, and charts drawn when they come into view.
(() => {
  const root = document.documentElement;

  // Storage may be refused when the page is opened from disk; the theme then lasts as long as the page.
  const remember = {
    read() { try { return localStorage.getItem("harness-theme"); } catch { return null; } },
    write(value) { try { localStorage.setItem("harness-theme", value); } catch { /* as said above */ } },
  };
  const themes = ["automatic", "light", "dark"];
  const button = document.getElementById("theme");
  function setTheme(name) {
    if (name === "automatic") delete root.dataset.theme; else root.dataset.theme = name;
    button.querySelector(".theme-name").textContent = name;
    button.setAttribute("aria-label", `Colours: ${name}`);
  }
  let theme = themes.includes(remember.read()) ? remember.read() : "automatic";
  setTheme(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    setTheme(theme);
    remember.write(theme);
  });

  // A link to a case opens it; a link to a cell with a single case opens that one.
  function reveal() {
    const place = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!place) return;
    const cases = place.matches("details") ? [place] : [...place.querySelectorAll(":scope > details.case")];
    if (cases.some((element) => element.hidden)) clearFilter();
    const [only] = cases;
    if (cases.length === 1) { only.open = true; }
    place.scrollIntoView();
    if (only) (place.matches("details") ? only.querySelector("summary") : place).focus({ preventScroll: true });
  }
  addEventListener("hashchange", reveal);

  const form = document.getElementById("filter");
  const text = document.getElementById("filter-text");
  const outcome = document.getElementById("filter-outcome");
  const everyCase = [...document.querySelectorAll("details.case")];
  function filter() {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const element of everyCase) {
      const ended = element.dataset.outcome;
      const wanted = !outcome.value || outcome.value === ended || (outcome.value === "not passed" && ended !== "passed");
      element.hidden = !(wanted && words.every((word) => element.dataset.name.includes(word)));
      shown += element.hidden ? 0 : 1;
    }
    for (const group of document.querySelectorAll(".cell-cases, .model-cases")) {
      group.hidden = !group.querySelector("details.case:not([hidden])");
    }
    document.getElementById("filter-count").textContent = `${shown} of ${everyCase.length} cases`;
  }
  function clearFilter() { form.reset(); filter(); }
  form.hidden = everyCase.length === 0;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  filter();
  if (location.hash) reveal();

  // The chart library is nearly a megabyte: it is read when the first chart comes near the screen.
  function library() {
    if (!window.vegaEmbed) {
      const script = document.createElement("script");
      script.textContent = document.getElementById("chart-library").textContent;
      document.head.append(script);
    }
    return window.vegaEmbed;
  }
  const tooltip = document.createElement("div");
  tooltip.className = "tooltip";
  tooltip.hidden = true;
  document.body.append(tooltip);
  function showTooltip(_handler, event, _item, value) {
    tooltip.hidden = !value;
    if (!value) return;
    tooltip.replaceChildren(...Object.entries(value).map(([name, content]) => {
      const line = document.createElement("div");
      const label = document.createElement("span");
      label.textContent = name;
      line.append(label, ` ${content}`);
      return line;
    }));
    const left = Math.min(event.clientX + 14, innerWidth - tooltip.offsetWidth - 8);
    const below = event.clientY + 14 + tooltip.offsetHeight < innerHeight;
    tooltip.style.left = `${Math.max(8, left)}px`;
    tooltip.style.top = `${below ? event.clientY + 14 : event.clientY - tooltip.offsetHeight - 10}px`;
  }
  function draw(element) {
    if (element.dataset.drawn) return;
    element.dataset.drawn = "yes";
    const config = JSON.parse(document.getElementById("chart-config").textContent);
    const specification = JSON.parse(element.querySelector("script").textContent);
    const plot = document.createElement("div");
    plot.className = "plot";
    element.append(plot);
    library()(plot, specification, {
      mode: "vega-lite", config, renderer: "svg", actions: false, defaultStyle: false, tooltip: showTooltip,
    }).catch((error) => { plot.textContent = `The chart cannot be drawn (${error.message}); its figures are in the table.`; });
  }
  const charts = [...document.querySelectorAll(".chart")];
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) { observer.unobserve(entry.target); draw(entry.target); }
  }, { rootMargin: "400px" });
  charts.forEach((element) => observer.observe(element));
  addEventListener("beforeprint", () => {
    charts.forEach(draw);
    for (const element of everyCase) if (element.dataset.outcome !== "passed") element.open = true;
  });
})();
