// On every page: the theme, tables that are sorted by a press on a heading, and folded parts that a
// link leads into.
"use strict";
(() => {
  // The theme. Where the browser keeps nothing for local files, it lasts as long as the page.
  const button = document.querySelector(".theme");
  const themes = { "": "as the system", light: "light", dark: "dark" };
  const kept = () => { try { return localStorage.getItem("theme") || ""; } catch { return ""; } };
  const show = (theme) => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    button.querySelector("span").textContent = themes[theme];
  };
  let theme = kept() in themes ? kept() : "";
  show(theme);
  button.hidden = false;
  button.addEventListener("click", () => {
    const names = Object.keys(themes);
    theme = names[(names.indexOf(theme) + 1) % names.length];
    show(theme);
    try { localStorage.setItem("theme", theme); } catch { /* not kept */ }
  });

  // <table class="sortable">: a heading sorts its rows by the column, a second press turns them.
  // A field's data-sort, or else its text, is what counts; numbers by size, nothing at the end.
  const value = (row, column) => {
    const field = row.children[column];
    const text = field ? (field.dataset.sort ?? field.textContent).trim() : "";
    return text === "–" ? "" : text;
  };
  // 1,234 or −2.5 or 45.0%, and of two ends the lower one.
  const number = (text) => {
    const first = text.replace(/^−/, "-").split(/ to |–/)[0].replace(/,(?=\d{3})|%$/g, "");
    return Number(first || "none");
  };
  const compare = (left, right) => {
    const numbers = [number(left), number(right)];
    return numbers.some(Number.isNaN)
      ? left.localeCompare(right, "en", { numeric: true }) : numbers[0] - numbers[1];
  };
  const sort = (table, heading, column) => {
    const turned = heading.getAttribute("aria-sort") === "descending" ? 1 : -1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", turned === 1 ? "ascending" : "descending");
    for (const body of table.tBodies) {
      const rows = [...body.rows].map((row) => [value(row, column), row]);
      rows.sort(([left], [right]) => {
        if (!left || !right) return left ? -1 : right ? 1 : 0;
        return turned * compare(left, right);
      });
      body.append(...rows.map(([, row]) => row));
    }
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, column) => {
      const press = document.createElement("button");
      press.type = "button";
      press.className = "sort";
      const link = heading.querySelector("a");
      if (link) {
        // A heading that leads to a page keeps its link; the button stands beside it.
        press.textContent = "Sort";
        press.setAttribute("aria-label", `Sort by ${link.textContent.trim()}`);
      } else {
        press.append(...heading.childNodes);
      }
      heading.append(press);
      press.addEventListener("click", () => sort(table, heading, column));
    });
  }

  const unfold = () => {
    const meant = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    for (let part = meant; part; part = part.parentElement) {
      if (part.tagName === "DETAILS") part.open = true;
    }
    if (meant) meant.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();
})();
