"use strict";
(() => {
  const STEP = 100;
  const [PLACE, METHOD, AXES, FIGURES, RUNS, MATRIX, KEY, TOP] = [0, 1, 2, 3, 4, 5, 6, 7];
  const [STATUS, MARK] = [0, 1]; /* axes */
  const { make, plural, figureCell } = draw;
  const site = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const numbers = new Intl.Collator("en", { numeric: true });
  const whole = at("row") !== null; /* the start page, not a component's */
  let board, columns, rows, shown, filters, sort, chosen, opened;
  let ready = false; /* until then the address is read, not written */

  const axisText = (axis, row) => board.axes[axis].values[row[AXES][axis]];
  const UNKNOWN = "not stated";
  const varies = (axis) => board.axes[axis].values.length > 1;
  const stated = (axis) => board.axes[axis].values.filter((value) => value !== UNKNOWN).length;

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
      columnOf(STATUS), /* the status: whose figure it is must be seen before the figure */
    ];
    board.metrics.forEach((metric, place) => found.push({
      key: `metric:${metric.title}`, title: metric.title, kind: "figure", scale: metric.scale,
      down: !metric.lower,
      of: (row) => row[FIGURES][place] && row[FIGURES][place][0],
      cell: (row) => figureCell(row[FIGURES][place], metric.scale),
    }));
    board.axes.forEach((axis, place) => {
      if (place > MARK && stated(place) > 1) found.push(columnOf(place));
    });
    found.push({ key: "report", title: "Report", of: (row) => (row[RUNS].length ? row[RUNS][0][1] : null), cell: reportCell });
    return found;
  }

  function methodCell(row) {
    const cell = make("th", "", { scope: "row", class: "method" });
    if (!row[KEY]) cell.append(row[METHOD]);
    else if (whole) {
      const button = make("button", row[METHOD], { type: "button", class: "open", "aria-controls": "row" });
      button.addEventListener("click", () => { show(row); at("row").focus(); });
      cell.append(button);
    } else cell.append(make("a", row[METHOD], { href: `../index.html#${new URLSearchParams({ data: board.title, row: row[KEY] })}` }));
    const tags = draw.tags(axisText(MARK, row));
    if (tags.length) cell.append(make("span", "", { class: "tags" }, ...tags));
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
    const runs = row[RUNS].filter(([, , report]) => report);
    if (!runs.length) return make("td", "–", { class: "none" });
    const links = runs.map(([seed, name, report]) => make("a", runs.length > 1 ? String(seed) : "report", { href: report, title: name, "aria-label": `report of ${name}` }));
    if (runs.length === 1) return make("td", "", {}, ...links);
    return make("td", "", { class: "reports" }, "seed ", ...links.flatMap((link) => [link, " "]));
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
        redraw();
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

  /* A row that is marked twice is found by either mark. */
  function holds(row, axis, wanted) {
    if (axis !== MARK) return row[AXES][axis] === wanted;
    const has = axisText(MARK, row).split(", ");
    return board.axes[MARK].values[wanted].split(", ").every((mark) => has.includes(mark));
  }

  function select() {
    const words = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    rows = board.rows.filter((row) =>
      filters.every((wanted, axis) => wanted === -1 || holds(row, axis, wanted))
      && words.every((word) => row[METHOD].toLowerCase().includes(word)));
    shown = STEP;
    order();
    redraw();
  }

  function redraw() {
    const body = document.createDocumentFragment();
    for (const row of rows.slice(0, shown)) {
      const marks = axisText(MARK, row).replace("other budget", "").split(", ").filter((mark) => mark && mark !== "–");
      const line = make("tr", "", { class: [axisText(STATUS, row).split(" ")[0], ...marks.map((mark) => `is-${mark}`)].join(" ") });
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

  /* Filters: one for each axis on which the rows are known to differ. */
  function drawFilters() {
    const boxes = board.axes.map((axis, place) => {
      if (!varies(place) || (place > MARK && stated(place) < 2)) return "";
      const counts = axis.values.map((_, wanted) => board.rows.filter((row) => holds(row, place, wanted)).length);
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
      const runs = Number(axisText(board.axes.findIndex((axis) => axis.name === "seeds"), row)) || 0;
      const sum = runs > 1 ? `, sum over ${runs} seeds` : "";
      return draw.matrix(`${row[PLACE]}. ${row[METHOD]} (${axisText(STATUS, row)}${sum})`, board.classes[row[MATRIX][0]], row[MATRIX][1]);
    });
    at("matrices").replaceChildren(...figures);
    at("forget").hidden = !chosen.size;
    at("chosen").textContent = chosen.size
      ? `${plural(chosen.size, "matrix", "matrices")}: rows are the truth, columns the decision; below each count its share of the row.`
      : "Tick rows above to lay their matrices beside each other.";
  }

  /* One method: its seeds and how it compares with the top. */
  function show(row) {
    opened = row;
    at("row").hidden = !row;
    if (row) {
      const top = board.rows.find((each) => each[KEY] && !each[TOP] && draw.tags(axisText(MARK, each)).some((tag) => tag.textContent === "best"));
      const close = make("button", "Close", { type: "button" });
      close.addEventListener("click", () => { show(null); at("ranking").focus(); });
      at("row").replaceChildren(
        make("h2", row[METHOD], {}, make("span", "", { class: "tags" }, ...draw.tags(axisText(MARK, row)))),
        ...draw.method({
          figures: row[FIGURES], runs: row[RUNS], top: row[TOP], topName: top ? top[METHOD] : "",
          tags: axisText(MARK, row).split(", "), leaky: board.leaky[row[KEY]],
        }, board),
        make("p", "", { class: "actions" }, close));
    }
    if (ready) remember();
  }

  function drawWhole() {
    at("findings").replaceChildren(...board.findings.map((text) => make("li", text)));
    at("effects-title").textContent = board.effects.length ? `${board.effectsTitle}. Intervals are 95 %; p-values are adjusted over all effects; where the pairs' signs differ, the mean hides an interaction.`
      : "No grid here: it takes rows that differ in one axis alone, on the same images with the same seeds.";
    draw.effects(board.effects, site.pages, at("effects-table"));
    at("splits").hidden = !board.splits.length;
    at("splits-title").textContent = `${board.splitsTitle}. Intervals are 95 %; p-values are adjusted over the methods.`;
    draw.splits(board.splits, at("splits-table"));
    at("failed").replaceChildren(...board.failures.map((text) => make("li", text)));
    at("failures-none").hidden = board.failures.length > 0;
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
    if (opened) state.set("row", opened[KEY]);
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
    if (whole) {
      drawWhole();
      show(board.rows.find((row) => row[KEY] && row[KEY] === state.get("row")) || null);
    }
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
  at("further").addEventListener("click", () => { shown += STEP; redraw(); });
  at("forget").addEventListener("click", () => { chosen.clear(); drawMatrices(); redraw(); });
  const wanted = location.hash.includes("=") ? new URLSearchParams(location.hash.slice(1)) : new URLSearchParams();
  open(Math.max(0, site.boards.findIndex((each) => each.title === wanted.get("data"))), wanted);
  ready = true;
})();
