// The values of a figure as a table, in the pane beside the page: for readers without eyes for the plot, and for looking up.

let valuesShown = null;

function openValues(panel) {
  opener_focus = document.activeElement;
  state.open = null;
  valuesShown = panel.name;
  writeAddress();
  drawDetail();
  byId("detail").focus({ preventScroll: true });
}

const MOST_ROWS = 500;

function valuesPane(panel) {
  const [heads, ...rows] = panel.rows();
  const numeric = heads.map((_, index) => rows.every((row) => !known(row[index]) || typeof row[index] === "number"));
  const write = (value) => (!known(value) ? MISSING : typeof value === "number" && !Number.isInteger(value) ? number(value) : String(value));
  const cell = (value, index) => element(index ? "td" : "th", { class: numeric[index] ? "numeric" : null, scope: index ? null : "row" }, write(value));
  return [
    element("p", { class: "hint" }, panel.words().replace(" The button Table shows all values.", "")),
    element("p", { class: "hint" }, `${plural(rows.length, "row")}${rows.length > MOST_ROWS ? `; the first ${MOST_ROWS} are shown, CSV has all` : ""}; four digits here, all in the CSV file.`),
    element("div", { class: "wide-table", tabindex: "0", role: "region", "aria-label": `Values of ${panel.title}` }, element("table", {},
      element("thead", {}, element("tr", {}, ...heads.map((head, index) => element("th", { scope: "col", class: numeric[index] ? "numeric" : null }, head)))),
      element("tbody", {}, ...rows.slice(0, MOST_ROWS).map((row) => element("tr", {}, ...row.map(cell)))))),
  ];
}
