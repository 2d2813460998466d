// The curves that are picked, groups and single runs alike, each with its looks.

/** The colour and dash of the slot of a group, or of the n-th run where all are of one group. */
const slotStyle = (slot) => ({ colour: { slot: slot % SLOTS }, dash: DASHES[Math.floor(slot / SLOTS) % DASHES.length] });

const slotOf = (id) => Math.max(0, state.slots.indexOf(id));

/** Curves of one colour have different dashes, unless they are too many to be told apart. */
function styled(members) {
  if (!colourScale()) return null;
  const times = new Map();
  return members.map((ofOne) => {
    const colour = colourOfRuns(ofOne);
    const key = JSON.stringify(colour);
    times.set(key, (times.get(key) ?? -1) + 1);
    return { colour, dash: members.length > APART ? "solid" : DASHES[times.get(key) % DASHES.length] };
  });
}

function groupStyles(shown) {
  return styled(shown.map((group) => runsOf.get(group.id))) ?? shown.map((group) => slotStyle(slotOf(group.id)));
}

/** In several groups a run has its group's colour and a dash by its place there; in one, a colour of its own. */
function runStyles(shown) {
  const oneGroup = new Set(shown.map(groupOfRun)).size < 2;
  return styled(shown.map((run) => [run])) ?? shown.map((run) => {
    const group = groupOfRun(run);
    const index = runsOf.get(group.id).indexOf(run);
    if (oneGroup) return slotStyle(index);
    return { colour: slotStyle(slotOf(group.id)).colour, dash: DASHES[index % DASHES.length] };
  });
}

function groupCurve(group, style = null) {
  const found = meanCurve(group);
  return {
    id: group.id,
    kind: "group",
    label: group.label,
    short: shortLabel(group),
    group: group.label,
    seed: null,
    level: found.level,
    sparsity: found.sparsity,
    remaining: found.remaining,
    phases: group.phases,
    interpolated: found.interpolated,
    style,
    count: group.runs.length,
    note: group.runs.length === 1 ? "" : `n = ${group.runs.length}`,
    values: (name) => found.statistics(name)?.mean ?? null,
    spread: (name) => found.statistics(name)?.sd ?? null,
    counts: (name) => found.statistics(name)?.n ?? null,
  };
}

function runCurve(run, style) {
  const { label, short } = runLabels().get(run.id);
  return {
    id: run.id,
    kind: "run",
    label,
    short,
    run: run.name,
    group: groupOfRun(run).label,
    seed: run.seed,
    level: run.level,
    sparsity: run.sparsity,
    remaining: run.remaining,
    phases: run.phases,
    style,
    count: 1,
    note: run.state === "finished" ? "" : run.state,
    values: (name) => run.values[name] ?? null,
    spread: () => null,
    counts: () => null,
  };
}

let labelled = { of: null, labels: null };

/** What to call each run, as short as tells it from the others: whole, and in few letters. */
function runLabels() {
  if (labelled.of === groupList) return labelled.labels;
  const own = (run) => (run.seed === null ? run.name : `seed ${run.seed}`);
  const named = (run, of) => (groupList.length > 1 ? `${of(groupOfRun(run))} · ${own(run)}` : own(run));
  const whole = (run) => named(run, (group) => group.label);
  const times = new Map();
  for (const run of curveRuns) times.set(whole(run), (times.get(whole(run)) ?? 0) + 1);
  const sure = (run, text) => (times.get(whole(run)) > 1 ? `${text} · ${run.name}` : text);
  const labels = new Map(curveRuns.map((run) => [run.id, { label: sure(run, whole(run)), short: sure(run, named(run, shortLabel)) }]));
  labelled = { of: groupList, labels };
  return labels;
}

/** The runs that are picked, be it by their groups; copies are no part of a group. */
function pickedRuns() {
  if (state.mode === "runs") return curveRuns.filter((run) => state.runs.has(run.id));
  return curveRuns.filter((run) => state.groups.has(groupOfRun(run).id) && !run.repeated);
}

let pickedHeld = null; // until the next change

const pickedCurves = () => (pickedHeld ??= madeCurves());

function madeCurves() {
  if (state.mode === "groups") {
    const shown = groupList.filter((group) => state.groups.has(group.id));
    const styles = groupStyles(shown);
    return shown.map((group, index) => groupCurve(group, styles[index]));
  }
  const shown = pickedRuns();
  const styles = runStyles(shown);
  return shown.map((run, index) => runCurve(run, styles[index]));
}

/** The colour of every picked run by itself: of its value where there is a scale, else its own or that of its group. */
function runColours() {
  const owners = pickedCurves().flatMap((curve) => (curve.kind === "run" ? [curve.id] : groups.get(curve.id).runs).map((id) => [id, curve.style.colour]));
  return new Map(owners.map(([id, colour]) => [id, colourScale() ? colourOfRuns([runs.get(id)]) : colour]));
}

const isMarked = (run) => state.marked === run.id || state.marked === groupOfRun(run).id;

/** The curve whose phases are shaded: the highlighted one, or the only one. */
function phaseCurve(curves) {
  const curve = curves.length === 1 ? curves[0] : curves.find((one) => one.id === state.marked);
  return curve?.phases.double_descent && known(curve.phases.boundaries) ? curve : null;
}
