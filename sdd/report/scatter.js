// Scatter: any two quantities against each other, a point a run; groups of several runs also as their means.

const JITTER = 0.16; // points of one category are spread by so much to each side

/** A quantity as an axis has it: places of values, ticks, range, and what to write there. */
function axisOf(quantity, members, logName) {
  const values = members.map((run) => quantity.value(run));
  if (!quantity.ordered) {
    const distinct = [...new Set(curveRuns.map((run) => quantity.value(run)).filter(known))].sort((one, other) => compare(one, other, false));
    return { quantity, log: false, categories: distinct, spot: (value) => (known(value) ? distinct.indexOf(value) : null), range: [-0.5, Math.max(distinct.length, 1) - 0.5],
      ticks: { tickmode: "array", tickvals: distinct.map((_, index) => index), ticktext: distinct.map((value) => plotText(cut(quantity.write(value), 18))) } };
  }
  const there = values.filter(known).map((value) => quantity.factor * value);
  const log = there.length > 0 && Math.min(...there) > 0 && (state.logs.get(logName) ?? wantsLog(there));
  let [low, high] = there.length ? [Math.min(...there), Math.max(...there)] : [0, 1];
  if (log) [low, high] = [Math.log10(low), Math.log10(high)];
  const pad = 0.06 * (high - low) || 0.5;
  const range = [low - pad, high + pad];
  return { quantity, log, spot: (value) => (known(value) ? quantity.factor * value : null), range,
    ticks: log ? { type: "log", ...logTicks(range) } : { type: "linear", nticks: 7, exponentformat: "power" } };
}

/** Whatever of a run is spread sideways within its category, the same each time. */
const jitter = (axis, index) => (axis.categories ? JITTER * (2 * ((index * 0.618034) % 1) - 1) : 0);

function scatterContent() {
  const members = pickedRuns();
  const axes = ["x", "y"].map((name) => axisOf(quantities.get(state[name]), members, `scatter ${name}`));
  const spots = members.map((run, index) => ({ run, x: axes[0].spot(axes[0].quantity.value(run)), y: axes[1].spot(axes[1].quantity.value(run)), index }))
    .filter(({ x, y }) => known(x) && known(y));
  return { members, axes, spots };
}

function scatterFigure(width, forFile = false) {
  const { axes: [x, y], spots } = scatterContent();
  const look = theme(forFile);
  const colours = runColours();
  const someMarked = spots.some(({ run }) => isMarked(run));
  const faded = (run) => !kept(run) || (someMarked && !isMarked(run));
  const points = {
    type: "scatter", mode: "markers", name: "runs", meta: "runs", hoverinfo: "none", showlegend: false,
    x: spots.map((spot) => spot.x + jitter(x, spot.index)), y: spots.map((spot) => spot.y + jitter(y, spot.index + 7)),
    marker: { size: spots.length > 300 ? 6 : 8, color: spots.map(({ run }) => paint(colours.get(run.id), forFile)), opacity: spots.map(({ run }) => (faded(run) ? 0.15 : 0.85)),
      line: { width: spots.map(({ run }) => (isMarked(run) ? 2 : 0.5)), color: look.paper } },
  };
  const words = scatterWords(true);
  return { data: [points, ...meanTraces(x, y, spots, look, forFile), ...(forFile ? scatterLegend() : [])], layout: {
    width, height: forFile ? undefined : Math.min(560, Math.max(360, innerHeight - 260)), paper_bgcolor: look.paper, plot_bgcolor: "rgba(0,0,0,0)", showlegend: forFile, legend: LEGEND,
    font: { family: FONT, size: 12, color: look.text }, hovermode: "closest", dragmode: false,
    margin: { l: 62, r: 14, t: forFile ? titleHeight(words) + 14 : 14, b: 48 },
    title: forFile ? fileTitle(`${y.quantity.label} against ${x.quantity.label}`, words) : undefined,
    xaxis: { ...plainAxis(look, forFile), ...x.ticks, range: x.range, automargin: true, title: axisName(quantityTitle(x.quantity), look, forFile) },
    yaxis: { ...plainAxis(look, forFile), ...y.ticks, range: y.range, automargin: true, title: axisName(quantityTitle(y.quantity), look, forFile) },
    annotations: spots.length ? [] : [{ text: "no run picked has both values", x: 0.5, y: 0.5, xref: "paper", yref: "paper", showarrow: false, font: { size: 13, color: look.muted } }],
  } };
}

