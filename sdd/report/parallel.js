// Parallel axes: a vertical axis a quantity, a line a run. Ranges on the axes ("brushes") keep the runs that lie in all of them.

const USUAL_AXES = ["test_acc@dense", "test_acc@trough", "test_acc@peak", "test_acc@highest", "depth", "gain", "remaining@peak"];
const MOST_AXES = 14;
const LEAST_WIDTH = 76; // of an axis; a plot that is wider than the page scrolls
const ABSENT = -0.11; // where a run crosses an axis on which it has no value
const TOP = 74;
const BOTTOM = 34;

function usualAxes() {
  const there = new Set(telling.map(({ key }) => key));
  const settings = data.differing.filter((name) => there.has(name) && new Set(curveRuns.map((run) => quantities.get(name).value(run))).size > 1);
  return [...settings.slice(0, 8), ...USUAL_AXES.filter((key) => there.has(key))].slice(0, MOST_AXES);
}

/** An axis of the plot: where a value stands, from 0 to 1, and which values are written. */
function upright(key) {
  const quantity = quantities.get(key);
  const values = [...new Set(curveRuns.map((run) => quantity.value(run)).filter(known))].sort((one, other) => compare(one, other, false));
  if (!quantity.ordered) {
    const share = (value) => (values.length > 1 ? values.indexOf(value) / (values.length - 1) : 0.5);
    return { key, quantity, values, share, ticks: values.map((value) => [share(value), cut(quantity.write(value), 14)]) };
  }
  const [low, high] = [values[0] ?? 0, values.at(-1) ?? 1];
  const log = wantsLog(values);
  const share = (value) => (high > low ? shareOf(value, [low, high], log) : 0.5);
  const value = (part) => (log ? low * (high / low) ** part : low + part * (high - low));
  const few = values.length <= FEW;
  const marks = few ? values : niceTicks(quantity.factor * low, quantity.factor * high, 5, log).map((tick) => tick / quantity.factor);
  return { key, quantity, values, low, high, share, value, ticks: marks.map((tick) => [share(tick), quantity.write(tick).replace(/ %$/, "")]) };
}

/** Round numbers from low to high: about so many, or ones, twos and fives on a logarithmic axis. */
function niceTicks(low, high, count, log = false) {
  if (log) {
    const powers = Array.from({ length: Math.ceil(Math.log10(high)) - Math.floor(Math.log10(low)) + 1 }, (_, index) => Math.floor(Math.log10(low)) + index);
    const factors = powers.length > 4 ? [1] : [1, 2, 5];
    return powers.flatMap((power) => factors.map((factor) => factor * 10 ** power)).filter((value) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9));
  }
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((one) => one >= rough);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(high / step + 1e-9) - first + 1) }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** Whether a run lies in all ranges chosen; one without a value lies in none. */
function kept(run) {
  return [...state.brush].every(([key, chosen]) => {
    const quantity = quantities.get(key);
    const value = quantity.value(run);
    return quantity.ordered ? known(value) && value >= chosen[0] && value <= chosen[1] : chosen.includes(value);
  });
}

function brushFrom(text) {
  try {
    const given = Object.entries(JSON.parse(text ?? "{}"));
    return new Map(given.filter(([key, chosen]) => quantities.has(key) && Array.isArray(chosen) && (!quantities.get(key).ordered || (chosen.length === 2 && chosen.every(Number.isFinite)))));
  } catch {
    return new Map(); // not written by this page
  }
}

function brush(key, chosen) {
  if (chosen === null) state.brush.delete(key);
  else state.brush.set(key, chosen);
  changed("brush");
}

const shownAxes = () => state.axes.filter((key) => quantities.has(key)).map(upright);
const parallelWidth = (width, count) => (onPaper ? width : Math.max(width, LEAST_WIDTH * count));

