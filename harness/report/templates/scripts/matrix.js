// The matrix of the first view: it follows the filter, and the arrow keys move in it as in a sheet, so that a keyboard need
// not step through every cell to get past.
const matrix = (() => {
  const table = document.querySelector(".matrix");
  const byCell = new Map();
  const said = new Map();
  for (const one of cases) {
    const key = `${one.model}\n${one.target}`;
    if (!byCell.has(key)) byCell.set(key, []);
    byCell.get(key).push(one);
  }

  function showCell(cell, keep) {
    const kept = byCell.get(`${cell.dataset.cellModel}\n${cell.dataset.columnTarget}`).filter(keep);
    const worst = outcomes.find(({ name }) => kept.some((one) => one.outcome === name));
    const alike = kept.filter((one) => one.outcome === worst?.name).length;
    const says = `${worst?.name} ${alike} ${kept.length}`;
    // Most cells of a large matrix stay as they are at a further letter.
    if (said.get(cell) === says) return kept.length;
    said.set(cell, says);
    cell.querySelector("a").hidden = !worst;
    cell.className = worst ? `cell ${worst.css}` : "cell empty";
    if (!worst) return 0;
    cell.querySelector(".sign").textContent = worst.symbol;
    cell.querySelector(".word").textContent = worst.word;
    cell.querySelector(".count").textContent = `${alike} of ${kept.length}`;
    return kept.length;
  }

  function show(keep) {
    let shown = 0;
    const used = new Set();
    for (const row of table.tBodies[0].rows) {
      let inRow = 0;
      for (const cell of row.querySelectorAll("[data-cell-model]")) {
        const number = showCell(cell, keep);
        if (number) used.add(cell.dataset.columnTarget);
        inRow += number;
      }
      row.hidden = inRow === 0;
      shown += inRow;
    }
    const families = {};
    for (const cell of table.querySelectorAll("[data-column-target]")) {
      cell.hidden = !used.has(cell.dataset.columnTarget);
      if (cell.tagName === "TH" && !cell.hidden) families[cell.dataset.family] = (families[cell.dataset.family] ?? 0) + 1;
    }
    for (const cell of table.querySelectorAll("th.family")) {
      cell.hidden = !families[cell.dataset.family];
      cell.colSpan = families[cell.dataset.family] ?? 1;
    }
    standOn(links()[0]?.find(Boolean));
    return shown;
  }

  /** The links by row and column; none where a cell is empty. */
  function links() {
    return [...table.tBodies[0].rows].filter((row) => !row.hidden)
      .map((row) => [...row.cells].filter((cell) => !cell.hidden).map((cell) => cell.querySelector("a:not([hidden])")));
  }

  let stops = table ? [...table.querySelectorAll("tbody a")] : [];

  /** The one link that the tabulator key stops at. */
  function standOn(link) {
    for (const other of stops) other.tabIndex = -1;
    stops = link ? [link] : [];
    for (const one of stops) one.tabIndex = 0;
  }

  const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

  function move(event) {
    const link = event.target.closest("tbody a");
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const grid = links();
    const row = grid.findIndex((one) => one.includes(link));
    const column = grid[row].indexOf(link);
    const next = event.key === "Home" ? grid[row].find(Boolean) : event.key === "End" ? grid[row].findLast(Boolean) : towards(grid, row, column, MOVES[event.key]);
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  /** The nearest link that way; empty cells are passed over. */
  function towards(grid, row, column, step) {
    if (!step) return null;
    for (let [y, x] = [row + step[0], column + step[1]]; grid[y] && x >= 0 && x < grid[y].length; y += step[0], x += step[1]) {
      if (grid[y][x]) return grid[y][x];
    }
    return null;
  }

  return {
    show,
    start() {
      if (!table) return;
      standOn(links()[0]?.find(Boolean));
      table.addEventListener("keydown", move);
      table.addEventListener("focusin", (event) => { const link = event.target.closest("tbody a"); if (link) standOn(link); });
    },
  };
})();
