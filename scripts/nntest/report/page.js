"use strict";
// Sorting and filtering of the tables, and downloads of the pictures on show.
// Everything is on the page already: without this script the page reads the same.
(() => {
  document.documentElement.classList.add("js");
  const words = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  // A cell sorts by its number where it has one, else by its text; empty cells come last.
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    if (cell.classList.contains("null")) return null;
    return cell.dataset.v === undefined ? cell.textContent.trim() : Number(cell.dataset.v);
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b : words.compare(String(a), String(b));

  for (const table of document.querySelectorAll("table[id]")) {
    const body = table.tBodies[0];
    const original = [...body.rows];
    const headers = [...table.tHead.rows[0].cells];
    headers.forEach((header, column) => {
      header.querySelector("button").addEventListener("click", () => {
        const next = { none: "ascending", ascending: "descending", descending: "none" };
        const order = next[header.getAttribute("aria-sort")];
        for (const other of headers) other.setAttribute("aria-sort", "none");
        header.setAttribute("aria-sort", order);
        let rows = original;
        if (order !== "none") {
          const sign = order === "ascending" ? 1 : -1;
          rows = original
            .map((row, index) => ({ row, index, key: keyOf(row, column) }))
            .sort((a, b) => {
              if (a.key === null || b.key === null) {
                return (a.key === null) - (b.key === null) || a.index - b.index;
              }
              return sign * compare(a.key, b.key) || a.index - b.index;
            })
            .map((item) => item.row);
        }
        body.append(...rows);
      });
    });

    const name = table.id.slice("data-".length);
    const input = document.querySelector(`[data-filter="${CSS.escape(name)}"]`);
    const count = document.querySelector(`[data-count="${CSS.escape(name)}"]`);
    if (!input) continue;
    const all = count.textContent;
    const texts = new Map(original.map((row) => [row, row.textContent.toLowerCase()]));
    input.addEventListener("input", () => {
      const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of original) {
        row.hidden = !wanted.every((word) => texts.get(row).includes(word));
        shown += !row.hidden;
      }
      count.textContent = wanted.length ? `${shown} of ${original.length} rows shown` : all;
    });
  }

  // The picture on show is embedded once; its download takes the data from there.
  for (const link of document.querySelectorAll("a[data-image]")) {
    link.href = document.getElementById(link.dataset.image).querySelector("img").src;
  }
})();
