// What is chosen of the tier: the selects of model, dataset and category, and the facts of a cell.
"use strict";
const sampleCell = (() => {
  const { tier } = sampleFiles;
  const { make, spaced, isolated } = sampleView;
  const by = (id) => document.getElementById(id);
  const order = (left, right) => left.localeCompare(right, "en", { numeric: true });

  const cellOf = (m, d) => tier.cells.find((one) => one.model === m && one.dataset === d) ?? null;
  const scoreOf = (m, d) => {
    const found = cellOf(m, d);
    return found === null ? "missing" : found.files === null ? "no samples" : found.score;
  };

  // The selects as the address has them; each choice says what the cell's score would be.
  const select = (model, dataset, beside) => {
    tier.models.forEach((one, m) => {
      by("model").options[m].textContent = `${one.name} · ${scoreOf(m, dataset)}`;
    });
    tier.datasets.forEach((one, d) => {
      by("dataset").options[d].textContent = `${one.name} · ${scoreOf(model, d)}`;
    });
    by("model").value = String(model);
    by("dataset").value = String(dataset);
    const others = tier.models.filter((one, m) => m !== model && cellOf(m, dataset)?.files);
    by("beside").replaceChildren(new Option("no other model", ""),
      ...others.map((one) => new Option(one.name, one.key)));
    by("beside").value = beside;
    if (by("beside").selectedIndex < 0) by("beside").value = "";
    by("beside").disabled = !others.length;
  };

  const facts = (cell) => {
    const lines = [make("p", "headline",
      ...spaced(cell.about.map((fact) => make("span", "", isolated(fact)))))];
    if (cell.note) lines.push(make("p", `note ${cell.source}`, isolated(cell.note)));
    if (cell.flags.length) {
      lines.push(make("ul", "flags", ...cell.flags.map((flag) => make("li", "", isolated(flag)))));
    }
    return lines;
  };

  // The facts and categories of a cell (null: of none).
  const show = (cell, rows) => {
    by("cell").replaceChildren(...(cell ? facts(cell) : []));
    const categories = new Map();
    for (const { category } of rows) {
      if (category) categories.set(category, (categories.get(category) ?? 0) + 1);
    }
    const before = by("category").value;
    by("category").replaceChildren(new Option("all categories", ""),
      ...[...categories].sort(([a], [b]) => order(a, b))
        .map(([name, n]) => new Option(`${name} (${n})`, name)));
    by("category").value = categories.has(before) ? before : "";
    by("category-label").hidden = categories.size < 2;
  };

  return { cellOf, select, show };
})();
