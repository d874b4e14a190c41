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

  function served() { return document.documentElement.dataset.parts !== undefined; }

  /** A served page asks its server for what it does not hold. */
  async function ask(name) {
    const answer = await fetch(document.documentElement.dataset.parts + encodeURI(name));
    if (answer.status === 404) return null;
    if (!answer.ok) throw new Error((await answer.json()).error);
    return answer.json();
  }

  /** What the pack of this name holds, or null where there is none; read once. */
  function get(name) {
    if (!known.has(name)) {
      const holder = document.getElementById(`pack:${name}`);
      known.set(name, holder ? read(holder) : served() ? ask(name) : Promise.resolve(null));
      // A server that was away may be back the next time.
      known.get(name).catch(() => known.delete(name));
    }
    return known.get(name);
  }

  /** The pack that holds a view: one a model for its page, one a model for its cases, one for each other view. A served
      page has one for the history of each case, too. */
  function of(view) {
    const [area, model] = view.split("/");
    if (area === "history" && model && served()) return get(view);
    return get(area === "model" || area === "case" ? `${area}/${model}` : area);
  }

  return { get, of, served };
})();
