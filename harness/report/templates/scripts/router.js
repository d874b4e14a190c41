// Which view is shown. The address says it, `#view?filter`, so that every place can be kept, shared and gone back to.
const router = (() => {
  const main = document.getElementById("content");
  const places = new Map();
  const views = new Map();
  let shown = null;
  let address = null;
  let followed = false;
  let turn = 0;

  function parts() {
    const [path, query = ""] = location.hash.slice(1).split(/\?(.*)/s);
    let id = path;
    try { id = decodeURIComponent(path); } catch { /* a stray % in a hand-written address: taken as it is */ }
    return { id: id || "overview", query };
  }

  /** The view by its name: there already, out of its pack, or made from a case or the history; null where there is none. */
  async function find(id) {
    const ofHistory = id.split("/")[0] === "history";
    if (ofHistory) await historyData.load(id);
    if (views.has(id)) return views.get(id);
    const pack = await packs.of(id);
    if (views.has(id)) return views.get(id);
    const kept = pack?.views && Object.hasOwn(pack.views, id) ? pack.views[id] : null;
    // The text is this page's own markup, escaped when it was written; a parsed document runs nothing.
    let made = kept ? new DOMParser().parseFromString(kept, "text/html").body.firstElementChild : null;
    if (ofHistory) made ??= historyViews.caseView(id);
    if (pack?.cases && Object.hasOwn(pack.cases, id)) made = caseView.make(id, pack.cases[id]);
    if (!made) return null;
    made.hidden = true;
    main.append(made);
    tables.prepareIn(made);
    return add(id, made, lists.place(made, pack.lists ?? []), pack.charts);
  }

  function add(id, found, itsLists = [], rows = null) {
    views.set(id, { element: found, lists: itsLists, charts: rows });
    return views.get(id);
  }

  function show(view) {
    if (view !== shown) {
      if (shown) shown.hidden = true;
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

  async function go() {
    const { id, query } = parts();
    const mine = turn += 1;
    places.set(address, scrollY);
    address = location.hash;
    let found = null;
    let problem = "";
    try {
      found = await find(id);
      problem = found ? "" : `This run has no “${id}”. Here is the overview.`;
    } catch (error) {
      problem = `“${id}” cannot be read (${error.message}): the file is damaged, or this browser is too old. Here is the overview.`;
    }
    // Somebody has gone on while this was read.
    if (mine !== turn) return;
    say(problem);
    const view = found ?? views.get("overview");
    filter.read(query);
    show(view.element);
    filter.show(view);
    refreshTabs();
    scrollTo(0, followed ? 0 : places.get(address) ?? 0);
    if (followed || id !== "overview") view.element.querySelector("h1").focus({ preventScroll: true });
    followed = false;
    // For who drives the page by a program: what is shown, once it is.
    document.documentElement.dataset.shown = location.hash;
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
    shown = document.getElementById("overview");
    add("overview", shown);
    tables.prepareIn(shown);
    matrix.start();
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
    return go();
  }
  return { start };
})();

/** What changed lately takes a while to find out in a long history; a served page opens without. */
async function showNews() {
  const found = await packs.get("news").catch(() => null);
  if (!found) return;
  const made = new DOMParser().parseFromString(found.news, "text/html").body;
  document.getElementById("news").replaceChildren(...made.children);
}

theme.start();
charts.start();
router.start();
if (packs.served()) showNews();
