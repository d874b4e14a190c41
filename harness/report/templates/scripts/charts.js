// Charts, drawn when they come near the screen, and again when the filter keeps other cases. The library is nearly a
// megabyte: it is read for the first of them.
const charts = (() => {
  const PAUSE = 150; // milliseconds without a further letter before charts are drawn again
  const waiting = new Map();
  const shown = new Map();
  let timer = null;

  async function library() {
    const kit = await packs.get("charts");
    if (!window.vegaEmbed) {
      const script = document.createElement("script");
      script.textContent = kit.library;
      document.head.append(script);
    }
    return kit;
  }

  const tooltip = element("div", { class: "tooltip", hidden: true });
  document.body.append(tooltip);
  function showTooltip(_handler, event, _item, value) {
    tooltip.hidden = !value;
    if (!value) return;
    tooltip.replaceChildren(...Object.entries(value).map(([name, content]) =>
      element("div", {}, element("span", {}, name), ` ${content}`)));
    const left = Math.min(event.clientX + 14, innerWidth - tooltip.offsetWidth - 8);
    const below = event.clientY + 14 + tooltip.offsetHeight < innerHeight;
    tooltip.style.left = `${Math.max(8, left)}px`;
    tooltip.style.top = `${below ? event.clientY + 14 : event.clientY - tooltip.offsetHeight - 10}px`;
  }

  /** `make(kit)` gives the specification, or a text where there is nothing to draw. */
  async function draw(holder) {
    const make = waiting.get(holder);
    if (!make) return;
    waiting.delete(holder);
    observer.unobserve(holder);
    const turn = {};
    holder.turn = turn;
    try {
      const kit = await library();
      const specification = make(kit);
      if (holder.turn !== turn) return;
      const plot = element("div", { class: "plot" });
      shown.get(holder)?.finalize();
      shown.delete(holder);
      holder.replaceChildren(plot);
      if (typeof specification === "string") {
        plot.append(element("p", { class: "soft" }, specification));
        return;
      }
      const drawn = await window.vegaEmbed(plot, specification, {
        mode: "vega-lite", config: kit.config, renderer: "svg", actions: false, defaultStyle: false, tooltip: showTooltip,
      });
      drawn.view.addEventListener("click", (_event, item) => {
        const [place] = item?.datum?.cases ?? [];
        if (place !== undefined) location.hash = cases[place].anchor;
      });
      shown.set(holder, drawn);
    } catch (error) {
      holder.replaceChildren(element("p", { class: "plot" }, `The chart cannot be drawn (${error.message}); its figures are in the table.`));
    }
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, { rootMargin: "400px" });

  /** First what is near the screen, then, when nothing else is to be done, the rest: a page that is printed has all. */
  function add(holder, make) {
    waiting.set(holder, make);
    observer.observe(holder);
    (window.requestIdleCallback ?? setTimeout)(() => { if (holder.closest(".view:not([hidden])")) draw(holder); });
  }

  /** Draws the charts of a view from `rows` by kind, those that `keep` wants. */
  function fill(view, rows, keep) {
    for (const holder of view.querySelectorAll(".chart[data-kind]")) {
      const kept = (rows[holder.dataset.kind] ?? []).filter((row) => row.cases.some((place) => keep(cases[place])));
      const key = kept.map((row) => row.cases[0]).join();
      if (holder.dataset.drawn === key) continue;
      holder.dataset.drawn = key;
      add(holder, (kit) => {
        if (!kept.length) return "No case that the filter keeps has these figures.";
        const drawing = structuredClone(kit.drawings[holder.dataset.kind]);
        const isWide = chartFill.fill(holder.dataset.kind, drawing, kept, kit.ticks);
        const note = holder.closest("figure").querySelector("[data-scale]");
        if (note) note.textContent = isWide ? " (log scale)" : "";
        return drawing;
      });
    }
  }

  return {
    add,
    /** At once for a view that was just opened; while somebody types, after a pause. */
    follow(view, rows, keep, atOnce) {
      clearTimeout(timer);
      if (atOnce) fill(view, rows, keep); else timer = setTimeout(() => fill(view, rows, keep), PAUSE);
    },
    start() {
      document.addEventListener("click", (event) => {
        const way = event.target.closest?.("[data-table-of]");
        if (!way) return;
        const table = document.getElementById(way.dataset.tableOf);
        table.scrollIntoView({ block: "nearest" });
        table.querySelector(".scroll").focus();
      });
      addEventListener("beforeprint", () => {
        for (const holder of waiting.keys()) if (holder.closest(".view:not([hidden])")) draw(holder);
      });
    },
  };
})();