/** What colours mean, for a file; means of groups have their own entries. */
function scatterLegend() {
  if (colourScale()) return scaleTraces();
  const curves = pickedCurves();
  return curves.length > APART ? [] : curves.filter((curve) => curve.count === 1).map((curve) => legendTrace(curve.short, curve.style.colour));
}

/** Means of groups of several runs with their standard deviations, where both axes are numbers. */
function meanTraces(x, y, spots, look, forFile) {
  if (state.mode !== "groups" || x.categories || y.categories) return [];
  return pickedCurves().filter((curve) => curve.count > 1).flatMap((curve) => {
    const held = spots.filter(({ run }) => groupOfRun(run).id === curve.id);
    if (held.length < 2) return [];
    const [xs, ys] = [held.map((spot) => spot.x), held.map((spot) => spot.y)];
    const colour = paint(curve.style.colour, forFile);
    const bar = (values) => ({ type: "data", array: [deviation(values)], color: colour, thickness: 1.2, width: 0 });
    return [{ type: "scatter", mode: "markers", name: plotText(`${curve.short} (n = ${held.length})`), meta: curve.id, x: [mean(xs)], y: [mean(ys)], error_x: bar(xs), error_y: bar(ys),
      hoverinfo: "none", marker: { size: 13, symbol: "diamond", color: colour, line: { width: 1.4, color: look.paper } } }];
  });
}

/** Spearman's rank correlation of pairs; null for fewer than three or where one side is constant. */
function spearmanOf(pairs) {
  if (pairs.length < 3) return null;
  const ranks = (values) => values.map((value) => values.filter((other) => other < value).length + (values.filter((other) => other === value).length + 1) / 2);
  const [xs, ys] = [ranks(pairs.map(([x]) => x)), ranks(pairs.map(([, y]) => y))];
  const [cx, cy] = [mean(xs), mean(ys)];
  const [sxx, syy, sxy] = [[xs, cx, xs, cx], [ys, cy, ys, cy], [xs, cx, ys, cy]].map(([a, ca, b, cb]) => a.reduce((sum, value, index) => sum + (value - ca) * (b[index] - cb), 0));
  return sxx && syy ? sxy / Math.sqrt(sxx * syy) : null;
}

function scatterWords(short = false) {
  const { members, axes: [x, y], spots } = scatterContent();
  const lacking = members.length - spots.length;
  const means = state.mode === "groups" && !x.categories && !y.categories && pickedCurves().some((curve) => curve.count > 1)
    ? " Diamonds are means over the runs of a group, bars one standard deviation to each side." : "";
  const found = x.categories || y.categories ? null : spearmanOf(spots.map((spot) => [spot.x, spot.y]));
  const side = x.categories || y.categories ? " Within a category points are spread so that they can be told apart." : "";
  const brushed = state.brush.size ? ` ${spots.filter(({ run }) => !kept(run)).length} runs outside of the ranges chosen under Parallel axes are pale.` : "";
  const words = `Each point is one run (n = ${spots.length}${lacking ? `; ${lacking} more have no value` : ""}).${means}${known(found) ? ` Spearman's ρ over the points: ${rho(found)}.` : ""}${side}${colourWords()}${brushed}`;
  if (short) return words;
  const span = (axis, name) => (axis.categories || !spots.length ? "" : ` ${axis.quantity.label} from ${axis.quantity.write(Math.min(...spots.map((spot) => spot[name])) / axis.quantity.factor)} to ${axis.quantity.write(Math.max(...spots.map((spot) => spot[name])) / axis.quantity.factor)}.`);
  return `Scatter of ${y.quantity.label} against ${x.quantity.label}.${span(x, "x")}${span(y, "y")} ${words} The button Table shows all values.`;
}

