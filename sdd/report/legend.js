// The curves in words and colours, for all panels together, and what the colours say.

const CHIPS = 24; // more than so many are folded away

/** Pressing a curve highlights it in every view. */
function drawLegend() {
  const curves = pickedCurves();
  const chips = curves.map((curve) => element("button", { type: "button", class: "chip", "data-id": curve.id, title: curve.label,
    "aria-pressed": String(state.marked === curve.id), "aria-label": [curve.label, curve.note].filter(Boolean).join(", "), onclick: () => mark(curve.id) },
  swatch(paint(curve.style.colour), curve.style.dash), element("span", { class: "label" }, curve.short), curve.note ? element("small", {}, curve.note) : null));
  const shaded = state.view === "curves" ? phaseCurve(curves) : null;
  const phases = shaded ? element("span", { class: "phases" }, `phases of ${curves.length === 1 ? "the curve" : shaded.short}:`,
    ...SHADES.map((name, index) => element("span", {}, element("i", { style: { background: theme(false).shades[index] } }), name)))
    : null;
  const marks = state.view === "curves" && curves.some((curve) => known(curve.phases.trough))
    ? element("span", { class: "phases" }, "▼ trough ▲ peak") : null;
  const what = state.mode === "groups" ? "group" : "run";
  const folded = curves.length > CHIPS;
  const open = byId("legend").querySelector("details")?.open ?? false;
  const shown = folded ? [element("details", { open }, element("summary", {}, `${plural(curves.length, what)}: highlight one`), element("div", { class: "chips" }, ...chips))] : chips;
  byId("legend").replaceChildren(...[colourKeyShown(curves), ...shown, marks, phases].filter(Boolean));
  byId("panels-hint").replaceChildren(...(state.view === "curves" ? [drawnWords(curves), curves.length ? onScreen("Drag to zoom, double-click to go back, click a curve to highlight it.") : ""] : []));
}

/** What to do with a figure, which is of no use on paper. */
const onScreen = (text) => element("span", { class: "on-screen" }, ` ${text}`);

/** What each colour means: a bar of the palette, or its values one by one. */
function colourKeyShown(curves) {
  const scale = colourScale();
  if (!scale) return null;
  const { quantity } = scale;
  const name = element("b", { title: quantity.label }, quantity.short);
  if (!scale.few) {
    const [low, high] = scale.ends;
    const middle = scale.log ? Math.sqrt(low * high) : (low + high) / 2;
    const stops = Array.from({ length: 9 }, (_, index) => paint({ share: index / 8 })).join(", ");
    return element("span", { class: "key" }, name, element("span", {}, quantity.write(low)), element("i", { class: "ramp", style: { background: `linear-gradient(90deg, ${stops})` }, title: `middle: ${quantity.write(middle)}` }),
      element("span", {}, [quantity.write(high), quantity.unit === "%" && quantity.write(high).endsWith("%") ? "" : quantity.unit, scale.log ? "(logarithmic)" : ""].filter(Boolean).join(" ")));
  }
  const told = curves.length <= CHIPS && groupNames().length === 1 && groupNames()[0] === quantity.key && state.mode === "groups";
  if (told) return element("span", { class: "key" }, element("span", {}, "colour:"), name);
  return element("span", { class: "key" }, name, ...scale.entries.slice(0, 24).flatMap(({ value, colour }) => [swatch(paint(colour), "solid"), element("span", {}, cut(quantity.write(value), 24))]),
    scale.entries.length > 24 ? `and ${scale.entries.length - 24} more` : "");
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

function mark(id) {
  state.marked = !id || state.marked === id ? null : id;
  changed("mark");
}
