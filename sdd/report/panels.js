// The panels: cards with a plot each. What is on the screen is drawn at once, the rest when there is time.

const coarse = window.matchMedia("(pointer: coarse)");
const PLOT = { displayModeBar: false, responsive: false, doubleClick: false, showTips: false };

const panels = new Map(); // by column: { card, plot, stale, near }
let awaited = false;

function buildPanels() {
  for (const column of data.columns) {
    const plot = element("div", { class: "plot", id: `plot-${column.name}` });
    const log = column.fraction ? null : element("button", { type: "button", "aria-pressed": "false", title: "Logarithmic axis",
      onclick: () => { state.logs.set(column.name, log.getAttribute("aria-pressed") !== "true"); changed("look"); } }, "log");
    const file = (form) => element("button", { type: "button", title: `Download this figure as ${form}`,
      "aria-label": `${column.label} as ${form}`, onclick: () => downloadFigure(column, form.toLowerCase()) }, form);
    const card = element("article", { class: "panel", "aria-label": column.label },
      element("div", { class: "head" },
        element("h3", { title: [column.name, column.note].filter(Boolean).join(": ") }, panelTitle(column)),
        element("span", { class: "fill" }), log,
        element("button", { type: "button", title: "Download this figure's values as CSV", "aria-label": `${column.label} as CSV`,
          onclick: () => downloadPanelData([column]) }, "CSV"), file("PNG"), file("SVG")),
      plot);
    panels.set(column.name, { column, card, plot, log, stale: true, near: false });
    byId("panels").append(card);
    watcher.observe(card);
  }
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    for (const panel of panels.values()) if (panel.card === entry.target) panel.near = entry.isIntersecting;
  }
  drawNear();
}, { rootMargin: "120px" });

function staleAll() {
  for (const panel of panels.values()) {
    panel.stale = true;
    panel.card.hidden = !state.panels.has(panel.column.name);
  }
  byId("panels").classList.toggle("few", [2, 4].includes(state.panels.size)); // two and two, not three and one
  drawNear();
}

const AT_ONCE = 250; // milliseconds of drawing after which the page first shows what there is

/** Draw the stale panels that are on the screen, then the others one by one in idle time. */
function drawNear() {
  const curves = pickedCurves();
  const due = stalePanels().filter((panel) => panel.near);
  const widths = due.map((panel) => panel.plot.clientWidth); // all before the first drawing: each reading lays the page out
  const start = performance.now();
  for (const [index, panel] of due.entries()) {
    if (performance.now() - start > AT_ONCE) break;
    draw(panel, curves, widths[index]);
  }
  drawLater();
}

const stalePanels = () => [...panels.values()].filter((panel) => panel.stale && !panel.card.hidden);

function drawLater() {
  const left = stalePanels();
  byId("panels").setAttribute("aria-busy", String(left.length > 0));
  if (awaited || !left.length) return;
  awaited = true;
  const work = () => {
    awaited = false;
    const [next] = stalePanels();
    if (stalePanels().some((panel) => panel.near)) drawNear();
    else if (next) draw(next, pickedCurves(), next.plot.clientWidth);
    drawLater();
  };
  if (left.some((panel) => panel.near) || !window.requestIdleCallback) setTimeout(work, 0);
  else requestIdleCallback(work, { timeout: 120 });
}

function draw(panel, curves, width) {
  panel.stale = false;
  if (!width) return;
  const { data: traces, layout } = figure(panel.column, curves, { width });
  layout.width = width;
  const first = !panel.plot.data;
  Plotly.react(panel.plot, traces, layout, PLOT);
  panel.log?.setAttribute("aria-pressed", String(layout.yaxis.type === "log"));
  if (first) listen(panel.plot);
}

function listen(plot) {
  const under = ({ points: [point] }) => sources.get(point.data)?.(point.pointIndex);
  plot.on("plotly_click", (event) => { const found = under(event); if (found) mark(found.one.curve.id); });
  plot.on("plotly_hover", (event) => { const found = under(event); if (found) showTip(found, event.event); });
  plot.on("plotly_unhover", hideTip);
  plot.on("plotly_doubleclick", () => zoom(null));
  plot.on("plotly_relayout", (change) => {
    const range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range.every(Number.isFinite)) zoom(range);
  });
}

/** All panels show one range of sparsities; null: all of it. */
function zoom(range) {
  state.range = range;
  byId("unzoom").hidden = range === null;
  staleAll();
}

function mark(id) {
  state.marked = !id || state.marked === id ? null : id;
  changed("mark");
}

/** The curves in words and colours, for all panels together; pressing one highlights it. */
function drawLegend() {
  const curves = pickedCurves();
  const colours = palette(false);
  const chips = curves.map((curve) => element("button", { type: "button", class: "chip", "data-id": curve.id,
    "aria-pressed": String(state.marked === curve.id), onclick: () => mark(curve.id) },
  swatch(colours[curve.style.colour], curve.style.dash), curve.label, element("small", {}, curve.note)));
  const shaded = phaseCurve(curves);
  const key = shaded ? element("span", { class: "phases" }, `phases of ${curves.length === 1 ? "the curve" : shaded.label}:`,
    ...SHADES.map((name, index) => element("span", {}, element("i", { style: { background: theme(false).shades[index] } }), name)))
    : null;
  const marks = curves.some((curve) => known(curve.phases.trough))
    ? element("span", { class: "phases" }, "▼ trough ▲ peak") : null;
  byId("legend").replaceChildren(...chips, ...[marks, key].filter(Boolean));
  const none = curves.length === 0;
  byId("panels-hint").textContent = none ? "Nothing is picked: tick groups or runs in the list."
    : state.mode === "groups" ? "Lines are means over seeds, bands one standard deviation over seeds to each side. Drag to zoom, double-click to go back, click a curve to highlight it."
      : "Each line is one run. Drag to zoom, double-click to go back, click a curve to highlight it.";
}

function swatch(colour, dash) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const pattern = { dash: "6 3", dot: "2 2.4", dashdot: "6 2.4 2 2.4" }[dash];
  for (const [name, value] of Object.entries({ width: 20, height: 8, "aria-hidden": "true" })) made.setAttribute(name, value);
  for (const [name, value] of Object.entries({ x1: 0, x2: 20, y1: 4, y2: 4, stroke: colour, "stroke-width": 2.6 })) line.setAttribute(name, value);
  if (pattern) line.setAttribute("stroke-dasharray", pattern);
  made.append(line);
  return made;
}
