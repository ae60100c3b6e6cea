// The overview's heat table: #filter-text keeps the datasets and models that have one of its words
// in their names, #only-warnings what a reader must know about; #filter-status says what is shown.
"use strict";
(() => {
  const table = document.querySelector("#heat");
  const text = document.querySelector("#filter-text");
  const warnings = document.querySelector("#only-warnings");
  const state = document.querySelector("#filter-status");
  const headings = [...table.tHead.rows[0].cells];
  const rows = [...table.querySelectorAll("tbody.datasets tr[data-name]")];
  const averages = [...table.querySelectorAll("tbody.averages tr")];
  const plain = (name) => name.normalize("NFKC").toLowerCase();

  // Names that have one of the words; all of them where none has, as the words are about the others.
  const named = (elements, words) => {
    const found = elements.map((each) => words.some((word) => plain(each.dataset.name).includes(word)));
    return { found, any: found.includes(true) };
  };

  const show = () => {
    const words = plain(text.value).split(/\s+/).filter(Boolean);
    const byRow = named(rows, words);
    const byColumn = named(headings.slice(1), words);
    const nothing = words.length > 0 && !byRow.any && !byColumn.any;
    const columns = headings.map((_, place) => place === 0 || !byColumn.any || byColumn.found[place - 1]);
    table.classList.toggle("warnings", warnings.checked);
    let shown = 0;
    rows.forEach((row, place) => {
      const warned = [...row.cells].some((cell, column) => columns[column] && cell.classList.contains("warned"));
      row.hidden = nothing || (byRow.any && !byRow.found[place]) || (warnings.checked && !warned);
      shown += row.hidden ? 0 : 1;
    });
    for (const row of [table.tHead.rows[0], ...averages, ...rows]) {
      [...row.cells].forEach((cell, column) => { cell.hidden = !columns[column]; });
    }
    const models = columns.filter(Boolean).length - 1;
    state.textContent = words.length || warnings.checked
      ? `${shown} of ${rows.length} datasets, ${models} of ${columns.length - 1} models` : "";
  };

  document.querySelector(".filters").hidden = false;
  text.addEventListener("input", show);
  warnings.addEventListener("change", show);
  // A browser may bring back what was typed before.
  show();
})();
