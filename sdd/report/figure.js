// Curves of one measure as the plotting library takes them. The y values are those of curve.csv, or their means, to the last bit.

const APART = 24; // up to so many curves are traces of their own; more are joined by colour, which is much faster
const DOTTED = 10; // up to so many have a dot at each level
const BANDED = 12; // up to so many have their bands; of more only the highlighted one has
const SHADES = ["light", "critical", "sweet", "collapsed"];

const THEMES = {
  light: {
    paper: "#FFFFFF", text: "#1D2329", muted: "#5E6871", grid: "#E9ECEE", zero: "#D5DADD",
    shades: ["rgba(0,0,0,0)", "rgba(213,94,0,0.11)", "rgba(0,158,115,0.13)", "rgba(90,100,110,0.13)"],
  },
  dark: {
    paper: "#1B1F24", text: "#E4E8EB", muted: "#9AA5AE", grid: "#2B3137", zero: "#3A424A",
    shades: ["rgba(0,0,0,0)", "rgba(238,119,51,0.17)", "rgba(29,191,143,0.15)", "rgba(200,210,220,0.10)"],
  },
};
const FONT = 'system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif';

const LEGEND = { orientation: "h", x: 0, xref: "container", y: 0.01, yref: "container", yanchor: "bottom" };

const theme = (light) => THEMES[lightness(light)];

/** What all axes have in common. */
const plainAxis = (look, forFile = false) => ({ gridcolor: look.grid, zeroline: false, linecolor: look.zero, ticks: "outside", ticklen: 3, tickcolor: look.zero,
  tickfont: { size: forFile ? 12 : 11, color: forFile ? look.text : look.muted } });
const axisName = (text, look, forFile = false) => ({ text: plotText(text), font: { size: forFile ? 13 : 11, color: forFile ? look.text : look.muted }, standoff: 4 });

const LINE = 140; // letters of a line below the title of a file

/** The title and, below it, what is drawn in words; for a file. */
const fileTitle = (title, words) => ({ text: `${plotText(title)}<br><span style="font-size:11px">${wrapped(words, LINE).map(plotText).join("<br>")}</span>`,
  x: 0.01, xref: "container", y: 1, yref: "container", yanchor: "top", pad: { t: 24 }, font: { size: 15 } });
const titleHeight = (words) => 42 + 18 * wrapped(words, LINE).length;

/** Data and layout of a panel; `forFile`: with titles, legend and light colours, for a paper. */
function figure(column, curves, { width, forFile = false }) {
  const look = theme(forFile);
  const marked = curves.find((curve) => curve.id === state.marked);
  const shown = marked ? [...curves.filter((curve) => curve !== marked), marked] : curves;
  const drawn = shown.map((curve) => drawing(curve, column, marked, shown.length, forFile)).filter(Boolean);
  const log = isLog(column, drawn);
  const lines = shown.length <= APART ? drawn.map(lineTrace) : joined(drawn).map((trace) => Object.assign(trace, { showlegend: false }));
  const traces = [...drawn.filter((one) => banded(one.curve, shown.length)).map((one) => bandTrace(one, log)).filter(Boolean), ...lines,
    ...markTraces(drawn, look), ...(forFile && shown.length > APART ? scaleTraces() : [])];
  const yRange = valueRange(column, drawn, log);
  const range = state.range ?? fullRange(curves);
  const shaded = phaseCurve(curves);
  return { data: traces, layout: panelLayout(column, look, { log, yRange, range, shaded, width, forFile, count: drawn.length, words: forFile ? drawnWords(curves) : "" }) };
}

const banded = (curve, count) => count <= BANDED || curve.id === state.marked;

/** A curve's points in one panel, or null where it has none of this measure. */
function drawing(curve, column, marked, count, forFile) {
  const all = curve.values(column.name);
  if (!all || !all.some(known)) return null;
  // What is measured at some levels only is joined across the others; elsewhere a missing value is a gap.
  const keep = all.map((value) => known(value) || column.whole);
  const only = (values) => values?.filter((_, index) => keep[index]) ?? null;
  const faded = marked && marked !== curve;
  return {
    curve,
    colour: paint(curve.style.colour, forFile),
    opacity: faded ? 0.22 : count > APART && !marked ? 0.6 : 1,
    width: marked === curve ? 3 : count > APART ? 1 : curve.kind === "group" ? 2 : 1.6,
    dots: count <= DOTTED,
    name: forFile && curve.note ? `${curve.short} (${curve.note})` : forFile ? curve.short : curve.label,
    level: only(curve.level),
    sparsity: only(curve.sparsity),
    remaining: only(curve.remaining),
    x: only(curve.sparsity).map(place),
    y: only(all),
    spread: only(curve.spread(column.name)),
    counts: only(curve.counts(column.name)),
    fraction: column.fraction,
  };
}

/** Which curve and which of its points a point of a trace is; for what is shown under the pointer. */
const sources = new WeakMap();

