// The curves that are picked, groups and single runs alike, each with its looks.

const DASHES = ["solid", "dash", "dot", "dashdot"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

const palette = (light) => COLOURS[light || !dark.matches ? "light" : "dark"];

/** The colour and dash of the slot of a group, or of the n-th run where all are of one group. */
const slotStyle = (slot) => ({ colour: slot % SLOTS, dash: DASHES[Math.floor(slot / SLOTS) % DASHES.length] });

function groupStyle(id) {
  return slotStyle(Math.max(0, state.slots.indexOf(id)));
}

/** In several groups a run has its group's colour and a dash by its place there; in one, a colour of its own. */
function runStyle(run, oneGroup) {
  const index = runsOf.get(run.group).indexOf(run);
  if (oneGroup) return slotStyle(index);
  return { colour: groupStyle(run.group).colour, dash: DASHES[index % DASHES.length] };
}

function groupCurve(group) {
  const only = group.runs.length === 1 ? runs.get(group.runs[0]) : null; // its mean is its own curve
  return {
    id: group.id,
    kind: "group",
    label: group.label,
    group: group.label,
    seed: null,
    level: group.level,
    sparsity: group.sparsity,
    phases: group.phases,
    style: groupStyle(group.id),
    note: plural(group.runs.length, "seed"),
    values: (name) => (only ? only.values[name] : group.values[name]?.mean) ?? null,
    spread: (name) => (only ? only.values[name]?.map(() => null) : group.values[name]?.sd) ?? null,
    counts: (name) => (only ? only.values[name]?.map((value) => Number(known(value))) : group.values[name]?.n) ?? null,
  };
}

function runCurve(run, label, style) {
  return {
    id: run.id,
    kind: "run",
    label,
    run: run.name,
    group: groups.get(run.group).label,
    seed: run.seed,
    level: run.level,
    sparsity: run.sparsity,
    phases: run.phases,
    style,
    note: run.state === "finished" ? "" : run.state,
    values: (name) => run.values[name] ?? null,
    spread: () => null,
    counts: () => null,
  };
}

/** What to call each run, as short as tells it from the others. */
const runLabels = (() => {
  const short = (run) => (run.seed === null ? run.name : `seed ${run.seed}`);
  const label = (run) => (data.groups.length > 1 ? `${groups.get(run.group).label} · ${short(run)}` : short(run));
  const times = new Map();
  for (const run of curveRuns) times.set(label(run), (times.get(label(run)) ?? 0) + 1);
  return new Map(curveRuns.map((run) => [run.id, times.get(label(run)) > 1 ? `${label(run)} · ${run.name}` : label(run)]));
})();

function pickedCurves() {
  if (state.mode === "groups") return data.groups.filter((group) => state.groups.has(group.id)).map(groupCurve);
  const picked = curveRuns.filter((run) => state.runs.has(run.id));
  const oneGroup = new Set(picked.map((run) => run.group)).size < 2;
  return picked.map((run) => runCurve(run, runLabels.get(run.id), runStyle(run, oneGroup)));
}

/** The curve whose phases are shaded: the highlighted one, or the only one. */
function phaseCurve(curves) {
  const curve = curves.length === 1 ? curves[0] : curves.find((one) => one.id === state.marked);
  return curve?.phases.double_descent ? curve : null;
}
