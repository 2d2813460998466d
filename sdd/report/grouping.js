// Groups: runs that agree in everything but the seed, as the analysis groups them, or in settings that the reader has chosen.

const ALIKE = 1e-9; // sparsities of one level that differ by less are the same
const MANY = 8; // a numeric setting with more values is cut into fifths of the runs

let groupList = data.groups;
let groups = new Map();
let runsOf = new Map();

/** The settings that labels of the groups name. */
const groupNames = () => state.by ?? (data.groups.length > 1 ? data.named_by : []);

/** Put the runs together as `state.by` says: null is every setting but the seed. */
function regroup() {
  groupList = state.by === null ? data.groups : freeGroups(state.by);
  groups = new Map(groupList.map((group) => [group.id, group]));
  runsOf = new Map(groupList.map((group) => [group.id, [...group.runs, ...group.repeated].map((id) => runs.get(id))]));
  groupOf = new Map(groupList.flatMap((group) => [...group.runs, ...group.repeated].map((id) => [id, group])));
  means.clear();
}

let groupOf = new Map();
const groupOfRun = (run) => groupOf.get(run.id);

function freeGroups(names) {
  const bins = new Map(names.map((name) => [name, binsOf(name)]));
  const found = new Map();
  for (const run of curveRuns) {
    const parts = names.map((name) => bins.get(name)(run));
    const id = `by ${JSON.stringify(parts.map(({ text }) => text))}`;
    if (!found.has(id)) found.set(id, { parts, members: [] });
    found.get(id).members.push(run);
  }
  const inOrder = [...found].sort(([, one], [, other]) => {
    const first = one.parts.findIndex((part, index) => compare(part.order, other.parts[index].order, false));
    return first < 0 ? 0 : compare(one.parts[first].order, other.parts[first].order, false);
  });
  return inOrder.map(([id, { parts, members }]) => {
    const ids = members.filter((run) => !run.repeated).map((run) => run.id);
    const same = data.groups.find((group) => group.runs.join() === ids.join());
    if (same) return same;
    return {
      id, free: true,
      label: names.length ? names.map((name, index) => `${name}=${parts[index].text}`).join(", ") : "all runs",
      differing: Object.fromEntries(names.map((name, index) => [name, parts[index].text])),
      runs: ids, repeated: members.filter((run) => run.repeated).map((run) => run.id),
      phases: { double_descent: null, reason: "runs of several settings", trough: null, peak: null, boundaries: null },
      notes: [],
    };
  });
}

/** Returns what of a setting a run falls under: its value, or one of five ranges with as many runs each. */
function binsOf(name) {
  const quantity = quantities.get(name);
  const values = curveRuns.map((run) => quantity.value(run)).filter(known).sort((one, other) => one - other);
  const distinct = [...new Set(values)];
  if (!quantity.ordered || distinct.length <= MANY) {
    return (run) => ({ order: quantity.value(run), text: quantity.write(quantity.value(run)) });
  }
  const starts = [...new Set([0, 1, 2, 3, 4].map((fifth) => values[Math.floor((fifth * values.length) / 5)]))];
  return (run) => {
    const value = quantity.value(run);
    if (!known(value)) return { order: null, text: NOT_SET };
    const bin = starts.filter((start) => start <= value).length - 1;
    const inside = values.filter((other) => other >= starts[bin] && (bin + 1 === starts.length || other < starts[bin + 1]));
    return { order: starts[bin], text: `${quantity.write(inside[0])} to ${quantity.write(inside.at(-1))}` };
  };
}

const NAMED = 3; // with more settings in a label it has their values only

/** What the values in short labels are of, where the labels do not say it. */
const namesOfLabels = () => (groupNames().length > NAMED ? groupNames().map((name) => shortNames.get(name)).join(" · ") : "");

/** A group in few letters, for legends and tables; its whole label stands in `label`. */
function shortLabel(group) {
  const names = groupNames();
  if (!names.length) return group.label;
  const value = (name) => (group.free ? group.differing[name] : shortValue(name, settingOf(runs.get(group.runs[0]), name)));
  return names.length > NAMED ? names.map(value).join(" · ") : names.map((name) => `${shortNames.get(name)}=${value(name)}`).join(", ");
}

const means = new Map();

/** The mean curve of a group: levels, sparsities, and for each measure mean, standard deviation and count over its runs. */
function meanCurve(group) {
  if (!means.has(group.id)) means.set(group.id, madeMean(group));
  return means.get(group.id);
}

function madeMean(group) {
  const members = group.runs.map((id) => runs.get(id));
  const byLevel = new Map();
  for (const run of members) {
    run.level.forEach((level, index) => {
      if (!byLevel.has(level)) byLevel.set(level, []);
      byLevel.get(level).push({ sparsity: run.sparsity[index], remaining: run.remaining[index] });
    });
  }
  const alike = !group.free || [...byLevel.values()].every((held) => spanOf(held.map(({ sparsity }) => sparsity)) < ALIKE);
  const longest = members.reduce((best, run) => (run.level.length > best.level.length ? run : best), members[0]);
  const level = alike ? [...byLevel.keys()].sort((one, other) => one - other) : longest.level;
  const axis = (name) => (alike ? level.map((one) => mean(byLevel.get(one).map((held) => held[name]).filter(known))) : longest[name]);
  const sparsity = axis("sparsity");
  const held = new Map();
  const statistics = (name) => {
    if (!held.has(name)) {
      const all = measuredAlike(members, name).map((run) => (alike ? level.map((one) => at(run, run.values[name], one)) : interpolated(run, name, sparsity)));
      const cells = level.map((_, index) => all.map((values) => values[index]).filter(known));
      held.set(name, cells.some((cell) => cell.length)
        ? { mean: cells.map(mean), sd: cells.map(deviation), n: cells.map((cell) => cell.length) } : null);
    }
    return held.get(name);
  };
  return { level: alike ? level : level.map((_, index) => (index ? null : 0)), sparsity, remaining: axis("remaining"), interpolated: !alike, statistics };
}

/** The runs that measured something in the way of most of them: others are no part of its mean. */
function measuredAlike(members, name) {
  const having = members.filter((run) => run.values[name]);
  const ways = having.map((run) => run.measured[name]).filter(known);
  const count = (way) => ways.filter((other) => other === way).length;
  const usual = ways.reduce((best, way) => (count(way) > count(best) ? way : best), ways[0]);
  return having.filter((run) => !known(run.measured[name]) || run.measured[name] === usual);
}

/** A run's measure at sparsities that it may not have: by straight lines on the axis of the logarithm of remaining weights. */
function interpolated(run, name, wanted) {
  const spots = run.sparsity.map((sparsity, index) => [logPlace(sparsity), run.values[name][index]]).filter(([, value]) => known(value));
  return wanted.map((sparsity) => {
    const spot = logPlace(sparsity);
    const after = spots.findIndex(([other]) => other >= spot - ALIKE);
    if (after < 0) return null;
    const [to, high] = spots[after];
    if (Math.abs(to - spot) < ALIKE) return high;
    if (after === 0) return null;
    const [from, low] = spots[after - 1];
    return low + ((spot - from) / (to - from)) * (high - low);
  });
}

const spanOf = (values) => Math.max(...values) - Math.min(...values);
const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

/** The standard deviation with n − 1; null of fewer than two values. */
function deviation(values) {
  if (values.length < 2) return null;
  const centre = mean(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1));
}
