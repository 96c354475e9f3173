"use strict";
(() => {
  const STEP = 100;
  const [PLACE, METHOD, AXES, FIGURES, REPORT, RUN, MATRIX] = [0, 1, 2, 3, 4, 5, 6];
  const site = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const numbers = new Intl.Collator("en", { numeric: true });
  let board, columns, rows, shown, filters, sort, chosen;
  let ready = false; /* until then the address is read, not written */

  function make(tag, text, attributes = {}, ...children) {
    const node = document.createElement(tag);
    if (text !== "") node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  const axisText = (axis, row) => board.axes[axis].values[row[AXES][axis]];
  const UNKNOWN = "not stated";
  const varies = (axis) => board.axes[axis].values.length > 1;
  const stated = (axis) => board.axes[axis].values.filter((value) => value !== UNKNOWN).length;
  const plural = (count, word) => `${count.toLocaleString("en")} ${word}${count === 1 ? "" : "s"}`;

  /* Columns: what each sorts by, which way is best first, and how it draws a cell. */
  function layout() {
    const columnOf = (place) => ({
      key: board.axes[place].name, title: board.axes[place].name,
      of: (row) => axisText(place, row), cell: (row) => axisCell(place, row),
    });
    const found = [
      {
        key: "rank", title: "#", kind: "rank", of: (row) => row[PLACE],
        cell: (row) => make("td", String(row[PLACE]), { class: "rank" }),
      },
      { key: "method", title: "Method", kind: "method", of: (row) => row[METHOD], cell: methodCell },
      columnOf(0), /* the status: whose figure it is must be seen before the figure */
    ];
    board.metrics.forEach((metric, place) => found.push({
      key: `metric:${metric.title}`, title: metric.title, kind: "figure", scale: metric.scale,
      down: !metric.lower,
      of: (row) => row[FIGURES][place] && row[FIGURES][place][0],
      cell: (row) => figureCell(row[FIGURES][place], metric.scale),
    }));
    board.axes.forEach((axis, place) => {
      if (place > 0 && stated(place) > 1) found.push(columnOf(place));
    });
    found.push({ key: "report", title: "Report", of: (row) => (row[REPORT] ? row[RUN] : null), cell: reportCell });
    return found;
  }

  function methodCell(row) {
    return make("th", row[METHOD], { scope: "row", class: "method" });
  }

  function figureCell(figure, [from, to]) {
    if (!figure) return make("td", "–", { class: "figure none" });
    const [value, low, high, printed] = figure;
    const cell = make("td", "", { class: "figure" });
    cell.append(printed || value.toFixed(3));
    const bar = make("span", "", { class: "scale", "aria-hidden": "true" });
    const share = (end) => Math.max(0, Math.min(100, (100 * (end - from)) / (to - from)));
    if (low !== null && high !== null) {
      cell.append(" ", make("small", `[${low.toFixed(3)}, ${high.toFixed(3)}]`));
      const range = make("span", "", { class: "range" });
      range.style.left = `${share(low)}%`;
      range.style.width = `${share(high) - share(low)}%`;
      bar.append(range);
    }
    const dot = make("span", "", { class: "dot" });
    dot.style.left = `${share(value)}%`;
    bar.append(dot);
    cell.append(bar);
    return cell;
  }

  function axisCell(place, row) {
    const text = axisText(place, row);
    const part = board.axes[place].parts[row[AXES][place]];
    const page = part && site.pages[part];
    const cell = make("td", "", { class: "axis" });
    cell.append(page ? make("a", text, { href: page }) : text);
    return cell;
  }

  function reportCell(row) {
    const cell = make("td", row[REPORT] ? "" : "–", row[REPORT] ? {} : { class: "none" });
    if (row[REPORT]) {
      cell.append(make("a", "report", { href: row[REPORT], title: row[RUN], "aria-label": `report of ${row[RUN]}` }));
    }
    return cell;
  }

  function tickCell(row) {
    const cell = make("td", "");
    if (!row[MATRIX]) return cell;
    const tick = make("input", "", { type: "checkbox", "aria-label": `compare ${row[PLACE]}, ${row[METHOD]}` });
    tick.checked = chosen.has(row);
    tick.addEventListener("change", () => {
      if (tick.checked) chosen.add(row); else chosen.delete(row);
      drawMatrices();
    });
    cell.append(tick);
    return cell;
  }

  /* The ranking. Only the first rows are drawn, so that thousands sort at once. */
  function drawHead() {
    const head = at("rows").tHead.rows[0];
    head.replaceChildren(make("th", "vs", { scope: "col", title: "compare", "aria-label": "compare" }));
    for (const column of columns) {
      const button = make("button", column.title, { type: "button" });
      const cell = make("th", "", { scope: "col", class: column.kind || "axis" }, button);
      if (column.scale) {
        const [from, to] = column.scale.map((end) => make("span", end.toFixed(1)));
        cell.append(make("span", "", { class: "ends", "aria-hidden": "true" }, from, to));
      }
      button.addEventListener("click", () => {
        sort = { column, down: sort.column === column ? !sort.down : Boolean(column.down) };
        shown = STEP;
        order();
        draw();
      });
      column.head = cell;
      head.append(cell);
    }
  }

  function order() {
    const { column, down } = sort;
    const keyed = rows.map((row) => [column.of(row), row]);
    const missing = ([value]) => value === null || value === undefined || value === UNKNOWN;
    const sign = down ? -1 : 1;
    keyed.sort((a, b) => {
      if (missing(a) || missing(b)) return missing(a) - missing(b) || a[1][PLACE] - b[1][PLACE];
      const apart = typeof a[0] === "number" ? a[0] - b[0] : numbers.compare(a[0], b[0]);
      return sign * apart || a[1][PLACE] - b[1][PLACE];
    });
    rows = keyed.map(([, row]) => row);
  }

  function select() {
    const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    rows = board.rows.filter((row) =>
      filters.every((wanted, axis) => wanted === -1 || row[AXES][axis] === wanted)
      && words.every((word) => row[METHOD].toLowerCase().includes(word)));
    shown = STEP;
    order();
    draw();
  }

  function draw() {
    const body = document.createDocumentFragment();
    for (const row of rows.slice(0, shown)) {
      const status = axisText(0, row).startsWith("measured") ? "measured" : axisText(0, row).split(" ")[0];
      const line = make("tr", "", { class: status });
      line.append(tickCell(row), ...columns.map((column) => column.cell(row)));
      body.append(line);
    }
    at("rows").tBodies[0].replaceChildren(body);
    for (const column of columns) {
      column.head.setAttribute("aria-sort", column !== sort.column ? "none" : sort.down ? "descending" : "ascending");
    }
    const part = Math.min(shown, rows.length);
    const all = plural(board.rows.length, "row");
    const found = rows.length === board.rows.length ? all : `${rows.length.toLocaleString("en")} of ${all}`;
    at("count").textContent = part < rows.length ? `${found}, the first ${part} shown` : found;
    at("further").hidden = part >= rows.length;
    at("further").textContent = `Show ${Math.min(STEP, rows.length - part)} more`;
    if (ready) remember();
  }

  /* Filters: one for each axis on which the rows differ. */
  function drawFilters() {
    const boxes = board.axes.map((axis, place) => {
      if (!varies(place)) return "";
      const counts = axis.values.map(() => 0);
      for (const row of board.rows) counts[row[AXES][place]] += 1;
      const box = make("select", "", { "data-axis": axis.name }, make("option", "all", { value: "-1" }));
      axis.values.map((value, number) => [value, number])
        .sort((a, b) => numbers.compare(a[0], b[0]))
        .forEach(([value, number]) => box.append(make("option", `${value} (${counts[number]})`, { value: number })));
      box.value = filters[place];
      const label = make("label", axis.name, {}, box);
      label.classList.toggle("used", filters[place] !== -1);
      box.addEventListener("change", () => {
        filters[place] = Number(box.value);
        label.classList.toggle("used", filters[place] !== -1);
        select();
      });
      return label;
    });
    at("axes").replaceChildren(...boxes);
  }

  /* Confusion matrices of the chosen rows. */
  function drawMatrices() {
    const figures = [...chosen].map((row) => {
      const [names, counts] = [board.classes[row[MATRIX][0]], row[MATRIX][1]];
      const status = axisText(0, row);
      const seed = axisText(board.axes.findIndex((axis) => axis.name === "seed"), row);
      const head = make("tr", "", {}, make("th", "truth \\ decision", { scope: "col" }),
        ...names.map((name) => make("th", name, { scope: "col", class: "n" })));
      const lines = counts.map((line, truth) => {
        const total = line.reduce((sum, count) => sum + count, 0);
        const cells = line.map((count, decision) => {
          const share = total ? Math.round((100 * count) / total) : 0;
          const cell = make("td", count.toLocaleString("en"), decision === truth ? { class: "right" } : {},
            make("small", total ? `${share} %` : "–"));
          cell.style.setProperty("--tint", share);
          return cell;
        });
        return make("tr", "", {}, make("th", names[truth], { scope: "row" }), ...cells);
      });
      const caption = make("figcaption", `${row[PLACE]}. ${row[METHOD]} (${status}${seed === UNKNOWN ? "" : `, seed ${seed}`})`);
      const table = make("table", "", { class: "confusion" }, make("thead", "", {}, head), make("tbody", "", {}, ...lines));
      return make("figure", "", { tabindex: "0" }, caption, table);
    });
    at("matrices").replaceChildren(...figures);
    at("forget").hidden = !chosen.size;
    at("chosen").textContent = chosen.size
      ? `${plural(chosen.size, "matrix").replace("matrixs", "matrices")}: rows are the truth, columns the decision; below each count its share of the row.`
      : "Tick rows above to lay their matrices beside each other.";
  }

  /* The address remembers the view, so that it can be sent on. */
  function remember() {
    const state = new URLSearchParams({ data: board.title });
    if (sort.column.key !== "rank" || sort.down) {
      state.set("sort", sort.column.key);
      if (sort.down) state.set("down", "1");
    }
    filters.forEach((wanted, axis) => {
      if (wanted !== -1) state.set(`is.${board.axes[axis].name}`, board.axes[axis].values[wanted]);
    });
    if (at("search").value) state.set("contains", at("search").value);
    history.replaceState(null, "", `#${state}`);
  }

  function open(number, state) {
    board = site.boards[number];
    at("board").value = number;
    at("search").value = state.get("contains") || "";
    filters = board.axes.map((axis) => axis.values.indexOf(state.get(`is.${axis.name}`)));
    columns = layout();
    sort = { column: columns.find((column) => column.key === state.get("sort")) || columns[0], down: state.has("down") };
    chosen = new Set();
    at("more").open = filters.some((wanted) => wanted !== -1) || matchMedia("(min-width: 48rem)").matches;
    const sources = board.references.map((text, place) => `[${place + 1}] ${text}`);
    at("notes").replaceChildren(...[...board.notes, ...sources].map((text) => make("li", text)));
    drawHead();
    drawFilters();
    drawMatrices();
    select();
  }

  site.boards.forEach((each, number) => at("board").append(make("option", each.title, { value: number })));
  at("board").addEventListener("change", (event) => open(Number(event.target.value), new URLSearchParams()));
  at("search").addEventListener("input", select);
  at("filters").addEventListener("submit", (event) => event.preventDefault());
  at("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    open(site.boards.indexOf(board), new URLSearchParams());
  });
  at("further").addEventListener("click", () => { shown += STEP; draw(); });
  at("forget").addEventListener("click", () => { chosen.clear(); drawMatrices(); draw(); });
  const wanted = location.hash.includes("=") ? new URLSearchParams(location.hash.slice(1)) : new URLSearchParams();
  open(Math.max(0, site.boards.findIndex((each) => each.title === wanted.get("data"))), wanted);
  ready = true;
})();