function scatterRows() {
  const chosen = [quantities.get(state.x), quantities.get(state.y)];
  return runRows(pickedRuns(), chosen[0] === chosen[1] ? [chosen[0]] : chosen);
}

/** A line a run: its name, group, seed, and some quantities in their own unit, fractions as fractions. */
function runRows(members, chosen) {
  const shown = chosen.filter(({ key }) => key !== SEED);
  return [["run", "group", SEED, ...shown.map(({ key }) => key)], ...members.map((run) => [run.name, groupOfRun(run).label, run.seed, ...shown.map((one) => one.value(run))])];
}

/** The values of a run in words, for the tip. */
const runLines = (run, chosen) => chosen.map((quantity) => `${quantity.short}: ${quantity.write(quantity.value(run))}${quantity.unit === "%" && quantity.section !== "Results" ? " %" : ""}`);

function buildScatter() {
  const choices = ["x", "y"].map((name) => {
    const box = element("select", { id: `scatter-${name}`, onchange: ({ target }) => { state[name] = target.value; state.logs.delete(`scatter ${name}`); changed("look"); } },
      ...quantityOptions([], state[name]));
    const log = element("button", { type: "button", id: `scatter-log-${name}`, "aria-pressed": "false", "aria-label": `Logarithmic ${name} axis`,
      onclick: () => { state.logs.set(`scatter ${name}`, log.getAttribute("aria-pressed") !== "true"); changed("look"); } }, "log");
    return element("label", { class: "control" }, element("span", { class: "name" }, name === "x" ? "Across" : "Up"), box, log);
  });
  const swap = element("button", { type: "button", id: "scatter-swap", title: "Exchange the two axes", onclick: () => { [state.x, state.y] = [state.y, state.x]; changed("look"); } }, "Swap");
  byId("scatter-bar").replaceChildren(...choices, swap);
  addPanel(byId("scatter"), {
    name: "scatter", title: "Scatter", note: "A point a run", make: scatterFigure, words: scatterWords, rows: scatterRows, wanted: () => state.view === "scatter",
    size: { width: 860, height: 640 },
    drawn: (layout) => {
      for (const name of ["x", "y"]) {
        byId(`scatter-${name}`).value = state[name];
        const log = byId(`scatter-log-${name}`);
        log.setAttribute("aria-pressed", String(layout[`${name}axis`].type === "log"));
        log.disabled = !quantities.get(state[name]).ordered;
      }
      byId("scatter-hint").textContent = scatterWords(true);
    },
    listen: (plot) => {
      const under = ({ points: [point] }) => (point.data.meta === "runs" ? { run: scatterContent().spots[point.pointIndex]?.run } : { group: point.data.meta });
      plot.on("plotly_click", (event) => { const { run, group } = under(event); mark(group ?? (state.mode === "groups" ? groupOfRun(run).id : run.id)); });
      plot.on("plotly_hover", (event) => {
        const { run, group } = under(event);
        const chosen = [quantities.get(state.x), quantities.get(state.y), ...(colourScale() ? [colourScale().quantity] : [])];
        const colour = event.points[0].fullData.marker.color;
        if (run) showTip({ colour: Array.isArray(colour) ? event.points[0]["marker.color"] : colour, dash: "solid", name: run.name }, [...runLines(run, chosen), groupOfRun(run).label], event.event);
        else showTip({ colour, dash: "solid", name: groups.get(group).label }, [event.points[0].data.name.replace(/^.*\((n = .*)\)$/, "mean, $1"), `${number(event.points[0].x)}, ${number(event.points[0].y)}`], event.event);
      });
      plot.on("plotly_unhover", hideTip);
    },
  });
}
