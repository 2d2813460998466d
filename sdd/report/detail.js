// What is known of one run or one group, in a pane beside the page.

let opener_focus = null;

function openDetail(id) {
  opener_focus = document.activeElement;
  valuesShown = null;
  state.open = state.open === id && !byId("detail").hidden ? null : id;
  changed("open");
  if (state.open) byId("detail").focus({ preventScroll: true });
}

function closeDetail() {
  state.open = null;
  valuesShown = null;
  changed("open");
  opener_focus?.focus?.({ preventScroll: true });
}

function drawDetail() {
  const pane = byId("detail");
  const panel = panels.get(valuesShown);
  const shown = panel ? { id: `values of ${panel.name}`, name: panel.title } : runs.get(state.open) ?? groups.get(state.open);
  pane.hidden = !shown;
  document.body.classList.toggle("aside", Boolean(shown));
  if (!shown) { pane.replaceChildren(); pane.dataset.id = ""; return; }
  if (pane.dataset.id === shown.id && !panel) return;
  pane.dataset.id = shown.id;
  pane.replaceChildren(
    element("div", { class: "head" }, element("h2", {}, shown.name ?? shown.label), element("span", { class: "fill" }),
      element("button", { type: "button", class: "close", "aria-label": "Close details (Escape)", onclick: closeDetail }, "×")),
    ...(panel ? valuesPane(panel) : runs.has(shown.id) ? runDetail(shown) : shown.free ? freeDetail(shown) : groupDetail(shown)));
  pane.scrollTop = 0;
  if (shown.loss) drawLoss(shown);
  if (shown.epochs) drawEpochs(shown);
}

/** The plot in the pane in the width and the colours that it has now. */
function redrawDetail() {
  const shown = runs.get(state.open);
  if (shown?.loss) drawLoss(shown);
  if (shown?.epochs) drawEpochs(shown);
}

function runDetail(run) {
  const path = run.href ? element("a", { href: run.href }, run.path) : run.path;
  return [
    element("p", { class: "path" }, path),
    element("p", {}, stateCell(run)),
    ...run.notes.map((note) => element("p", { class: "hint" }, note)),
    run.phases ? facts([
      ["group", ofAnalysis.get(run.group).label],
      ["seed", known(run.seed) ? String(run.seed) : MISSING],
      ["verdict", run.phases.double_descent ? "double descent" : `${verdictText(run)}: ${run.phases.reason}`],
      ["dense", `${percent(accuracyAt(run, 0))} %`],
      ...["trough", "peak"].filter((name) => known(run.phases[name])).map((name) => [name,
        `${percent(accuracyAt(run, run.phases[name]))} % at ${remainingText(remainingAt(run, run.phases[name]))} remaining weights (${sparsityText(at(run, run.sparsity, run.phases[name]))} sparsity), level ${run.phases[name]}`]),
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
    ...(run.epochs ? epochsSection(run) : run.phases ? [element("p", { class: "hint" }, "Nothing within the levels: the run was made without --dynamics.levels all and --distance.path true.")] : []),
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

/** A group that the reader has made. */
function freeDetail(group) {
  return [
    element("p", { class: "hint" }, `${plural(group.runs.length, "run")} that agree in the settings chosen and may differ in others; there are no phases of their mean.`),
    facts(Object.entries(group.differing).map(([name, value]) => [name, String(value)])),
    element("h3", {}, "Runs"),
    element("ul", {}, ...runsOf.get(group.id).map((run) => element("li", {}, opener(run, run.name), " ", stateCell(run)))),
  ];
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

function levelName(run, level) {
  if (level === 0) return "dense";
  return level === run.phases.trough ? "trough" : level === run.phases.peak ? "peak" : level === run.level.at(-1) ? "last" : "";
}