function parallelFigure(place_width, forFile = false) {
  const axes = shownAxes();
  const members = pickedRuns();
  const look = theme(forFile);
  const width = forFile ? Math.max(860, 110 * axes.length) : parallelWidth(place_width, axes.length);
  const colours = runColours();
  const someMarked = members.some(isMarked);
  const looks = new Map();
  for (const run of members) {
    const pale = !kept(run) || (someMarked && !isMarked(run));
    const colour = pale ? look.muted : paint(colours.get(run.id), forFile);
    const key = `${pale} ${colour} ${isMarked(run)}`;
    if (!looks.has(key)) looks.set(key, { pale, colour, marked: isMarked(run), members: [] });
    looks.get(key).members.push(run);
  }
  const lines = [...looks.values()].sort((one, other) => Number(other.pale) - Number(one.pale)).map(({ pale, colour, marked, members: alike }) => {
    const trace = {
      type: "scatter", mode: "lines", meta: pale ? "pale" : "kept", name: "runs", hoverinfo: pale ? "skip" : "none", showlegend: false,
      x: alike.flatMap(() => [...axes.keys(), null]),
      y: alike.flatMap((run) => [...axes.map(({ quantity, share }) => (known(quantity.value(run)) ? share(quantity.value(run)) : ABSENT)), null]),
      line: { color: colour, width: marked ? 3 : members.length > 60 ? 1.2 : 1.7 }, opacity: pale ? 0.13 : 0.8,
    };
    sources.set(trace, (index) => alike[Math.floor(index / (axes.length + 1))]);
    return trace;
  });
  const words = parallelWords(true);
  const inner = width - 20;
  const room = Math.floor(inner / Math.max(axes.length, 1) / 6.4);
  const absent = members.some((run) => axes.some(({ quantity }) => !known(quantity.value(run))));
  const text = (size, colour) => ({ size, color: colour });
  return { data: [...lines, ...(forFile ? scatterLegend() : [])], layout: {
    width, height: forFile ? undefined : 430, margin: { l: 10, r: 10, t: forFile ? titleHeight(words) + TOP : TOP, b: forFile ? 70 : BOTTOM }, paper_bgcolor: look.paper, plot_bgcolor: "rgba(0,0,0,0)", showlegend: forFile, legend: LEGEND,
    font: { family: FONT, size: 12, color: look.text }, hovermode: "closest", dragmode: false, title: forFile ? fileTitle("Runs over settings and results", words) : undefined,
    xaxis: { range: [-0.5, axes.length - 0.5], visible: false, fixedrange: true }, yaxis: { range: [absent ? ABSENT - 0.04 : -0.04, 1.04], visible: false, fixedrange: true },
    shapes: axes.flatMap(({ key, share, quantity }, index) => [
      { type: "line", x0: index, x1: index, y0: 0, y1: 1, line: { color: look.muted, width: 1 } },
      ...(state.brush.has(key) && quantity.ordered ? [{ type: "rect", xref: "x", x0: index - 0.07, x1: index + 0.07, y0: Math.max(0, share(state.brush.get(key)[0])), y1: Math.min(1, share(state.brush.get(key)[1])),
        fillcolor: lightness(forFile) === "light" ? "rgba(0,95,153,0.25)" : "rgba(108,182,234,0.3)", line: { width: 1, color: look.text } }] : []),
    ]),
    annotations: [
      ...axes.map(({ quantity }, index) => ({ x: index, y: 1, yref: "paper", yshift: index % 2 ? 30 : 6, yanchor: "bottom", showarrow: false, font: text(11.5, look.text),
        text: plotText(cut(quantity.short + (quantity.unit ? ` (${quantity.unit})` : ""), 2 * room - 2)) })),
      ...axes.flatMap(({ ticks }, index) => spaced(ticks).map(([y, label]) => ({ x: index, y, xanchor: "left", xshift: 3, showarrow: false, font: text(10.5, look.text),
        bgcolor: lightness(forFile) === "light" ? "rgba(255,255,255,0.72)" : "rgba(27,31,36,0.72)", borderpad: 0, text: plotText(cut(label, room)) }))),
      ...(absent ? [{ x: 0, y: ABSENT, xanchor: "left", xshift: -8, yshift: -9, showarrow: false, font: text(10.5, look.muted), text: "no value" }] : []),
    ],
  } };
}

/** Ticks that do not run into each other. */
function spaced(ticks) {
  const taken = [];
  return ticks.filter(([y]) => (taken.some((other) => Math.abs(other - y) < 0.045) ? false : (taken.push(y), true)));
}