function lineTrace(one) {
  const trace = {
    type: "scatter",
    mode: one.dots ? "lines+markers" : "lines",
    name: plotText(one.name),
    meta: one.curve.id,
    x: one.x,
    y: one.y,
    hoverinfo: "none",
    line: { color: one.colour, dash: one.curve.style.dash, width: one.width },
    marker: { size: 4, color: one.colour },
    opacity: one.opacity,
  };
  sources.set(trace, (index) => ({ one, index }));
  return trace;
}

/** Many curves as few traces, one of each look, with gaps between the curves. */
function joined(drawn) {
  const looks = new Map();
  for (const one of drawn) {
    const look = [one.colour, one.curve.style.dash, one.opacity, one.width].join();
    if (!looks.has(look)) looks.set(look, []);
    looks.get(look).push(one);
  }
  return [...looks.values()].map((alike) => {
    const trace = {
      ...lineTrace(alike[0]),
      name: plotText(alike[0].curve.group),
      meta: null,
      x: alike.flatMap((one) => [...one.x, null]),
      y: alike.flatMap((one) => [...one.y, null]),
    };
    sources.set(trace, (index) => {
      let start = 0;
      const one = alike.find(({ y }) => (index < start + y.length ? true : ((start += y.length + 1), false)));
      return { one, index: index - start };
    });
    return trace;
  });
}

/** What stands in a legend without being drawn. */
const legendTrace = (name, colour) => ({ type: "scatter", mode: "markers", x: [null], y: [null], name: plotText(name), hoverinfo: "skip", showlegend: true, marker: { size: 8, color: paint(colour, true) } });

/** What colours mean, for a file: a bar of the ordered palette, or an entry a value. */
function scaleTraces() {
  const scale = colourScale();
  if (!scale) return [];
  if (!scale.quantity.ordered) return scale.entries.slice(0, APART).map(({ value, colour }) => legendTrace(`${scale.quantity.short}=${scale.quantity.write(value)}`, colour));
  const { quantity, log } = scale;
  const [low, high] = (scale.ends ?? [scale.entries[0].value, scale.entries.at(-1).value]).map((value) => value * quantity.factor);
  const put = (value) => (log ? Math.log10(value) : value);
  const marks = scale.few ? scale.entries.map(({ value }, index) => low + (index / (scale.entries.length - 1)) * (high - low)) : niceTicks(low, high, 5, log);
  return [{ type: "scatter", mode: "markers", x: [null], y: [null], hoverinfo: "skip", showlegend: false, marker: { color: [put(low)], cmin: put(low), cmax: put(high),
    colorscale: ORDERED.light.map((colour, index) => [index / (ORDERED.light.length - 1), colour]), showscale: true,
    colorbar: { title: { text: plotText(quantityTitle(quantity)), side: "right", font: { size: 12 } }, thickness: 12, len: 0.9, tickvals: marks.map(put),
      ticktext: scale.few ? scale.entries.map(({ value }) => quantity.write(value)) : marks.map(number), tickfont: { size: 11 } } } }];
}

/** Mean ± standard deviation as a closed outline, apart at gaps. */
function bandTrace(one, log) {
  if (!one.spread || !one.spread.some(known)) return null;
  const floor = log ? Math.min(...one.y.filter((value) => value > 0)) / 100 : -Infinity;
  const x = [];
  const y = [];
  let piece = [];
  const close = () => {
    x.push(...piece.map((at) => one.x[at]), ...piece.slice().reverse().map((at) => one.x[at]), null);
    y.push(...piece.map((at) => one.y[at] + one.spread[at]),
      ...piece.slice().reverse().map((at) => Math.max(floor, one.y[at] - one.spread[at])), null);
    piece = [];
  };
  for (let index = 0; index < one.y.length; index += 1) {
    if (known(one.y[index]) && known(one.spread[index])) piece.push(index);
    else if (piece.length) close();
  }
  if (piece.length) close();
  return {
    type: "scatter",
    mode: "lines",
    x,
    y,
    fill: "toself",
    fillcolor: one.colour,
    line: { width: 0, color: one.colour },
    opacity: 0.16 * one.opacity,
    hoverinfo: "skip",
    showlegend: false,
  };
}

/** Trough (pointing down) and peak (pointing up) of every curve. */
function markTraces(drawn, look) {
  const marks = drawn.flatMap((one) =>
    ["trough", "peak"].map((name) => ({ one, name, index: one.level.indexOf(one.curve.phases[name]) })))
    .filter(({ one, name, index }) => known(one.curve.phases[name]) && index >= 0 && known(one.y[index]));
  if (!marks.length) return [];
  const small = drawn.length > APART;
  const trace = {
    type: "scatter",
    mode: "markers",
    name: "trough and peak",
    x: marks.map(({ one, index }) => one.x[index]),
    y: marks.map(({ one, index }) => one.y[index]),
    hoverinfo: "none",
    marker: {
      size: small ? 6 : 10,
      symbol: marks.map(({ name }) => (name === "trough" ? "triangle-down" : "triangle-up")),
      color: marks.map(({ one }) => one.colour),
      opacity: marks.map(({ one }) => Math.max(one.opacity, 0.3)),
      line: { width: small ? 0 : 1.2, color: look.paper },
    },
    showlegend: false,
  };
  sources.set(trace, (index) => marks[index]);
  return [trace];
}

