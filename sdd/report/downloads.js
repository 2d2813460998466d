// Figures and tables as files. Numbers are written as curve.csv has them, to the last digit.

/** A value as spreadsheets take it for text: what begins like a formula has an apostrophe before it. */
function asText(value) {
  const text = String(value);
  return typeof value === "string" && /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
}

function csvText(rows) {
  const cell = (value) => {
    const text = known(value) ? asText(value) : "";
    return /[",\n\r]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
  };
  return rows.map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function save(name, content) {
  const address = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

const fileName = (...words) => [data.title, ...words].join("-").replace(/[^\w.-]+/g, "_").slice(0, 120);

/** The picked curves' values of some columns, a line a value. */
function panelRows(shown) {
  const curves = pickedCurves();
  const ofGroups = state.mode === "groups";
  const rows = [ofGroups ? ["measure", "group", "level", "sparsity", "remaining_fraction", "mean", "sd", "n"]
    : ["measure", "run", "group", "seed", "level", "sparsity", "remaining_fraction", "value"]];
  for (const column of shown) {
    for (const curve of curves) {
      const values = curve.values(column.name);
      if (!values) continue;
      const [spread, counts] = [curve.spread(column.name), curve.counts(column.name)];
      curve.level.forEach((level, index) => {
        if (!known(values[index])) return;
        const at = [level, curve.sparsity[index], curve.remaining[index], values[index]];
        rows.push(ofGroups ? [column.name, curve.group, ...at, spread[index], counts[index]]
          : [column.name, curve.run, curve.group, curve.seed, ...at]);
      });
    }
  }
  return rows;
}

function downloadAllData() {
  save(`${fileName("curves", state.mode)}.csv`, csvText(panelRows(data.columns.filter((column) => state.panels.has(column.name)))));
}

function downloadFigure(panel, format) {
  onPaper = true;
  const { data: traces, layout } = panel.make(panel.size.width, true);
  onPaper = false;
  const width = layout.width ?? panel.size.width;
  const { height } = panel.size;
  const below = 20 * Math.min(traces.filter((trace) => trace.showlegend !== false).length, 12);
  return Plotly.downloadImage({ data: traces, layout: { ...layout, width, height: height + below } },
    { format, width, height: height + below, scale: format === "png" ? 2 : 1, filename: fileName(panel.name) });
}
