// Search in lists and in full texts. Searches tell how far they are and stop when they are out of
// date: `tell` takes words, `alive` says whether anybody still waits for the result (null if not).
"use strict";
const sampleSearch = (() => {
  const lists = new WeakMap();
  // What the list shows of a sample.
  const textOf = (row) => {
    if (!lists.has(row)) {
      const parts = [row.id, row.category, row.answer, row.gold, row.reason, row.word];
      lists.set(row, parts.filter(Boolean).join("\n").toLowerCase());
    }
    return lists.get(row);
  };
  const textsOf = (found) => [found.reason, found.extracted, found.gold,
    ...[...(found.turns ?? []), ...(found.judgments ?? [])].flatMap((turn) => [
      turn.prompt.map(([, text]) => text).join(""), turn.thinking, turn.response, turn.error,
      ...(turn.choices ?? []).map((choice) => choice.text)])];

  // Give the page time to draw and to take input between two files.
  const breathe = () => new Promise((resolve) => { setTimeout(resolve, 0); });

  const inList = (cell, rows, query) =>
    rows.filter((row) => textOf(row).includes(query)).map((row) => ({ cell, row }));

  const inTexts = async (cell, rows, query, tell, alive) => {
    const files = new Map(rows.map((row) => [row.chunk, []]));
    for (const row of rows) files.get(row.chunk).push(row);
    const found = [];
    for (const [file, members] of files) {
      tell(`Searching file ${file + 1} of ${files.size}…`);
      const samples = await sampleFiles.samples(cell, file);
      if (!alive()) return null;
      members.forEach((row, n) => {
        const has = textOf(row).includes(query)
          || textsOf(samples[n]).some((text) => text && text.toLowerCase().includes(query));
        if (has) found.push({ cell, row });
      });
      await breathe();
    }
    return found;
  };

  const inAll = async (query, tell, alive) => {
    const found = [];
    const cells = sampleFiles.tier.cells.filter((one) => one.files !== null);
    for (const [n, cell] of cells.entries()) {
      tell(`Searching cell ${n + 1} of ${cells.length}…`);
      const rows = await sampleFiles.rows(cell);
      if (!alive()) return null;
      found.push(...inList(cell, rows, query));
      await breathe();
    }
    return found;
  };

  return { inList, inTexts, inAll };
})();
