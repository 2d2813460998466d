// What is known of one run or one group, in a pane beside the page.

let opener_focus = null;

function openDetail(id) {
  opener_focus = document.activeElement;
  state.open = state.open === id && !byId("detail").hidden ? null : id;
  changed("open");
  if (state.open) byId("detail").focus({ preventScroll: true });
}

function closeDetail() {
  state.open = null;
  changed("open");
  opener_focus?.focus?.({ preventScroll: true });
}

function drawDetail() {
  const pane = byId("detail");
  const shown = runs.get(state.open) ?? groups.get(state.open);
  pane.hidden = !shown;
  document.body.classList.toggle("aside", Boolean(shown));
  if (!shown) { pane.replaceChildren(); pane.dataset.id = ""; return; }
  if (pane.dataset.id === shown.id) return;
  pane.dataset.id = shown.id;
  pane.replaceChildren(
    element("div", { class: "head" }, element("h2", {}, shown.name ?? shown.label), element("span", { class: "fill" }),
      element("button", { type: "button", class: "close", "aria-label": "Close details (Escape)", onclick: closeDetail }, "×")),
    ...(runs.has(shown.id) ? runDetail(shown) : groupDetail(shown)));
  pane.scrollTop = 0;
  if (shown.loss) drawLoss(shown);
}

/** The plot in the pane in the width and the colours that it has now. */
function redrawDetail() {
  const shown = runs.get(state.open);
  if (shown?.loss) drawLoss(shown);
}

function runDetail(run) {
  const path = run.href ? element("a", { href: run.href }, run.path) : run.path;
  return [
    element("p", { class: "path" }, path),
    element("p", {}, stateCell(run)),
    ...run.notes.map((note) => element("p", { class: "hint" }, note)),
    run.phases ? facts([
      ["group", groups.get(run.group).label],
      ["seed", known(run.seed) ? String(run.seed) : MISSING],
      ["verdict", run.phases.double_descent ? "double descent" : `${verdictText(run)}: ${run.phases.reason}`],
      ["dense", `${percent(accuracyAt(run, 0))} %`],
      ...["trough", "peak"].filter((name) => known(run.phases[name])).map((name) => [name,
        `${percent(accuracyAt(run, run.phases[name]))} % at ${sparsityText(at(run, run.sparsity, run.phases[name]))} sparsity, level ${run.phases[name]}`]),
      ...(known(run.depth) ? [["depth, gain", `${points(run.depth)}, ${points(run.gain)} points`]] : []),
      ["Spearman's ρ", rhoList((name) => run.spearman[name])],
      ...Object.entries(STRETCHES).filter(([stretch]) => correlated.some(({ name }) => known(run.phase_spearman[name]?.[stretch])))
        .map(([stretch, words]) => [`ρ, ${words}`, rhoList((name) => run.phase_spearman[name]?.[stretch])]),
      ...(run.turning_point ? [["turning point of distance", turnText(run.turning_point)]] : []),
      ...(run.noise ? [["wrong labels", `${run.noise.wrong} of ${run.noise.examples} (${percent(run.noise.noise_rate)} %)`]] : []),
      ["time", duration(run.seconds)],
    ]) : null,
    run.noise?.wrong && run.noise.transitions ? transitionTable(run.noise.transitions) : null,
    run.parts.length ? partTable(run) : null,
    ...(run.loss ? lossSection(run) : run.phases ? [element("p", { class: "hint" }, "No loss curves: the run was made without --flatness.loss_curves true.")] : []),
    ...settingsSection(run),
    ...run.environments.flatMap((index) => [element("h3", {}, "Environment"), facts(Object.entries(data.environments[index])
      .map(([name, value]) => [name, settingText(value)]))]),
  ].filter(Boolean);
}

/** Correlations of all measures that have one. */
const rhoList = (of) => correlated.filter(({ name }) => known(of(name))).map(({ name }) => `${name} ${rho(of(name))}`).join(", ") || MISSING;

/** Where a run's learning distance is largest, and how far from the trough that is. */
function turnText(turn) {
  const place = `level ${turn.level}, ${sparsityText(turn.sparsity)} sparsity`;
  if (!turn.turns) return `none inside the curve; largest at ${place}`;
  const from = turn.levels_from_trough;
  const where = !known(from) ? "" : from === 0 ? ", the trough's level" : `, ${plural(Math.abs(from), "level")} ${from > 0 ? "after" : "before"} the trough`;
  return `${number(turn.value)} at ${place}${where}`;
}

