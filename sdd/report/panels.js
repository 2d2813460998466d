// Panels: cards with a plot each, whichever kind. What is on the screen is drawn at once, the rest when there is time.

const coarse = window.matchMedia("(pointer: coarse)");
const PLOT = { displayModeBar: false, responsive: false, doubleClick: false, showTips: false };

const panels = new Map(); // by name: { card, plot, stale, near, and what addPanel was given }
let awaited = false;

/**
 * Add a panel to an element.
 *
 * `make` gives data and layout for a width (and `true` for a file); `words` says what the plot shows; `rows` gives its
 * values, heads first; `wanted` tells whether it is shown; `drawn` is called after each drawing; `listen` after the first.
 */
function addPanel(parent, { name, title, heading, note, make, words, rows, wanted = () => true, controls = [], size = { width: 860, height: 560 }, drawn, listen }) {
  const plot = element("div", { class: "plot", id: `plot-${name}`, role: "img" });
  const button = (text, label, work) => element("button", { type: "button", title: label, "aria-label": `${title} as ${text}`, onclick: work }, text);
  const panel = { name, title, plot, make, words, rows, wanted, size, drawn, listen, stale: true, near: false };
  const file = (form) => button(form, `Download this figure as ${form}`, () => downloadFigure(panel, form.toLowerCase()));
  panel.card = element("article", { class: "panel", "aria-label": title },
    element("div", { class: "head" }, element("h3", { title: note || null }, heading ?? title), element("span", { class: "fill" }), ...controls,
      button("Table", "Show this figure's values as a table", () => openValues(panel)),
      button("CSV", "Download this figure's values as CSV", () => save(`${fileName(name, state.mode)}.csv`, csvText(rows()))), file("PNG"), file("SVG")),
    element("div", { class: "plot-place" }, plot));
  panels.set(name, panel);
  parent.append(panel.card);
  watcher.observe(panel.card);
  return panel;
}

/** A panel for each measure of the curves. */
function buildPanels() {
  for (const column of data.columns) {
    const log = column.fraction ? null : element("button", { type: "button", "aria-pressed": "false", title: "Logarithmic axis", "aria-label": `${column.label}: logarithmic axis`,
      onclick: () => { state.logs.set(column.name, log.getAttribute("aria-pressed") !== "true"); changed("look"); } }, "log");
    addPanel(byId("panels"), {
      name: column.name, title: column.label, heading: panelTitle(column), note: [column.name, column.note].filter(Boolean).join(": "),
      make: (width, forFile) => figure(column, pickedCurves(), { width, forFile }),
      words: () => panelWords(column, pickedCurves()),
      rows: () => panelRows([column]),
      wanted: () => state.view === "curves" && state.panels.has(column.name),
      controls: log ? [log] : [],
      drawn: (layout) => log?.setAttribute("aria-pressed", String(layout.yaxis.type === "log")),
      listen: listenToCurves,
    });
  }
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    for (const panel of panels.values()) if (panel.card === entry.target) panel.near = entry.isIntersecting;
  }
  drawNear();
}, { rootMargin: "120px" });

function staleAll() {
  markStale();
  drawNear();
}

function markStale() {
  for (const panel of panels.values()) {
    panel.stale = true;
    panel.card.hidden = !panel.wanted();
  }
  byId("panels").classList.toggle("few", [2, 4].includes(state.panels.size)); // two and two, not three and one
  byId("panels").classList.toggle("one", state.panels.size === 1);
}

const AT_ONCE = 250; // milliseconds of drawing after which the page first shows what there is

/** Draw the stale panels that are on the screen, then the others one by one in idle time. */
function drawNear() {
  const due = stalePanels().filter((panel) => panel.near);
  const widths = due.map((panel) => panel.plot.parentElement.clientWidth); // all before the first drawing: each reading lays the page out
  const start = performance.now();
  for (const [index, panel] of due.entries()) {
    if (performance.now() - start > AT_ONCE) break;
    draw(panel, widths[index]);
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
    else if (next) draw(next, next.plot.parentElement.clientWidth);
    drawLater();
  };
  if (left.some((panel) => panel.near) || !window.requestIdleCallback) setTimeout(work, 0);
  else requestIdleCallback(work, { timeout: 120 });
}

function draw(panel, width) {
  panel.stale = false;
  if (!width) return;
  const { data: traces, layout } = panel.make(width);
  layout.width ??= width;
  const first = !panel.plot.data;
  Plotly.react(panel.plot, traces, layout, PLOT);
  panel.plot.setAttribute("aria-label", panel.words());
  panel.drawn?.(layout);
  if (first) panel.listen?.(panel.plot);
}

function listenToCurves(plot) {
  const under = ({ points: [point] }) => sources.get(point.data)?.(point.pointIndex);
  plot.on("plotly_click", (event) => { const found = under(event); if (found) mark(found.one.curve.id); });
  plot.on("plotly_hover", (event) => {
    const found = under(event);
    if (!found || !known(found.one.y[found.index])) return;
    showTip({ colour: found.one.colour, dash: found.one.curve.style.dash, name: found.one.curve.label }, pointLines(found), event.event);
  });
  plot.on("plotly_unhover", hideTip);
  plot.on("plotly_doubleclick", () => zoom(null));
  plot.on("plotly_relayout", (change) => {
    const range = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (range.every(Number.isFinite)) zoom(range);
  });
}

/** All panels of curves show one range of the axis; null: all of it. */
function zoom(range) {
  state.range = range;
  showRange();
  staleAll();
}

/** The ends of the axis as numbers, to be read and typed. */
function showRange() {
  const range = state.range ?? fullRange(pickedCurves());
  byId("unzoom").hidden = state.range === null;
  for (const [index, id] of ["range-from", "range-to"].entries()) byId(id).value = String(Number(Math.min(100, Math.max(0, shareAt(range[index]))).toPrecision(3)));
}

function typedRange() {
  const [from, to] = ["range-from", "range-to"].map((id) => spotOf(byId(id).valueAsNumber));
  if (Number.isFinite(from) && Number.isFinite(to) && from < to) zoom([from, to]);
  else showRange();
}
