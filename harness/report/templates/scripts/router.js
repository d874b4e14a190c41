// Which view is shown. The address says it, `#view?filter`, so that every place can be kept, shared and gone back to.
const router = (() => {
  const main = document.getElementById("content");
  const places = new Map();
  let shown = document.getElementById("overview");
  let address = null;
  let followed = false;

  function parts() {
    const [path, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
    let id = path;
    try { id = decodeURIComponent(path); } catch { /* a stray % in a hand-written address: taken as it is */ }
    return { id: id || "overview", query };
  }

  /** The view by its name: there already, kept as text in the page, or made from the history. */
  function find(id) {
    const present = document.getElementById(id);
    if (present) return present;
    const kept = document.getElementById(`view:${id}`);
    // The text is this page's own markup, escaped when it was written; a parsed document runs nothing.
    const made = kept ? new DOMParser().parseFromString(kept.textContent, "text/html").body.firstElementChild : historyViews.caseView(id);
    if (!made) return null;
    made.hidden = true;
    main.append(made);
    tables.prepareIn(made);
    charts.prepareIn(made);
    return made;
  }

  function show(view) {
    if (view !== shown) {
      shown.hidden = true;
      view.hidden = false;
      shown = view;
    }
    document.title = `${view.dataset.title} · run ${page.run}`;
    const area = view.id.split("/")[0];
    const tab = { model: "overview", case: "cases" }[area] ?? area;
    for (const link of document.querySelectorAll(".bar-links a")) {
      const current = link.hash.slice(1).split("?")[0] === tab;
      if (current) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
      // On a phone the bar is wider than the screen.
      if (current) link.parentElement.scrollLeft = link.offsetLeft - link.parentElement.offsetLeft - 40;
    }
  }

  function go() {
    const { id, query } = parts();
    places.set(address, scrollY);
    address = location.hash;
    const known = find(id);
    const found = known?.closest(".view") ? known : null;
    say(found ? "" : `This run has no “${id}”. Here is the overview.`);
    const place = found ?? document.getElementById("overview");
    const view = place.closest(".view");
    filter.read(query);
    show(view);
    filter.show(view);
    refreshTabs();
    if (place !== view) place.scrollIntoView();
    else scrollTo(0, followed ? 0 : places.get(address) ?? 0);
    if (followed || id !== "overview") view.querySelector("h1").focus({ preventScroll: true });
    followed = false;
  }

  /** The tabs keep the filter: who looks for one variant looks for it everywhere. */
  function refreshTabs() {
    const query = filter.query();
    for (const link of document.querySelectorAll(".bar-links a")) {
      const [path] = link.hash.slice(1).split("?");
      link.hash = query && path !== "run" ? `${path}?${query}` : path;
    }
  }

  function start() {
    tables.prepareIn(shown);
    charts.prepareIn(shown);
    filter.start(() => {
      const { id } = parts();
      const query = filter.query();
      address = `#${encodeURI(id)}${query ? `?${query}` : ""}`;
      history.replaceState(null, "", address);
      refreshTabs();
    });
    document.addEventListener("click", (event) => { if (event.target.closest?.("a[href^='#']")) followed = true; });
    // The way past the bar must not change the address, which holds the view.
    document.querySelector(".skip").addEventListener("click", (event) => { event.preventDefault(); main.focus(); });
    addEventListener("hashchange", go);
    if ("scrollRestoration" in history) history.scrollRestoration = "manual";
    go();
  }
  return { start };
})();

theme.start();
charts.start();
router.start();