const facts = (pairs) => element("dl", {}, ...pairs.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));

/** How many training examples of each true class (rows) have each label (columns). */
function transitionTable(counts) {
  const classes = counts.map((_, label) => String(label));
  const cells = (row) => row.map((count) => element("td", { class: "numeric" }, String(count)));
  return element("details", { class: "parts" }, element("summary", {}, "Labels of each true class"), element("table", {},
    element("thead", {}, element("tr", {}, element("th", {}, "true"), ...classes.map((name) => element("th", { class: "numeric" }, name)))),
    element("tbody", {}, ...counts.map((row, label) => element("tr", {}, element("th", {}, classes[label]), ...cells(row))))));
}

function partTable(run) {
  return element("details", { class: "parts" }, element("summary", {}, plural(run.parts.length, "folder")), element("table", {},
    element("tbody", {}, ...run.parts.map((part) => element("tr", {}, element("td", { class: "numeric" }, known(part.sparsity) ? sparsityText(part.sparsity) : "dense"),
      element("td", {}, part.href ? element("a", { href: part.href }, part.name) : part.name), element("td", {}, stateCell({ ...part, parts: [] })))))));
}

/** All settings, those in which runs differ first, with a filter. */
function settingsSection(run) {
  if (!run.configured) return [];
  const all = Object.entries({ ...data.shared, ...run.settings }).sort(([one], [other]) => words_in_order.compare(one, other));
  const ordered = [...all.filter(([name]) => data.differing.includes(name)), ...all.filter(([name]) => !data.differing.includes(name))];
  const lines = ordered.map(([name, value]) => element("tr", { class: data.differing.includes(name) ? "differing" : null },
    element("th", { scope: "row" }, name), element("td", {}, settingText(value))));
  const filter = element("input", { type: "search", placeholder: "Filter settings", "aria-label": "Filter settings", autocomplete: "off",
    spellcheck: "false", oninput: () => { for (const line of lines) line.hidden = !line.textContent.toLowerCase().includes(filter.value.toLowerCase()); } });
  return [element("div", { class: "head" }, element("h3", {}, "Configuration"),
    element("p", { class: "hint" }, data.differing.length ? "what differs between the runs comes first" : ""), element("span", { class: "fill" }), filter),
  element("table", { class: "settings" }, element("tbody", {}, ...lines))];
}

function groupDetail(group) {
  const differing = Object.entries(group.differing);
  return [
    facts([
      ["seeds", String(group.runs.length)],
      ["double descent", [groupVerdict(group) + (known(group.intervals.depth.low) ? ", at 95 % over seeds" : ""), group.intervals.reason].filter(Boolean).join("; ")],
      ["mean curve", group.phases.double_descent ? "double descent" : `${known(group.phases.double_descent) ? "none" : "not decided"}: ${group.phases.reason}`],
      ...["depth", "gain"].filter((name) => known(group.intervals[name].estimate)).map((name) => [name,
        `${points(group.intervals[name].estimate)} points ${interval(group.intervals[name], points)}`]),
      ...(group.turning_point.seeds ? [["turning point of distance", groupTurnText(group.turning_point)]] : []),
    ]),
    ...group.notes.map((note) => element("p", { class: "hint" }, note)),
    element("h3", {}, "Correlation of test accuracy with"),
    element("table", {}, element("thead", {}, element("tr", {}, ...["measure", "all levels", ...Object.values(STRETCHES)].map((text, index) =>
      element("th", { scope: "col", class: index ? "numeric" : null }, text)))),
    element("tbody", {}, ...correlated.filter(({ name }) => known(group.correlations[name]?.within.estimate)).map(({ name }) => {
      const found = group.correlations[name];
      return element("tr", {}, element("th", { scope: "row" }, name), ...["within", ...Object.keys(STRETCHES)].map((part) =>
        element("td", { class: "numeric" }, `${rho(found[part]?.estimate)} ${interval(found[part], rho)}`.trim())));
    }))),
    element("p", { class: "hint" }, "Spearman's ρ over levels, mean over seeds and its 95 % interval; each seed between its own dense level, trough and peak."),
    ...(differing.length ? [element("h3", {}, "Settings in which groups differ"), facts(differing.map(([name, value]) => [name, settingText(value)]))] : []),
    element("h3", {}, "Runs"),
    element("ul", {}, ...runsOf.get(group.id).map((run) => element("li", {}, opener(run, run.name), " ", stateCell(run)))),
  ];
}

