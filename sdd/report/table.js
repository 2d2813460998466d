// A table whose header cells sort it, and which can be had as CSV.

/**
 * Fill an element with a table.
 *
 * Each column has `key`, `title`, `value` (of a row: what it sorts by; null and undefined come last either way), and
 * optionally `show` (text or an element), `csv` (pairs of name and value; none: left out), `numeric`, `note`.
 */
function buildTable(name, shown, rows, { classOf, onRow }) {
  const body = element("tbody");
  const heads = shown.map((column) => {
    const head = element("th", { scope: "col", class: column.numeric ? "numeric" : null, "data-key": column.key, title: column.note });
    head.append(column.unsorted ? column.title
      : element("button", { type: "button", onclick: () => sortBy(name, column) }, column.title, element("i", { "aria-hidden": "true" })));
    return head;
  });
  const lines = rows.map((row) => {
    const line = element("tr", { "data-id": row.id, class: classOf(row),
      onclick: ({ target }) => { if (!target.closest("a, button, input") && !String(getSelection())) onRow(row); } });
    line.append(...shown.map((column, index) => {
      const cell = element(index === 1 ? "th" : "td", { class: column.numeric ? "numeric" : column.class ?? null, scope: index === 1 ? "row" : null });
      const content = column.show ? column.show(row) : column.value(row);
      cell.append(known(content) ? content : MISSING);
      return cell;
    }));
    return { row, line };
  });
  tables.set(name, { shown, lines, body, heads });
  byId(`${name}-table`).replaceChildren(element("table", {}, element("thead", {}, element("tr", {}, ...heads)), body));
  sortTable(name);
  buildColumnsMenu(name);
  hideColumns(name);
}

/** Columns that the reader does not want: a menu of all but the first two, which say what a row is. */
function buildColumnsMenu(name) {
  byId(`${name}-columns`).replaceChildren(...tables.get(name).shown.slice(2).map((column) => element("label", { class: "check" },
    element("input", { type: "checkbox", value: column.key, checked: !state.hidden[name].has(column.key), onchange: ({ target }) => {
      state.hidden[name][target.checked ? "delete" : "add"](column.key);
      hideColumns(name);
      writeAddress();
    } }), column.title || column.key)));
}

function hideColumns(name) {
  const { shown, lines, heads } = tables.get(name);
  for (const [index, column] of shown.entries()) {
    const hidden = state.hidden[name].has(column.key);
    heads[index].hidden = hidden;
    for (const { line } of lines) line.children[index].hidden = hidden;
  }
  tellWidth(name);
}

/** Say how many columns lie beyond the edge, and on which side, so that nobody takes what is seen for all. */
function tellWidth(name) {
  const region = byId(`${name}-table`);
  const [left, right] = [region.scrollLeft, region.scrollWidth - region.clientWidth - region.scrollLeft];
  const { heads } = tables.get(name);
  const beyond = heads.filter((head) => !head.hidden && head.offsetLeft + head.offsetWidth > region.scrollLeft + region.clientWidth + 1).length;
  region.parentElement.dataset.more = [left > 1 ? "left" : "", right > 1 ? "right" : ""].join(" ").trim();
  byId(`${name}-more`).textContent = right > 1 ? `${plural(beyond, "more column")} to the right: scroll, or press → in the table` : left > 1 ? "scrolled to the last column" : "";
}

function watchWidth(name) {
  const region = byId(`${name}-table`);
  region.addEventListener("scroll", () => tellWidth(name), { passive: true });
  new ResizeObserver(() => tellWidth(name)).observe(region);
}

const tables = new Map();

/** Sort by a column; the same once more: the other way round; a third time: as at first. */
function sortBy(name, column) {
  const now = state.sort[name];
  const first = Boolean(column.numeric); // numbers: the largest first
  if (now?.key !== column.key) state.sort[name] = { key: column.key, descending: first };
  else state.sort[name] = now.descending === first ? { key: column.key, descending: !first } : null;
  sortTable(name);
  writeAddress();
}

function sortTable(name) {
  const { shown, lines, body, heads } = tables.get(name);
  const sort = state.sort[name];
  const column = shown.find(({ key }) => key === sort?.key);
  const order = column ? lines.slice().sort((one, other) => compare(column.value(one.row), column.value(other.row), sort.descending)) : lines;
  body.append(...order.map(({ line }) => line));
  for (const head of heads) {
    const by = column && head.dataset.key === column.key;
    if (by) head.setAttribute("aria-sort", sort.descending ? "descending" : "ascending");
    else head.removeAttribute("aria-sort");
  }
}

const words_in_order = new Intl.Collator("en", { numeric: true });

/** Numbers by size, before texts; what is missing last, whichever way the others go. */
function compare(one, other, descending) {
  if (!known(one) || !known(other)) return Number(!known(one)) - Number(!known(other));
  const kinds = Number(typeof one !== "number") - Number(typeof other !== "number");
  const by = kinds || (typeof one === "number" ? one - other : words_in_order.compare(String(one), String(other)));
  return descending ? -by : by;
}

function downloadTable(name) {
  const shown = tables.get(name).shown.filter(({ key }) => !state.hidden[name].has(key));
  const cells = shown.flatMap((column) => column.csv ?? [[column.key, column.value]]);
  const rows = [...byId(`${name}-table`).querySelectorAll("tbody tr")].filter((line) => !line.hidden)
    .map((line) => (name === "groups" ? groups : runs).get(line.dataset.id));
  save(`${fileName(name)}.csv`, csvText([cells.map(([key]) => key), ...rows.map((row) => cells.map(([, value]) => value(row)))]));
}
