// The two tables: groups, with what their seeds say together, and runs, with every folder that was looked at.

const STATES = ["finished", "unfinished", "started", "damaged", "other"];
const STATE_WORDS = { started: "no level yet", other: "no run" };
const STRETCHES = { dense_to_trough: "dense to trough", trough_to_peak: "trough to peak" };

const ofAnalysis = new Map(data.groups.map((group) => [group.id, group]));
const accuracyAt = (run, level) => at(run, run.values?.test_acc, level);
const settingValue = (value) => (value === null || value === undefined || typeof value === "number" ? value : settingText(value));

function verdictText(run) {
  if (!run.phases) return null;
  if (!known(run.phases.double_descent)) return "not decided";
  return run.phases.double_descent ? "double descent" : run.state === "unfinished" ? "none so far" : "none";
}

function runColumns() {
  const accuracy = (key, title, level, note) => ({ key, title, numeric: true, note, value: (run) => accuracyAt(run, level(run)),
    show: (run) => percent(accuracyAt(run, level(run))) });
  return [
    { key: "picked", title: "", unsorted: true, value: () => null, csv: [], show: (run) => (run.level.length ? pickBox(run.id, run.name) : "") },
    { key: "run", title: "Run", class: "name", value: (run) => run.name, show: (run) => opener(run, run.name),
      csv: [["run", (run) => run.name], ["path", (run) => run.path], ["group", (run) => ofAnalysis.get(run.group)?.label]] },
    { key: "state", title: "State", class: "wide", value: (run) => STATES.indexOf(run.state), show: stateCell,
      csv: [["state", (run) => run.state], ["reason", (run) => run.reason]] },
    { key: "seed", title: "Seed", numeric: true, value: (run) => run.seed, csv: [["seed_everything", (run) => run.seed]] },
    accuracy("dense_test_acc", "Dense", (run) => 0, "Test accuracy of the dense network, %"),
    accuracy("trough_test_acc", "Trough", (run) => run.phases?.trough, "Test accuracy at the trough, %"),
    accuracy("peak_test_acc", "Peak", (run) => run.phases?.peak, "Test accuracy at the peak, %"),
    { key: "depth", title: "Depth", numeric: true, note: "Dense minus trough, points", value: (run) => run.depth, show: (run) => points(run.depth) },
    { key: "gain", title: "Gain", numeric: true, note: "Peak minus dense, points", value: (run) => run.gain, show: (run) => points(run.gain) },
    { key: "double_descent", title: "Verdict", value: verdictText, csv: [["double_descent", (run) => run.phases?.double_descent],
      ["why_not", (run) => run.phases?.reason]], show: (run) => (run.phases ? element("span", { title: run.phases.reason || null }, verdictText(run)) : null) },
    ...data.differing.map((name) => ({ key: name, title: shortNames.get(name), note: name, class: "setting",
      value: (run) => settingValue(settingOf(run, name)),
      show: (run) => (run.configured ? element("span", { title: settingText(settingOf(run, name)) }, cut(shortValue(name, settingOf(run, name)), 28)) : MISSING) })),
    ...correlated.map(({ name, label }) => ({ key: `spearman_${name}`, title: `ρ ${name}`, numeric: true,
      note: `Spearman's correlation of test accuracy with: ${label}, over the levels`,
      value: (run) => run.spearman?.[name], show: (run) => rho(run.spearman?.[name]),
      csv: [[`spearman_${name}`, (run) => run.spearman?.[name]], ...Object.keys(STRETCHES).map((stretch) =>
        [`spearman_${name}_${stretch}`, (run) => run.phase_spearman?.[name]?.[stretch]])] })),
    { key: "turn", title: "Turn − trough", numeric: true, note: "Levels from the trough to the level where the learning distance is largest",
      value: (run) => run.turning_point?.levels_from_trough,
      csv: [["turning_point_level", (run) => run.turning_point?.level], ["turning_point_levels_from_trough", (run) => run.turning_point?.levels_from_trough]] },
    { key: "seconds", title: "Time", numeric: true, note: "Sum over the levels", value: (run) => run.seconds, show: (run) => duration(run.seconds) },
  ];
}