/** Where the learning distance turns against the trough, over the seeds in which it does. */
function groupTurnText(turn) {
  const inside = `inside the curve in ${turn.turning} of ${plural(turn.seeds, "seed")}`;
  const { levels_from_trough: from, sparsity_from_trough: sparsity } = turn;
  if (!from.seeds) return inside;
  const levels = (value) => minus(value.toFixed(1));
  return `${inside}; ${levels(from.estimate)} levels ${interval(from, levels)} and ${points(sparsity.estimate)} points of sparsity ${interval(sparsity, points)} from the trough`;
}

/** The levels whose loss curves are drawn at first: the measured ones nearest to dense, trough, peak and last. */
function firstLossLevels(run) {
  const measured = run.loss.levels;
  const nearest = (aim) => measured.reduce((best, level) => (Math.abs(level - aim) < Math.abs(best - aim) ? level : best));
  return new Set([0, run.phases.trough, run.phases.peak, run.level.at(-1)].filter(known).map(nearest));
}

const lossLevels = new Map();

function levelName(run, level) {
  if (level === 0) return "dense";
  return level === run.phases.trough ? "trough" : level === run.phases.peak ? "peak" : level === run.level.at(-1) ? "last" : "";
}

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
    element("div", { class: "plot", id: "plot-loss" }),
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
  const colours = palette(forFile);
  const values = chosen.flatMap(({ index }) => run.loss.mean[index].filter(known));
  const log = Math.min(...values) > 0 && Math.max(...values) > 20 * Math.min(...values);
  const traces = chosen.flatMap(({ level, index }, order) => {
    const style = slotStyle(order);
    const one = { x: run.loss.alpha, y: run.loss.mean[index], spread: run.loss.sd[index], colour: colours[style.colour], opacity: 1 };
    const part = levelName(run, level);
    const name = `${sparsityText(at(run, run.sparsity, level))}${part ? ` (${part})` : ""}`;
    return [bandTrace(one, log), { type: "scatter", mode: "lines", name: plotText(name), x: one.x, y: one.y,
      line: { color: one.colour, dash: style.dash, width: 2 }, hovertemplate: `${plotText(name)}, level ${level}<br>step %{x}: loss %{y:.4~g}<br>mean of ${plural(run.loss.directions[index], "direction")}<extra></extra>` }].filter(Boolean);
  });
  const axis = { gridcolor: look.grid, zeroline: false, linecolor: look.zero, tickfont: { size: 11, color: look.muted } };
  const range = [Math.min(...values), Math.max(...values)].map(Math.log10).map((edge, side) => edge + (side ? 0.15 : -0.15));
  const title = (text) => ({ text, font: { size: 11, color: look.muted }, standoff: 4 });
  return { traces, layout: { height: forFile ? 560 : 300, margin: { l: 54, r: 10, t: forFile ? 48 : 10 }, paper_bgcolor: look.paper,
    plot_bgcolor: "rgba(0,0,0,0)", font: { family: FONT, size: 12, color: look.text }, hovermode: "closest", dragmode: false,
    legend: LEGEND, showlegend: true, title: forFile ? { text: plotText(run.name), font: { size: 15 } } : undefined,
    xaxis: { ...axis, automargin: true, title: title("Step along the direction") },
    yaxis: { ...axis, ...(log ? { type: "log", range, ...logTicks(range) } : {}), exponentformat: "power", title: title("Training loss") } } };
}

function drawLoss(run) {
  const plot = byId("plot-loss");
  const { traces, layout } = lossFigure(run);
  Plotly.react(plot, traces, { ...layout, width: plot.clientWidth }, PLOT);
}

function downloadLoss(run) {
  const { loss } = run;
  const rows = loss.levels.flatMap((level, index) => loss.alpha.map((alpha, step) => [run.name, level, at(run, run.sparsity, level), alpha,
    loss.mean[index][step], loss.sd[index][step], loss.directions[index]]).filter((row) => known(row[4])));
  save(`${fileName(run.name, "loss_curves")}.csv`, csvText([["run", "level", "sparsity", "alpha", "loss_mean", "loss_sd", "directions"], ...rows]));
}