function parallelWords(short = false) {
  const members = pickedRuns();
  const inside = members.filter(kept);
  const ranges = [...state.brush].map(([key, chosen]) => brushWords(quantities.get(key), chosen));
  const counted = ranges.length ? ` ${inside.length} of ${members.length} lie in the ranges chosen (${ranges.join("; ")}); the others are grey.` : "";
  const words = `Each line is one run (n = ${members.length}); logarithmic axes where values span more than 20-fold.${counted}${colourWords()}`;
  if (short) return words;
  return `Parallel axes: ${shownAxes().map(({ quantity, low, high, values }) => (quantity.ordered ? `${quantity.label} from ${quantity.write(low ?? null)} to ${quantity.write(high ?? null)}` : `${quantity.label}, ${plural(values.length, "value")}`)).join("; ")}. ${words} The button Table shows all values.`;
}

const brushWords = (quantity, chosen) => `${quantity.short} ${quantity.ordered ? chosen.map(quantity.write).join(" to ") : chosen.join(" or ")}`;

/** The ranges by keyboard: two sliders an axis of numbers, a tick for each other value. */
function drawBrushes() {
  const focused = document.activeElement?.id;
  byId("brushes").replaceChildren(...shownAxes().map((axis) => element("fieldset", { class: "brush-of" }, element("legend", { title: axis.quantity.label }, axis.quantity.short),
    ...(axis.quantity.ordered ? sliders(axis) : ticksOf(axis)))));
  settleBrushes();
  if (focused) byId(focused)?.focus({ preventScroll: true });
}

function sliders(axis) {
  const make = (end, words) => element("input", { type: "range", min: 0, max: 1, step: 0.005, id: `brush-${axis.key}-${end}`, "data-axis": axis.key, "data-end": end,
    "aria-label": `${axis.quantity.label}, ${words}`, oninput: () => slid(axis) });
  return [make("low", "at least"), make("high", "at most"), element("output", { "data-of": axis.key })];
}

function slid(axis) {
  const [low, high] = ["low", "high"].map((end) => byId(`brush-${axis.key}-${end}`).valueAsNumber);
  const ends = [Math.min(low, high), Math.max(low, high)];
  brush(axis.key, ends[0] <= 0 && ends[1] >= 1 ? null : [ends[0] <= 0 ? axis.low : axis.value(ends[0]), ends[1] >= 1 ? axis.high : axis.value(ends[1])]);
}

function ticksOf(axis) {
  return axis.values.map((value, index) => element("label", { class: "check" }, element("input", { type: "checkbox", id: `brush-${axis.key}-${index}`, "data-axis": axis.key, "data-value": value, onchange: () => {
    const boxes = [...byId("brushes").querySelectorAll("input[type=checkbox]")].filter((box) => box.dataset.axis === axis.key);
    brush(axis.key, boxes.every((box) => box.checked) ? null : boxes.filter((box) => box.checked).map((box) => box.dataset.value));
  } }), cut(axis.quantity.write(value), 22)));
}

/** Set sliders and ticks to what is chosen. */
function settleBrushes() {
  const members = pickedRuns();
  for (const axis of shownAxes()) {
    const chosen = state.brush.get(axis.key);
    if (!axis.quantity.ordered) {
      for (const box of byId("brushes").querySelectorAll("input[type=checkbox]")) if (box.dataset.axis === axis.key) box.checked = !chosen || chosen.includes(box.dataset.value);
      continue;
    }
    const ends = chosen ?? [axis.low, axis.high];
    for (const [index, end] of ["low", "high"].entries()) {
      const slider = byId(`brush-${axis.key}-${end}`);
      if (!slider) continue;
      if (slider !== document.activeElement || !chosen) slider.value = String(chosen ? axis.share(ends[index]) : index);
      slider.setAttribute("aria-valuetext", axis.quantity.write(ends[index]));
    }
    const said = [...byId("brushes").querySelectorAll("output")].find((one) => one.dataset.of === axis.key);
    if (said) said.textContent = `${axis.quantity.write(ends[0])} – ${axis.quantity.write(ends[1])}`;
  }
  const inside = members.filter(kept);
  byId("kept").textContent = state.brush.size ? `${inside.length} of ${plural(members.length, "run")} kept` : "";
  byId("brush-clear").disabled = !state.brush.size;
  byId("brush-pick").disabled = !state.brush.size || !inside.length;
}