/** Columns of groups that the reader has made: runs of several settings, of which the analysis says nothing together. */
function freeColumns() {
  const over = (key, write) => {
    const quantity = quantities.get(key);
    const values = (group) => group.runs.map((id) => quantity.value(runs.get(id))).filter(known);
    return { key, title: quantity.short.replace("test_acc ", ""), numeric: true, note: `${quantity.label}: mean ± one standard deviation over the runs that have it`, value: (group) => mean(values(group)),
      show: (group) => element("span", {}, write(mean(values(group))), " ", element("small", {}, values(group).length > 1 ? `± ${percent(deviation(values(group)))} (n = ${values(group).length})` : "")),
      csv: [[key, (group) => mean(values(group))], [`${key}_sd`, (group) => deviation(values(group))], [`${key}_n`, (group) => values(group).length]] };
  };
  const descends = (group) => group.runs.filter((id) => runs.get(id).phases.double_descent).length;
  return [
    { key: "picked", title: "", unsorted: true, value: () => null, csv: [], show: (group) => pickBox(group.id, group.label, "groups") },
    { key: "group", title: "Group", class: "name", value: (group) => group.label, show: (group) => opener(group, group.label, shortLabel(group)), csv: [["group", (group) => group.label]] },
    { key: "count", title: "Runs", numeric: true, value: (group) => group.runs.length },
    { key: "descends", title: "Double descent", numeric: true, note: "In how many of the runs", value: (group) => descends(group) / group.runs.length,
      show: (group) => `in ${descends(group)} of ${group.runs.length}`, csv: [["double_descents", descends]] },
    over("depth", points), over("gain", points),
    ...["dense", "trough", "peak", "last", "highest"].map((where) => over(`test_acc@${where}`, percent)),
  ];
}

function groupColumns() {
  if (groupList.some((group) => group.free)) return freeColumns();
  const estimate = (key, title, note) => ({ key, title, numeric: true, note,
    value: (group) => group.intervals[key].estimate,
    show: (group) => element("span", {}, points(group.intervals[key].estimate), " ",
      element("small", {}, interval(group.intervals[key], points))),
    csv: ["estimate", "low", "high"].map((part) => [part === "estimate" ? key : `${key}_${part}`, (group) => group.intervals[key][part]]) });
  const value = (group, level) => at(meanCurve(group), meanCurve(group).statistics("test_acc")?.mean, level);
  const remaining = (group, level) => remainingAt(meanCurve(group), level);
  const accuracy = (key, title, level) => ({ key, title, numeric: true, note: "Mean test accuracy, %, and the remaining weights where it is",
    value: (group) => value(group, level(group)),
    show: (group) => element("span", {}, percent(value(group, level(group))), " ",
      element("small", {}, level(group) && known(value(group, level(group))) ? `at ${remainingText(remaining(group, level(group)))}` : "")),
    csv: [[`${key}_test_acc`, (group) => value(group, level(group))], [`${key}_sparsity`, (group) => at(meanCurve(group), meanCurve(group).sparsity, level(group))]] });
  return [
    { key: "picked", title: "", unsorted: true, value: () => null, csv: [], show: (group) => pickBox(group.id, group.label, "groups") },
    { key: "group", title: "Group", class: "name", value: (group) => group.label, show: (group) => opener(group, group.label, shortLabel(group)),
      csv: [["group", (group) => group.label]] },
    { key: "seeds", title: "Seeds", numeric: true, value: (group) => group.runs.length },
    { key: "verdict", title: "Double descent", note: "At 95 %, over seeds", value: groupVerdict,
      csv: [["double_descent", (group) => group.intervals.double_descent], ["double_descent_of_mean", (group) => group.phases.double_descent]] },
    estimate("depth", "Depth", "Dense minus trough, points, with its 95 % interval over seeds"),
    estimate("gain", "Gain", "Peak minus dense, points, with its 95 % interval over seeds"),
    accuracy("dense", "Dense", () => 0),
    accuracy("trough", "Trough", (group) => group.phases.trough),
    accuracy("peak", "Peak", (group) => group.phases.peak),
    ...correlated.map(({ name, label }) => correlationColumn(name, label)),
  ];
}

