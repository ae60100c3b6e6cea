// The samples browser: which cell and sample are shown, the list, its filters and its search.
//
// The address says what is shown: #model=M&dataset=D&sample=ID&beside=OTHER. Links and the back and
// forward buttons of the browser change it, and `show` follows. For tests and links, these stay:
//   #model #dataset #beside   selects of the cell and of the model to compare with
//   #cell #problem            facts of the cell; what is wrong with the address or the files
//   #query #scope             search, in the list, the full texts (`text`) or all cells (`all`)
//   input[name=kind]          filter by verdict, `truncated` or `error`; #category by category
//   #status                   how many samples are listed, and progress of a search
//   #rows > li > a[data-key]  the list; aria-current="true" is the one that is open
//   #detail #sample-heading   the open sample; #sample > article.side holds one model's
//   #previous #next #copy #back
"use strict";
(() => {
  const { tier } = sampleFiles;
  const { cellOf } = sampleCell;
  const { make, isolated } = sampleView;
  const by = (id) => document.getElementById(id);
  const STEP = 300;
  const wide = window.matchMedia("(min-width: 60rem)");
  const symbols = new Map();
  for (const label of document.querySelectorAll("[data-kind]")) {
    symbols.set(label.dataset.kind, label.dataset.symbol);
  }

  // What the address asks for, and what is on the page.
  let asked = new URLSearchParams();
  let model = 0;
  let dataset = 0;
  let cell = null;
  let rows = [];
  // The list: { cell, row }; `open` is the row of the sample that is shown, `last` that of before.
  let items = [];
  let listed = STEP;
  let open = null;
  let last = null;
  let round = 0;
  let search = 0;

  const keyOf = (row) => row.key ?? row.id;
  const address = (fields) => `#${Object.entries(fields).filter(([, value]) => value)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
  const addressOf = (one, row) => address({
    model: tier.models[one.model].key,
    dataset: tier.datasets[one.dataset].key,
    sample: row ? keyOf(row) : "",
    beside: one.model === model ? asked.get("beside") : "",
  });
  const problem = (text) => {
    by("problem").textContent = text;
    by("problem").hidden = !text;
  };

  // ---- the cell ----------------------------------------------------------------------------

  // The first cell with samples, unless the address says which.
  const place = (kind, names, among) => {
    const wanted = asked.get(kind);
    if (wanted === null) {
      const first = tier.cells.find((one) => one.files && among(one));
      return first ? first[kind] : 0;
    }
    const found = names.findIndex((one) => one.key === wanted);
    if (found < 0) problem(`There is no ${kind} called “${wanted}” in this report.`);
    return found;
  };

  // ---- the list ----------------------------------------------------------------------------

  const inAllCells = () => by("query").value.trim() !== "" && by("scope").value === "all";
  const kind = () => document.querySelector("input[name=kind]:checked").value;
  const isKind = (row, name) => name === "all" || row.verdict === name
    || (name === "truncated" && Boolean(row.marks)) || (name === "error" && Boolean(row.error));
  // The filters with how many each would list; those that would list nothing are left out.
  const countKinds = (found) => {
    for (const label of document.querySelectorAll("[data-kind]")) {
      const name = label.dataset.kind;
      const n = found.filter(({ row }) => isKind(row, name)).length;
      label.querySelector(".count").textContent = n.toLocaleString("en");
      label.hidden = !n && name !== "all" && name !== kind();
    }
  };

  const listSamples = async () => {
    search += 1;
    const mine = search;
    const query = by("query").value.trim().toLowerCase();
    const scope = query ? by("scope").value : "list";
    let found;
    try {
      const tell = (words) => { by("status").textContent = words; };
      const alive = () => mine === search;
      found = scope === "all" ? await sampleSearch.inAll(query, tell, alive)
        : scope === "text" ? await sampleSearch.inTexts(cell, rows, query, tell, alive)
          : sampleSearch.inList(cell, rows, query);
    } catch (error) {
      problem(error.message);
      found = [];
    }
    if (found === null || mine !== search) return;
    by("category").disabled = scope === "all";
    const category = scope === "all" ? "" : by("category").value;
    found = found.filter(({ row }) => !category || row.category === category);
    countKinds(found);
    items = found.filter(({ row }) => isKind(row, kind()));
    listed = Math.max(STEP, Math.ceil((position() + 1) / STEP) * STEP);
    const of = scope === "all" ? "in all cells" : `of ${rows.length.toLocaleString("en")}`;
    const many = items.length === 1 && scope === "all" ? "sample" : "samples";
    const words = scope === "all" ? `${many} ${of}` : `${of} ${many}`;
    by("status").textContent = items.length || rows.length
      ? `${items.length.toLocaleString("en")} ${words}` : "";
    drawList();
  };

  const drawRow = ({ cell: one, row }, all) => {
    const link = make("a", "row");
    link.href = addressOf(one, row);
    link.dataset.key = keyOf(row);
    const first = make("span", "first", sampleView.verdict(row, symbols.get(row.verdict)),
      make("span", "id", isolated(row.id)));
    if (row.category) first.append(make("span", "muted", isolated(row.category)));
    first.append(...sampleView.marks(row));
    link.append(first, sampleView.short(row));
    if (all) {
      const where = `${tier.models[one.model].name} on ${tier.datasets[one.dataset].name}`;
      link.append(make("span", "where muted", isolated(where)));
    }
    if (one === cell && row === open) link.setAttribute("aria-current", "true");
    return make("li", "", link);
  };

  const drawList = () => {
    const all = inAllCells();
    const top = by("rows").scrollTop;
    by("rows").replaceChildren(...items.slice(0, listed).map((item) => drawRow(item, all)));
    by("rows").scrollTop = top;
    const left = Math.max(items.length - listed, 0);
    by("more").hidden = !left;
    by("more").textContent = `Show ${Math.min(left, STEP)} more of ${left}`;
  };

  // ---- the sample --------------------------------------------------------------------------

  const position = () => items.findIndex((item) => item.cell === cell && item.row === open);
  const current = () => {
    for (const link of by("rows").querySelectorAll("[aria-current]")) {
      link.removeAttribute("aria-current");
    }
    const at = position();
    if (at >= listed) {
      listed = Math.ceil((at + 1) / STEP) * STEP;
      drawList();
    }
    const link = at < 0 ? null : by("rows").children[at].firstChild;
    if (link) {
      link.setAttribute("aria-current", "true");
      // Within the list's own box: the page itself stays where it is.
      const [box, own] = [by("rows").getBoundingClientRect(), link.getBoundingClientRect()];
      const seen = own.top >= box.top && own.bottom <= box.bottom;
      if (!seen) by("rows").scrollTop += own.top - box.top - 40;
    }
    by("previous").disabled = at <= 0;
    by("next").disabled = at >= items.length - 1;
    by("place").textContent = at < 0 ? "not in the list as filtered"
      : `${(at + 1).toLocaleString("en")} of ${items.length.toLocaleString("en")}`;
  };

  const whole = async (one, row, list) => {
    const samples = await sampleFiles.samples(one, row.chunk);
    const first = list.findIndex((other) => other.chunk === row.chunk);
    return samples[list.indexOf(row) - first];
  };

  // The model to show beside; -1 for none, and why not where the address asks for one.
  const besides = () => {
    const wanted = asked.get("beside");
    if (!wanted || !cell) return -1;
    const other = tier.models.findIndex((one) => one.key === wanted);
    if (other >= 0 && other !== model && cellOf(other, dataset)?.files) return other;
    problem(other < 0 ? `There is no model called “${wanted}” in this report.`
      : other === model ? "A model cannot stand beside itself."
        : `${tier.models[other].name} has no samples of this dataset.`);
    return -1;
  };

  const side = async (m, key) => {
    const one = cellOf(m, dataset);
    const list = await sampleFiles.rows(one);
    const row = list.find((other) => keyOf(other) === key);
    if (!row) return null;
    const found = await whole(one, row, list);
    const sign = symbols.get(row.verdict);
    return sampleView.sample(tier.models[m], tier.datasets[dataset], row, found, sign);
  };

  const showSample = async (mine, other) => {
    const key = keyOf(open);
    const sides = [await side(model, key)];
    if (other >= 0) {
      sides.push(await side(other, key)
        ?? make("p", "empty side", `${tier.models[other].name} was not asked this sample.`));
    }
    if (mine !== round) return;
    by("sample-heading").replaceChildren(isolated(open.id));
    if (open.category) {
      by("sample-heading").append(" ", make("span", "muted", isolated(open.category)));
    }
    by("sample").replaceChildren(...sides);
    by("sample").classList.toggle("two", sides.length > 1);
    by("copied").replaceChildren();
    for (const pre of by("sample").querySelectorAll("pre.end")) {
      if (pre.scrollHeight <= pre.clientHeight) continue;
      pre.scrollTop = pre.scrollHeight;
      pre.closest(".text").previousElementSibling.append(
        make("span", "muted", " · its end; scroll up for the rest"));
    }
  };

  // ---- what the address says -----------------------------------------------------------------

  const show = async () => {
    round += 1;
    const mine = round;
    asked = new URLSearchParams(window.location.hash.slice(1));
    problem("");
    const named = tier.datasets.findIndex((one) => one.key === asked.get("dataset"));
    model = place("model", tier.models, (one) => named < 0 || one.dataset === named);
    dataset = place("dataset", tier.datasets, (one) => one.model === model);
    const before = cell;
    const unknown = model < 0 || dataset < 0;
    cell = unknown ? null : cellOf(model, dataset);
    if (unknown) {
      [model, dataset] = [Math.max(model, 0), Math.max(dataset, 0)];
    } else if (!cell) {
      problem(`${tier.models[model].name} has no result on ${tier.datasets[dataset].name}.`);
    } else if (cell.files === null) {
      problem("The samples of this cell were not given to the report.");
    }
    const other = besides();
    sampleCell.select(model, dataset, asked.get("beside") ?? "");
    try {
      const found = cell?.files === null || !cell ? [] : await sampleFiles.rows(cell);
      if (mine !== round) return;
      rows = found;
      if (cell && cell.files !== null && !rows.length) problem("This result has no samples.");
      const wanted = asked.get("sample");
      open = wanted === null ? null : rows.find((row) => keyOf(row) === wanted) ?? null;
      if (wanted !== null && !open && rows.length) {
        problem(`There is no sample called “${wanted}” in this cell.`);
      }
      const chosen = open !== null;
      if (cell !== before || !cell) {
        sampleCell.show(cell, rows);
        // A list of all cells stays as it is; that of another cell is there before its first sample
        // is, and a sample that was asked for does not wait for a search.
        const listing = inAllCells() ? drawList() : listSamples();
        if (!chosen) await listing; else if (!inAllCells()) listing.then(current);
        if (mine !== round) return;
      }
      // On a wide page the right half is not left empty.
      if (!open && wanted === null && wide.matches) {
        open = items.find((item) => item.cell === cell)?.row ?? (inAllCells() ? rows[0] : null);
        open ??= null;
      }
      by("browser").classList.toggle("open", chosen);
      by("detail").hidden = !open;
      by("back").href = cell ? addressOf(cell, null) : "#";
      const title = open ? `${open.id}, ${tier.models[model].name}` : "Samples";
      document.title = `${title}, ${tier.tier} tier`;
      if (!chosen && last && !wide.matches) {
        // Back in the list, which was hidden: where it was left.
        const at = items.findIndex((item) => item.row === last);
        by("rows").children[at]?.scrollIntoView({ block: "center" });
        by("rows").children[at]?.firstChild.focus({ preventScroll: true });
      }
      last = open;
      if (!open) return;
      current();
      await showSample(mine, other);
      if (mine === round && chosen && !wide.matches) by("sample-heading").focus();
    } catch (error) {
      if (mine === round) problem(error.message);
    }
  };

  // ---- input -------------------------------------------------------------------------------

  const go = (fields) => { window.location.hash = address(fields); };
  const pick = () => go({
    model: tier.models[Number(by("model").value)].key,
    dataset: tier.datasets[Number(by("dataset").value)].key,
    // The same question to another model; another dataset has other ones.
    sample: Number(by("dataset").value) === dataset ? asked.get("sample") : "",
    beside: by("beside").value,
  });
  const step = (way) => {
    const item = items[position() + way];
    if (item) window.location.hash = addressOf(item.cell, item.row);
  };
  const narrow = async () => {
    await listSamples();
    // A sample that nobody asked for makes way for the first one that is listed now.
    if (!asked.get("sample") && position() < 0) show(); else if (open) current();
  };

  for (const id of ["model", "dataset", "beside"]) by(id).addEventListener("change", pick);
  for (const id of ["pick", "narrow"]) {
    by(id).addEventListener("submit", (event) => event.preventDefault());
  }
  for (const id of ["scope", "category"]) by(id).addEventListener("change", narrow);
  for (const input of document.querySelectorAll("input[name=kind]")) {
    input.addEventListener("change", narrow);
  }
  let waiting = 0;
  by("query").addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(narrow, 150);
  });
  by("more").addEventListener("click", () => {
    const first = listed;
    listed += STEP;
    drawList();
    by("rows").children[first]?.firstChild.focus();
  });
  by("previous").addEventListener("click", () => step(-1));
  by("next").addEventListener("click", () => step(1));
  by("copy").addEventListener("click", async () => {
    const link = new URL(addressOf(cell, open), window.location.href).href;
    try {
      await navigator.clipboard.writeText(link);
      by("copied").textContent = "The link was copied.";
    } catch {
      // Browsers may keep the clipboard from local files.
      const field = make("input");
      field.readOnly = true;
      field.value = link;
      field.setAttribute("aria-label", "Link to this sample");
      by("copied").replaceChildren(field);
      field.select();
    }
  });
  document.addEventListener("keydown", (event) => {
    const used = event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey
      || event.shiftKey || event.target.closest("input, select, textarea, .scroll");
    if (used || !open) return;
    if (event.key === "ArrowLeft") step(-1);
    else if (event.key === "ArrowRight") step(1);
    else if (event.key === "Escape" && by("browser").classList.contains("open")) {
      window.location.hash = addressOf(cell, null);
    } else return;
    event.preventDefault();
  });
  window.addEventListener("hashchange", show);
  wide.addEventListener("change", show);

  by("browser").hidden = false;
  show();
})();
