// Charts, drawn when they come near the screen. The library is nearly a megabyte: it is read for the first of them.
const charts = (() => {
  const waiting = new Map();

  function library() {
    if (!window.vegaEmbed) {
      const script = document.createElement("script");
      script.textContent = document.getElementById("chart-library").textContent;
      document.head.append(script);
    }
    return window.vegaEmbed;
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

  async function draw(holder) {
    const make = waiting.get(holder);
    if (!make) return;
    waiting.delete(holder);
    observer.unobserve(holder);
    const plot = element("div", { class: "plot" });
    holder.append(plot);
    try {
      const { view } = await library()(plot, make(), {
        mode: "vega-lite", config: data("chart-config"), renderer: "svg", actions: false, defaultStyle: false, tooltip: showTooltip,
      });
      view.addEventListener("click", (_event, item) => { if (item?.datum?.anchor) location.hash = item.datum.anchor; });
    } catch (error) {
      plot.textContent = `The chart cannot be drawn (${error.message}); its figures are in the table.`;
    }
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) draw(entry.target);
  }, { rootMargin: "400px" });

  function add(holder, make) {
    waiting.set(holder, make);
    observer.observe(holder);
  }

  return {
    add,
    prepareIn(view) {
      for (const holder of view.querySelectorAll(".chart[data-charts]")) {
        add(holder, () => data(holder.dataset.charts)[holder.dataset.kind]);
      }
    },
    start() {
      addEventListener("beforeprint", () => {
        for (const holder of waiting.keys()) if (holder.closest(".view:not([hidden])")) draw(holder);
      });
    },
  };
})();