function correlationColumn(name, label) {
  const found = (group) => group.correlations[name];
  return { key: `spearman_${name}`, title: `ρ ${name}`, numeric: true,
    note: `Spearman's correlation of test accuracy with: ${label}; mean over seeds and its 95 % interval`,
    value: (group) => found(group)?.within.estimate,
    show: (group) => element("span", {},
      rho(found(group)?.within.estimate), " ", element("small", {}, interval(found(group)?.within, rho))),
    csv: ["within", ...Object.keys(STRETCHES)].flatMap((where) => ["estimate", "low", "high"].map((part) => [
      ["spearman", name, ...(where === "within" ? [] : [where]), ...(part === "estimate" ? [] : [part])].join("_"),
      (group) => found(group)?.[where]?.[part]])) };
}

function groupVerdict(group) {
  if (known(group.intervals.double_descent)) return group.intervals.double_descent ? "yes" : "no";
  return known(group.intervals.depth.low) ? "not decided" : `in ${group.single} of ${plural(group.runs.length, "run")}`;
}

/** A tick in a table: of the run, or of its group where groups are shown. */
const pickBox = (id, label, kind = "runs") => element("input", { type: "checkbox", "data-pick": id, "aria-label": `Pick ${label}`,
  onchange: ({ target }) => {
    if (state.mode === kind) pick([id], target.checked);
    else if (kind === "runs") pick([groupOfRun(runs.get(id)).id], target.checked);
    else pick(runsOf.get(id).map((run) => run.id), target.checked);
  } });

const opener = (row, text, short = text) => element("button", { type: "button", class: "link", title: text, onclick: () => openDetail(row.id) }, short);

function stateCell(run) {
  const notes = [run.state === "started" ? null : run.reason?.replace(/^(unfinished|damaged), /, ""), run.repeated ? "repeats another run's settings and seed; not in its group's mean" : null,
    run.parts.length ? `joined from ${plural(run.parts.length, "folder")}` : null].filter(Boolean);
  return element("span", { title: notes.join("; ") || null }, element("b", { class: `state ${run.state}` }, STATE_WORDS[run.state] ?? run.state),
    notes.length ? element("small", {}, ` ${notes.join("; ")}`) : "");
}

const isOpen = (row) => (row.id === state.open ? "open" : null);

/** Groups, unless there are none, or many of one run each: then the table of runs says the same. */
function buildGroupsTable() {
  byId("groups-section").hidden = !groupList.length || (groupList.length > CHIPS && groupList.every((group) => group.runs.length === 1));
  buildTable("groups", groupColumns(), groupList, { classOf: isOpen, onRow: (group) => openDetail(group.id) });
  byId("groups-hint").textContent = groupList.some((group) => group.free) ? "runs that agree in the settings chosen; mean ± one standard deviation over runs, accuracies in percent, depth and gain in points"
    : "runs that differ only in the seed; intervals and correlations at 95 %, over seeds";
}

function buildTables() {
  buildGroupsTable();
  buildTable("runs", runColumns(), data.runs, { classOf: isOpen, onRow: (run) => openDetail(run.id) });
  for (const name of ["groups", "runs"]) watchWidth(name);
  for (const name of ["groups", "runs"]) byId(`${name}-csv`).addEventListener("click", () => downloadTable(name));
  byId("only").addEventListener("change", ({ target }) => { state.only = target.checked; changed("pick"); });
}

/** Hide the rows that are not picked where only those are wanted, and mark the one whose details are open. */
function updateTables() {
  byId("only").checked = state.only;
  for (const name of ["runs", "groups"]) {
    for (const { row, line } of tables.get(name).lines) {
      line.classList.toggle("open", row.id === state.open);
      if (name === "runs") line.hidden = state.only && !line.classList.contains("picked");
    }
    tellWidth(name);
  }
}
