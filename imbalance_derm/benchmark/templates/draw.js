"use strict";
/* What a page is drawn of; nothing here knows of the ranking's state. */
const draw = (() => {
  function make(tag, text, attributes = {}, ...children) {
    const node = document.createElement(tag);
    if (text !== "") node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  }

  const plural = (count, word, words = `${word}s`) => `${count.toLocaleString("en")} ${count === 1 ? word : words}`;
  const signed = (value, digits = 3) => (value < 0 ? "−" : "+") + Math.abs(value).toFixed(digits);
  const probability = (p) => (p === null ? "–" : p < 0.001 ? "<0.001" : p.toFixed(3));
  /* What would have been seen: none where only what no two methods differ by. */
  const least = (value) => (value === null || value > 1 ? "none" : value.toFixed(3));

  /* A value with its interval as text and as a bar to scale; `write` puts a number into words. */
  function figureCell(figure, [from, to], write = (value) => value.toFixed(3)) {
    if (!figure) return make("td", "–", { class: "figure none" });
    const [value, low, high, printed] = figure;
    const cell = make("td", "", { class: "figure" });
    cell.append(printed || write(value));
    const bar = make("span", "", { class: "scale", "aria-hidden": "true" });
    const share = (end) => Math.max(0, Math.min(100, (100 * (end - from)) / (to - from)));
    if (from < 0 && to > 0) {
      const zero = make("span", "", { class: "zero" });
      zero.style.left = `${share(0)}%`;
      bar.append(zero);
    }
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

  const head = (...titles) => make("thead", "", {}, make("tr", "", {}, ...titles.map((title) => make("th", title, { scope: "col" }))));

  function matrix(caption, names, counts) {
    const top = make("tr", "", {}, make("th", "truth \\ decision", { scope: "col" }),
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
    const table = make("table", "", { class: "confusion" }, make("thead", "", {}, top), make("tbody", "", {}, ...lines));
    return make("figure", "", { tabindex: "0" }, make("figcaption", caption), table);
  }

  function tags(text) {
    const words = text === "–" ? [] : text.split(", ");
    return words.map((word) => make("span", word, { class: `tag tag-${word.replace(" ", "-")}` }));
  }

  const scrolling = (label, table) => make("div", "", { class: "scroll", tabindex: "0", role: "region", "aria-label": `${label}, scrolls sideways` }, table);

  /* What is known of one method: its seeds, and how it compares with the top. */
  function method(row, board) {
    const parts = [];
    if (row.leaky) parts.push(make("p", `Leaky: ${row.leaky}`, { class: "notice" }));
    const lines = row.runs.map(([seed, name, report, figures]) => {
      const cells = (figures || row.figures).map((figure, place) => figureCell(figure, board.metrics[place].scale));
      const link = report ? make("a", "report", { href: report, "aria-label": `report of ${name}` }) : "–";
      return make("tr", "", {}, make("th", String(seed), { scope: "row" }), ...cells, make("td", "", {}, link), make("td", name, { class: "run" }));
    });
    const titles = ["seed", ...board.metrics.map((metric) => metric.title), "report", "run"];
    parts.push(scrolling("Seeds", make("table", "", { id: "seeds" }, head(...titles), make("tbody", "", {}, ...lines))));
    if (row.runs.length === 1) parts.push(make("p", "1 seed: the spread of training is not known.", { class: "note" }));
    if (row.top) parts.push(...againstTop(row, board));
    else if (row.tags.includes("best")) parts.push(make("p", `It has the best mean ${board.metrics[0].title}.`));
    return parts;
  }

  function againstTop(row, board) {
    const [[value, low, high], p, detectable, tests, family] = row.top;
    const interval = low === null ? "" : ` [${signed(low)}, ${signed(high)}]`;
    const seen = detectable === null ? "" : detectable > 1 ? " So few seeds could not have shown any difference." : ` A difference of ${detectable.toFixed(3)} would have been seen.`;
    const budget = row.tags.includes("other budget") ? " The two had different numbers of updates." : "";
    const words = make("p", `${board.metrics[0].title} minus that of the top, ${row.topName}: ${signed(value)}${interval}, p = ${probability(p)} after Holm's adjustment.${seen}${budget}`);
    const lines = tests.map(([seed, areas, ours, theirs, middle, middleHolm, told]) => make("tr", "", {},
      make("th", String(seed), { scope: "row" }),
      ...areasCells(areas),
      make("td", `${ours} : ${theirs}`), make("td", probability(middle)), make("td", probability(middleHolm)),
      make("td", told === null ? "none" : `${told} : ${ours + theirs - told}`)));
    const titles = ["seed", "AUC, difference", "p (DeLong)", "after Holm", "would have been seen", "only this : only the top right", "mid-p (McNemar)", "after Holm", "least that tells"];
    const table = make("table", "", { id: "tests" }, head(...titles), make("tbody", "", {}, ...lines));
    const note = make("p", `Model by model, each with the top's of the same seed. Both tests take the two models as fixed, and the top as given, though these images chose it. Holm's adjustment is over ${plural(family, "test")} of a kind: every method and seed against the top. After it, the difference that would have been seen is found with a chance of 80 %, and the least that tells is the smallest imbalance, of as many lesions, with a mid-p below 5 %.`, { class: "note" });
    return [words, scrolling("Tests", table), note];
  }

  /* DeLong's test; there is none where there are not two classes. */
  function areasCells(areas) {
    if (!areas) return Array.from({ length: 4 }, () => make("td", "–"));
    const [[value, low, high], p, holm, detectable] = areas;
    const interval = low === null ? "" : ` [${signed(low)}, ${signed(high)}]`;
    return [signed(value) + interval, probability(p), probability(holm), least(detectable)].map((text) => make("td", text));
  }

  /* One scale about zero for all differences of a table. */
  function scaleOf(found) {
    const ends = found.flatMap((each) => each.figure).filter((end) => end !== null);
    const most = Math.max(0.01, ...ends.map(Math.abs));
    return [-most, most];
  }

  function effects(found, pages, table) {
    const scale = scaleOf(found);
    const part = (text, key) => make("td", "", {}, key && pages[key] ? make("a", text, { href: pages[key] }) : text);
    const lines = found.map((effect) => make("tr", "", {},
      make("th", effect.axis, { scope: "row" }),
      part(effect.value, effect.parts[0]), part(effect.against, effect.parts[1]),
      figureCell(effect.figure, scale, signed),
      make("td", probability(effect.p)), make("td", least(effect.detectable)),
      make("td", effect.pairs + (effect.unpaired ? ` (${effect.unpaired} unpaired)` : "") + (effect.otherBudget ? ", other budget" : "")),
      make("td", `${signed(effect.span[0])} to ${signed(effect.span[1])}`)));
    table.tBodies[0].replaceChildren(...lines);
    table.hidden = !found.length;
  }

  function splits(found, table) {
    const scale = scaleOf(found);
    const lines = found.map((each) => make("tr", "", {},
      make("th", each.method, { scope: "row" }),
      figureCell(each.figure, scale, signed),
      make("td", probability(each.p)), make("td", String(each.splits)), make("td", least(each.detectable))));
    table.tBodies[0].replaceChildren(...lines);
  }

  return { make, plural, figureCell, matrix, tags, method, effects, splits };
})();
