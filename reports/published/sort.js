// Sorts a table of the class "sortable" by the heading that is pressed, and by a list of the
// headings where the table is too narrow to show them. Rows keep their order where they are
// equal. A cell is sorted by data-sort, else by its text; numbers come in their order.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells], body = table.tBodies[0];
  const key = (row, i) => row.cells[i].dataset.sort ?? row.cells[i].textContent.trim();
  const compare = (a, b) => {
    const x = parseFloat(a), y = parseFloat(b);
    if (isNaN(x) && isNaN(y)) return a.localeCompare(b);
    return isNaN(x) ? 1 : isNaN(y) ? -1 : x - y;
  };
  const sort = (i, down) => {
    headings.forEach((h, k) => k == i ? h.setAttribute("aria-sort", down ? "descending" : "ascending") : h.removeAttribute("aria-sort"));
    const rows = [...body.rows].sort((a, b) => (down ? -1 : 1) * compare(key(a, i), key(b, i)));
    body.append(...rows);
  };
  headings.forEach((h, i) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...h.childNodes);
    button.addEventListener("click", () => sort(i, h.getAttribute("aria-sort") == "ascending"));
    h.append(button);
  });
  const label = document.createElement("label"), list = document.createElement("select");
  label.className = "sorter";
  label.append("Sort by ", list);
  headings.forEach((h, i) => {
    list.add(new Option(h.textContent.trim(), i));
  });
  list.addEventListener("change", () => sort(+list.value, false));
  table.before(label);
}
