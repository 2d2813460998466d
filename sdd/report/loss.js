// The loss around the weights of one run's levels, in the pane of the run.

/** The levels whose loss curves are drawn at first: the measured ones nearest to dense, trough, peak and last. */
function firstLossLevels(run) {
  const measured = run.loss.levels;
  const nearest = (aim) => measured.reduce((best, level) => (Math.abs(level - aim) < Math.abs(best - aim) ? level : best));
  return new Set([0, run.phases.trough, run.phases.peak, run.level.at(-1)].filter(known).map(nearest));
}

const lossLevels = new Map();

function lossSection(run) {
  if (!lossLevels.has(run.id)) lossLevels.set(run.id, firstLossLevels(run));
  const chosen = lossLevels.get(run.id);
  const button = (text, work) => element("button", { type: "button", "aria-label": `Loss curves as ${text}`, onclick: work }, text);
  return [
    element("div", { class: "head" }, element("h3", {}, "Loss along random directions"), element("span", { class: "fill" }),
      button("CSV", () => downloadLoss(run)),
      ...["PNG", "SVG"].map((form) => button(form, () => {
        const { traces, layout } = lossFigure(run, true);
        Plotly.downloadImage({ data: traces, layout }, { format: form.toLowerCase(), width: 860, height: 560, scale: form === "PNG" ? 2 : 1,
          filename: fileName(run.name, "loss_curves") });
      }))),
    element("div", { class: "plot", id: "plot-loss", role: "img" }),
    element("div", { class: "levels", role: "group", "aria-label": "Levels drawn" }, ...run.loss.levels.map((level, index) => element("button", {
      type: "button", "aria-pressed": String(chosen.has(level)), title: `${sparsityText(at(run, run.sparsity, level))} sparsity`, onclick: ({ target }) => {
        if (!chosen.delete(level)) chosen.add(level);
        target.setAttribute("aria-pressed", String(chosen.has(level)));
        drawLoss(run);
      } }, [level, levelName(run, level)].filter((part) => part !== "").join(" ")))),
    element("p", { class: "hint" }, "Training loss at the level's weights plus a step along a random direction: mean over directions and one standard deviation to each side. This page holds them to 4 digits, and their spread to 2; loss_curves.csv has all."),
  ];
}

function lossFigure(run, forFile = false) {
  const look = theme(forFile);
  const chosen = run.loss.levels.map((level, index) => ({ level, index })).filter(({ level }) => lossLevels.get(run.id).has(level));
  const values = chosen.flatMap(({ index }) => run.loss.mean[index].filter(known));
  const log = Math.min(...values) > 0 && Math.max(...values) > 20 * Math.min(...values);
  const traces = chosen.flatMap(({ level, index }, order) => {
    const colour = paint({ share: chosen.length > 1 ? order / (chosen.length - 1) : 0.4 }, forFile);
    const one = { x: run.loss.alpha, y: run.loss.mean[index], spread: run.loss.sd[index], colour, opacity: 1 };
    const part = levelName(run, level);
    const name = `${remainingText(remainingAt(run, level))} remaining${part ? `, ${part}` : ""}`;
    return [bandTrace(one, log), { type: "scatter", mode: "lines", name: plotText(name), x: one.x, y: one.y,
      line: { color: one.colour, dash: DASHES[order % DASHES.length], width: 2 }, hovertemplate: `${plotText(name)}, level ${level}<br>step %{x}: loss %{y:.4~g}<br>mean of ${plural(run.loss.directions[index], "direction")}<extra></extra>` }].filter(Boolean);
  });
  const axis = plainAxis(look, forFile);
  const range = [Math.min(...values), Math.max(...values)].map(Math.log10).map((edge, side) => edge + (side ? 0.15 : -0.15));
  const counts = chosen.map(({ index }) => run.loss.directions[index]);
  const words = `${run.name}: lines are means over random directions (n = ${Math.min(...counts) === Math.max(...counts) ? counts[0] : `${Math.min(...counts)} to ${Math.max(...counts)}`}), bands one standard deviation to each side; a colour a level, dark to light by level.`;
  return { traces, layout: { height: forFile ? 560 : 300, margin: { l: 62, r: 10, t: forFile ? titleHeight(words) + 10 : 10 }, paper_bgcolor: look.paper,
    plot_bgcolor: "rgba(0,0,0,0)", font: { family: FONT, size: 12, color: look.text }, hovermode: "closest", dragmode: false,
    legend: LEGEND, showlegend: true, title: forFile ? fileTitle("Training loss around the weights", words) : undefined,
    xaxis: { ...axis, automargin: true, title: axisName("Step along the direction", look, forFile) },
    yaxis: { ...axis, ...(log ? { type: "log", range, ...logTicks(range) } : {}), exponentformat: "power", title: axisName("Training loss", look, forFile) } } };
}

function drawLoss(run) {
  const plot = byId("plot-loss");
  const { traces, layout } = lossFigure(run);
  Plotly.react(plot, traces, { ...layout, width: plot.clientWidth }, PLOT);
  const levels = [...lossLevels.get(run.id)].sort((one, other) => one - other);
  plot.setAttribute("aria-label", `Training loss along random directions around the weights of ${plural(levels.length, "level")}: ${levels.map((level) => {
    const index = run.loss.levels.indexOf(level);
    const middle = run.loss.alpha.findIndex((alpha) => alpha === 0);
    return `level ${level}, ${number(run.loss.mean[index][middle] ?? null)} at the weights, ${number(run.loss.mean[index].at(-1))} at step ${run.loss.alpha.at(-1)}`;
  }).join("; ")}. CSV has all values.`);
}

function downloadLoss(run) {
  const { loss } = run;
  const rows = loss.levels.flatMap((level, index) => loss.alpha.map((alpha, step) => [run.name, level, at(run, run.sparsity, level), alpha,
    loss.mean[index][step], loss.sd[index][step], loss.directions[index]]).filter((row) => known(row[4])));
  save(`${fileName(run.name, "loss_curves")}.csv`, csvText([["run", "level", "sparsity", "alpha", "loss_mean", "loss_sd", "directions"], ...rows]));
}
