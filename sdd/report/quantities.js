// What runs can be compared by: each is a setting, a result of the whole curve, or a measure at some level of it.

const NOT_SET = "not set";
const PLACES = {
  dense: "at the dense level", trough: "at the trough", peak: "at the peak", last: "at the last level",
  highest: "highest of all levels", lowest: "lowest of all levels",
};

/** The value of a curve at a level; null where it has none there. */
const at = (curve, values, level) => {
  const index = known(level) ? curve.level.indexOf(level) : -1;
  return index < 0 ? null : values?.[index] ?? null;
};

/** The value of a run's measure at one of `PLACES`. */
function measureAt(run, name, where) {
  const values = run.values[name];
  if (!values) return null;
  if (where === "highest" || where === "lowest") {
    const there = values.filter(known);
    return there.length ? Math[where === "highest" ? "max" : "min"](...there) : null;
  }
  return at(run, values, { dense: 0, last: run.level.at(-1) }[where] ?? run.phases[where]);
}

/** The fraction of weights that remains at a level of a curve, as `curve.csv` has it: 1 − sparsity would lose digits. */
const remainingAt = (curve, level) => at(curve, curve.remaining, level);

/** The level of a run's highest test accuracy. */
function bestLevel(run) {
  const best = measureAt(run, "test_acc", "highest");
  return known(best) ? run.level[run.values.test_acc.indexOf(best)] : null;
}

const settingOf = (run, name) => (name === SEED ? run.seed : name in run.settings ? run.settings[name] : data.shared[name]);

/** Names of settings without what they have in common with their neighbours; two of one last part keep more. */
const shortNames = (() => {
  const all = [...data.differing, SEED];
  const last = (name, parts) => name.split(".").slice(-parts).join(".");
  const alone = (name, parts) => all.every((other) => other === name || last(other, parts) !== last(name, parts));
  return new Map(all.map((name) => {
    const parts = name.split(".").length;
    const least = /(class_path|name)$/.test(name) ? Math.min(2, parts) : 1;
    for (let count = least; count < parts; count += 1) if (alone(name, count)) return [name, last(name, count)];
    return [name, name];
  }));
})();

/** A setting's value in few letters: numbers to four digits, classes without their module. */
function shortValue(name, value) {
  if (value === null || value === undefined) return NOT_SET;
  if (typeof value === "number") return number(value);
  const text = settingText(value);
  return typeof value === "string" && /^[\w.]+$/.test(text) && name.endsWith("class_path") ? text.split(".").at(-1) : text;
}

function settingQuantity(name) {
  const values = curveRuns.map((run) => settingOf(run, name)).filter(known);
  const ordered = values.length > 0 && values.every((value) => typeof value === "number");
  return {
    key: name, section: "Settings", label: name, short: shortNames.get(name), unit: "", factor: 1, ordered,
    value: (run) => {
      const value = settingOf(run, name);
      return ordered ? value ?? null : shortValue(name, value);
    },
    write: (value) => (known(value) ? (typeof value === "number" ? number(value) : value) : NOT_SET),
  };
}

function resultQuantity(key, label, unit, value, { short = label, write } = {}) {
  const factor = unit === "%" || unit === "points" ? 100 : 1;
  return { key, section: "Results", label, short, unit, factor, ordered: true, value,
    write: write ?? ((it) => (known(it) ? (unit === "points" ? points(it) : unit === "%" ? percent(it) : number(it)) : MISSING)) };
}

const quantities = new Map([
  ...[...data.differing, SEED].map(settingQuantity),
  resultQuantity("depth", "Depth, dense minus trough", "points", (run) => run.depth, { short: "depth" }),
  resultQuantity("gain", "Gain, peak minus dense", "points", (run) => run.gain, { short: "gain" }),
  ...["trough", "peak"].map((name) => resultQuantity(`remaining@${name}`, `Remaining weights at the ${name}`, "%",
    (run) => remainingAt(run, run.phases[name]), { short: `remaining at ${name}`, write: remainingText })),
  resultQuantity("remaining@best", "Remaining weights at the highest test accuracy", "%", (run) => remainingAt(run, bestLevel(run)),
    { short: "remaining at best", write: remainingText }),
  { key: "verdict", section: "Results", label: "Verdict", short: "verdict", unit: "", factor: 1, ordered: false, value: verdictText, write: String },
  resultQuantity("turn", "Levels from the trough to the turning point of distance", "", (run) => run.turning_point?.levels_from_trough ?? null, { short: "turn − trough" }),
  ...correlated.map(({ name, label }) => resultQuantity(`spearman_${name}`, `Spearman's ρ of test accuracy with ${label}`, "",
    (run) => run.spearman?.[name] ?? null, { short: `ρ ${name}`, write: rho })),
  resultQuantity("levels", "Levels", "", (run) => run.level.length, { short: "levels" }),
  resultQuantity("seconds", "Time", "s", (run) => run.seconds, { short: "time", write: duration }),
  ...Object.entries(PLACES).flatMap(([where, words]) => data.columns.map((column) => ({
    key: `${column.name}@${where}`, section: `${words[0].toUpperCase()}${words.slice(1)}`, label: `${column.label}, ${words}`, short: `${column.name} ${where}`,
    unit: column.unit, factor: column.fraction ? 100 : 1, ordered: true, value: (run) => measureAt(run, column.name, where),
    write: (value) => (column.fraction ? percent(value) : number(value)),
  }))),
].map((quantity) => [quantity.key, quantity]));

/** Those in which the runs differ, in the order in which menus have them; all, where there is one run. */
const telling = [...quantities.values()].filter((quantity) => curveRuns.length < 2
  || new Set(curveRuns.map((run) => quantity.value(run)).filter(known)).size > 1 || (!quantity.ordered && quantity.section === "Settings"));

const quantityTitle = ({ label, unit }) => (unit ? `${label} (${unit})` : label);

/** A choice of quantities by section; `first` are entries that come before them. */
function quantityOptions(first, held) {
  const option = (value, text) => element("option", { value, selected: value === held }, text);
  const sections = new Map();
  const offered = [...quantities.values()].filter((quantity) => quantity.key === held || telling.includes(quantity));
  for (const quantity of offered) {
    if (!sections.has(quantity.section)) sections.set(quantity.section, []);
    sections.get(quantity.section).push(option(quantity.key, quantity.label));
  }
  return [...first.map(([value, text]) => option(value, text)),
    ...[...sections].map(([label, options]) => element("optgroup", { label }, ...options))];
}

/** Whether numbers are better shown on a logarithmic axis: all positive, and more than 20-fold. */
function wantsLog(values) {
  const there = values.filter(known);
  return there.length > 1 && Math.min(...there) > 0 && Math.max(...there) > 20 * Math.min(...there);
}