/** Whether the axis is logarithmic: as chosen, else where all values are positive and span more than 20-fold. */
function isLog(column, drawn) {
  if (column.fraction) return false;
  const values = drawn.flatMap((one) => one.y.filter(known));
  const low = Math.min(...values, Infinity);
  if (!(low > 0)) return false;
  return state.logs.get(column.name) ?? Math.max(...values) > 20 * low;
}

function valueRange(column, drawn, log) {
  const edges = drawn.flatMap((one) => one.y.flatMap((value, index) => {
    const spread = one.spread?.[index] ?? 0;
    return known(value) ? [value, value + spread, ...(log && value - spread <= 0 ? [] : [value - spread])] : [];
  }));
  if (!edges.length) return [0, 1];
  let [low, high] = [Math.min(...edges), Math.max(...edges)];
  if (log) {
    const least = Math.min(...drawn.flatMap((one) => one.y.filter(known)));
    low = Math.max(low, least / 10);
    const pad = Math.max(0.05 * Math.log10(high / low), 0.02);
    return [Math.log10(low) - pad, Math.log10(high) + pad];
  }
  const least = column.fraction ? 0.04 : Math.max(Math.abs(high), Math.abs(low)) * 1e-3 || 1;
  if (high - low < least) [low, high] = [low - least / 2, high + least / 2];
  const pad = 0.06 * (high - low);
  [low, high] = [low - pad, high + pad];
  return column.fraction ? [Math.max(low, -0.03), Math.min(high, 1.03)] : [low, high];
}

function panelLayout(column, look, { log, yRange, range, shaded, width, forFile, count, words }) {
  const left = forFile ? 66 : 54;
  const inner = width - left - 10;
  const edges = shaded ? phaseEdges(shaded, range) : [];
  const fits = edges.filter(({ from, to, name }) => ((to - from) / (range[1] - range[0])) * inner > 6.2 * name.length);
  const axis = plainAxis(look, forFile);
  const spanY = yRange[1] - yRange[0];
  return {
    height: forFile ? undefined : state.panels.size === 1 ? 440 : 252,
    margin: { l: left, r: 10, t: forFile ? titleHeight(words) + 20 : 20, b: forFile ? undefined : 40 },
    paper_bgcolor: look.paper,
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 12, color: look.text },
    hovermode: "closest",
    dragmode: coarse.matches ? false : "zoom",
    showlegend: forFile,
    legend: LEGEND,
    title: forFile ? fileTitle(panelTitle(column), words) : undefined,
    xaxis: { ...axis, range, ...sparsityTicks(range, inner), showgrid: false, automargin: forFile,
      title: axisName(axisTitle(), look, forFile) },
    yaxis: { ...axis, automargin: forFile, title: forFile ? axisName(panelTitle(column), look, true) : undefined, type: log ? "log" : "linear", range: yRange, nticks: 6, exponentformat: "power",
      ...(column.fraction ? { tickformat: spanY < 0.08 ? ".1%" : ".0%" } : {}),
      ...(log ? logTicks(yRange) : {}) },
    shapes: edges.map(({ from, to, fill }) => ({ type: "rect", layer: "below", xref: "x", yref: "paper", x0: from, x1: to,
      y0: 0, y1: 1, line: { width: 0 }, fillcolor: look.shades[fill] })),
    annotations: [
      ...fits.map(({ from, to, name }) => ({ text: name, x: (from + to) / 2, xref: "x", y: 1, yref: "paper",
        yanchor: "bottom", showarrow: false, font: { size: 10.5, color: look.muted } })),
      ...(count === 0 ? [{ text: "no curve picked has this measure", x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false,
        font: { size: 12, color: look.muted } }] : []),
    ],
  };
}

/** Ticks of a logarithmic axis: ones, with twos and fives where there are few of them. */
function logTicks([low, high]) {
  const factors = high - low > 3 ? [1] : high - low > 0.5 ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 7, 8, 9];
  const powers = Array.from({ length: Math.ceil(high) - Math.floor(low) + 1 }, (_, index) => Math.floor(low) + index);
  const ticks = powers.flatMap((power) => factors.map((factor) => factor * 10 ** power))
    .filter((value) => Math.log10(value) >= low && Math.log10(value) <= high);
  return { tickmode: "array", tickvals: ticks, ticktext: ticks.map(number) };
}

/** Where the phases of a curve begin and end on the axis; the first and the last reach its ends. */
function phaseEdges(curve, range) {
  const { light_critical: light, critical_sweet: trough, sweet_collapsed: peak } = curve.phases.boundaries;
  const ends = [light, trough, ...(known(peak) ? [peak] : [])].map(place);
  const starts = [range[0], ...ends];
  return starts.map((from, index) => ({ from: Math.max(from, range[0]), to: Math.min(ends[index] ?? range[1], range[1]),
    fill: index, name: SHADES[index] })).filter(({ from, to }) => to > from);
}

const panelTitle = (column) => (column.unit ? `${column.label} (${column.unit})` : column.label);
