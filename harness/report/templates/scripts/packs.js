// The parts of the page that are read when they are gone to: views, data and the chart library, compressed.
const packs = (() => {
  const known = new Map();

  async function read(holder) {
    const letters = atob(holder.textContent);
    const bytes = new Uint8Array(letters.length);
    for (let place = 0; place < letters.length; place += 1) bytes[place] = letters.charCodeAt(place);
    const inflated = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
    return JSON.parse(await new Response(inflated).text());
  }

  /** What the pack of this name holds, or null where the page has none; read once. */
  function get(name) {
    const holder = document.getElementById(`pack:${name}`);
    if (!known.has(name)) known.set(name, holder ? read(holder) : Promise.resolve(null));
    return known.get(name);
  }

  /** The pack that holds a view: one a model for its page, one a model for its cases, one for each other view. */
  function of(view) {
    const [area, model] = view.split("/");
    return get(area === "model" || area === "case" ? `${area}/${model}` : area);
  }

  return { get, of };
})();
