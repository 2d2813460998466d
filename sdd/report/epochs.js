// Within the levels of one run: what was measured after its epochs, in the pane of the run.

const epochsShown = new Map(); // by run: { measure, levels }

function epochsSection(run) {
  const names = Object.keys(run.epochs.values);
  if (!epochsShown.has(run.id)) {
    const marks = new Set([0, run.phases.trough, run.phases.peak, run.level.at(-1)]);
    const marking = run.epochs.levels.filter((level) => marks.has(level));
    epochsShown.set(run.id, { measure: names[0], levels: new Set(marking.length ? marking : run.epochs.levels.slice(0, 4)) });
  }
  const shown = epochsShown.get(run.id);
  const button = (text, work) => element("button", { type: "button", "aria-label": `Epochs as ${text}`, onclick: work }, text);
  const choice = element("select", { "aria-label": "Measure within the levels", onchange: () => { shown.measure = choice.value; drawEpochs(run); } },
    ...names.map((name) => element("option", { value: name, selected: name === shown.measure }, columns.get(name)?.label ?? name)));
  return [
    element("div", { class: "head wraps" }, element("h3", {}, "Within the levels"), element("span", { class: "fill" }), choice, button("CSV", () => downloadEpochs(run)),
      ...["PNG", "SVG"].map((form) => button(form, () => {
        const { traces, layout } = epochsFigure(run, true);
        Plotly.downloadImage({ data: traces, layout }, { format: form.toLowerCase(), width: 860, height: 560, scale: form === "PNG" ? 2 : 1, filename: fileName(run.name, "epochs", shown.measure) });
      }))),
    element("div", { class: "plot", id: "plot-epochs", role: "img" }),
    element("div", { class: "levels", role: "group", "aria-label": "Levels whose epochs are drawn" }, ...run.epochs.levels.map((level) => element("button", {
      type: "button", "aria-pressed": String(shown.levels.has(level)), title: `${remainingText(remainingAt(run, level))} remaining weights`, onclick: ({ target }) => {
        if (!shown.levels.delete(level)) shown.levels.add(level);
        target.setAttribute("aria-pressed", String(shown.levels.has(level)));
        drawEpochs(run);
      } }, [level, levelName(run, level)].filter((part) => part !== "").join(" ")))),
    element("p", { class: "hint" }, `After each measured epoch of a level, to 4 digits. ${run.epochs.whole ? "" : `So that the page stays small it holds ${plural(run.epochs.levels.length, "level")} of ${run.epochs.measured}, those that mark the phases, and at most ${
      Math.max(...run.epochs.epochs.map((held) => held.length))} epochs of each. `}epochs.csv and distance_path.csv in the run's folder have all.`),
  ];
}

function epochsFigure(run, forFile = false) {
  const look = theme(forFile);
  const { measure, levels } = epochsShown.get(run.id);
  const column = columns.get(measure);
  const chosen = run.epochs.levels.map((level, index) => ({ level, index })).filter(({ level }) => levels.has(level));
  const traces = chosen.map(({ level, index }, order) => ({
    type: "scatter", mode: "lines", name: plotText(`level ${level}${levelName(run, level) ? `, ${levelName(run, level)}` : ""} (${remainingText(remainingAt(run, level))})`),
    x: run.epochs.epochs[index], y: run.epochs.values[measure][index].map((value) => (known(value) && column?.fraction ? 100 * value : value)), connectgaps: true, hovertemplate: "epoch %{x}: %{y:.4~g}<extra></extra>",
    line: { width: 2, color: paint({ share: chosen.length > 1 ? order / (chosen.length - 1) : 0.4 }, forFile), dash: DASHES[order % DASHES.length] },
  }));
  const title = column ? panelTitle(column) : measure;
  const words = `${run.name}: one run (n = 1); lines are levels, dark to light by level, remaining weights in brackets.`;
  return { traces, layout: { height: forFile ? 560 : 300, width: forFile ? 860 : undefined, margin: { l: 62, r: 10, t: forFile ? titleHeight(words) + 10 : 12, b: 44 }, paper_bgcolor: look.paper, plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 12, color: look.text }, showlegend: true, legend: LEGEND, title: forFile ? fileTitle(`${title} within the levels`, words) : undefined, hovermode: "closest",
    xaxis: { ...plainAxis(look, forFile), automargin: true, title: axisName("Epoch of the level", look, forFile) },
    yaxis: { ...plainAxis(look, forFile), automargin: true, exponentformat: "power", title: axisName(title, look, forFile) } } };
}

function drawEpochs(run) {
  const plot = byId("plot-epochs");
  const { traces, layout } = epochsFigure(run);
  Plotly.react(plot, traces, { ...layout, width: plot.clientWidth }, PLOT);
  const { measure } = epochsShown.get(run.id);
  const told = traces.map(({ name, x, y }) => {
    const there = x.map((epoch, index) => [epoch, y[index]]).filter(([, value]) => known(value));
    if (!there.length) return `${name}: no value`;
    const [[first, from], [last, to]] = [there[0], there.at(-1)];
    return `${name}: from ${number(from)} at epoch ${first} to ${number(to)} at epoch ${last}`;
  });
  const title = columns.has(measure) ? panelTitle(columns.get(measure)) : measure;
  plot.setAttribute("aria-label", `Line chart of ${title} after the epochs of ${plural(traces.length, "level")}. ${told.join("; ").replace(/&#37;/g, "%")}. CSV has all values.`);
}

function downloadEpochs(run) {
  const { levels, epochs, values } = run.epochs;
  const names = Object.keys(values);
  const rows = levels.flatMap((level, index) => epochs[index].map((epoch, step) => [run.name, level, at(run, run.sparsity, level), epoch, ...names.map((name) => values[name][index][step])]));
  save(`${fileName(run.name, "epochs")}.csv`, csvText([["run", "level", "sparsity", "epoch", ...names], ...rows]));
}