/** Strips over the axes on which the mouse drags a range. */
function overlayAxes(panel) {
  const axes = shownAxes();
  const place = panel.plot.parentElement;
  for (const old of place.querySelectorAll(".brush-strip")) old.remove();
  const { _size: size } = panel.plot._fullLayout;
  const [least, most] = panel.plot._fullLayout.yaxis.range;
  const pixel = (share) => size.t + size.h * (1 - (share - least) / (most - least));
  for (const [index, axis] of axes.entries()) {
    if (!axis.quantity.ordered) continue;
    const centre = size.l + (size.w * (index + 0.5)) / axes.length;
    const strip = element("div", { class: "brush-strip", title: `Drag to keep a range of: ${axis.quantity.label}; double-click: all`, style: {
      left: `${centre - 9}px`, top: `${pixel(1)}px`, width: "18px", height: `${pixel(0) - pixel(1)}px` } });
    let from = null;
    const shareUnder = ({ clientY }) => { const box = strip.getBoundingClientRect(); return Math.min(1, Math.max(0, 1 - (clientY - box.top) / box.height)); };
    const chosen = (event) => [from, shareUnder(event)].sort((one, other) => one - other);
    strip.addEventListener("pointerdown", (event) => { from = shareUnder(event); strip.setPointerCapture(event.pointerId); event.preventDefault(); });
    strip.addEventListener("pointermove", (event) => {
      if (from === null) return;
      const [low, high] = chosen(event);
      strip.style.background = `linear-gradient(to top, transparent ${100 * low}%, var(--mark) ${100 * low}% ${100 * high}%, transparent ${100 * high}%)`;
    });
    strip.addEventListener("pointerup", (event) => {
      if (from === null) return;
      const [low, high] = chosen(event);
      from = null;
      strip.style.background = "";
      brush(axis.key, high - low < 0.01 ? null : [axis.value(low), axis.value(high)]);
    });
    place.append(strip);
  }
}

function drawAxesMenu() {
  const chosen = new Set(state.axes);
  const sections = new Map();
  for (const quantity of telling) {
    if (!sections.has(quantity.section)) sections.set(quantity.section, []);
    sections.get(quantity.section).push(element("label", { class: "check" }, element("input", { type: "checkbox", value: quantity.key, checked: chosen.has(quantity.key), onchange: ({ target }) => {
      state.axes = target.checked ? [...state.axes, quantity.key] : state.axes.filter((key) => key !== quantity.key);
      state.brush.delete(quantity.key);
      drawBrushes();
      changed("brush");
    } }), quantity.label));
  }
  byId("axes-list").replaceChildren(...[...sections].flatMap(([label, boxes]) => [element("b", {}, label), ...boxes]));
}

function buildParallel() {
  byId("brush-clear").addEventListener("click", () => { state.brush.clear(); changed("brush"); });
  byId("brush-pick").addEventListener("click", () => {
    const inside = pickedRuns().filter(kept);
    state.mode = "runs";
    state.runs = new Set(inside.map((run) => run.id));
    state.brush.clear();
    changed("pick");
  });
  const panel = addPanel(byId("parallel"), {
    name: "parallel", title: "Parallel axes", note: "A line a run", make: parallelFigure, words: parallelWords, wanted: () => state.view === "parallel",
    rows: () => runRows(pickedRuns().filter(kept), state.axes.map((key) => quantities.get(key))),
    size: { width: 1100, height: 560 },
    drawn: () => { overlayAxes(panel); byId("parallel-hint").replaceChildren(parallelWords(true), onScreen("Drag along an axis, or use the sliders, to keep a range.")); },
    listen: (plot) => {
      const under = ({ points: [point] }) => sources.get(point.data)?.(point.pointIndex);
      plot.on("plotly_click", (event) => { const run = under(event); if (run) mark(state.mode === "groups" ? groupOfRun(run).id : run.id); });
      plot.on("plotly_hover", (event) => {
        const run = under(event);
        if (run) showTip({ colour: event.points[0].fullData.line.color, dash: "solid", name: run.name }, runLines(run, state.axes.map((key) => quantities.get(key))), event.event);
      });
      plot.on("plotly_unhover", hideTip);
    },
  });
}
