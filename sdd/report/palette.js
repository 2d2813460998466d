// Colours: a palette of categories, and an ordered one from dark to light (on dark pages from dim to bright).
// Both can be told apart by colour-blind readers: the first is after Okabe and Ito, the second part of matplotlib's plasma,
// which rises steadily in lightness; the parts too pale for a white page, or too dark for a dark one, are left out.

const COLOURS = {
  light: ["#0072B2", "#D55E00", "#009E73", "#B8569A", "#E69F00", "#56B4E9", "#444444"],
  dark: ["#4FA3DF", "#EE7733", "#1DBF8F", "#DE8FC0", "#F2C14E", "#A9DDF7", "#D9DEE2"],
};
const ORDERED = {
  light: ["#0d0887", "#3a049a", "#5c01a6", "#7c02a8", "#9a169f", "#b32c8e", "#c9447a", "#db5c68", "#eb7655"],
  dark: ["#a82296", "#be3885", "#d14e72", "#e16462", "#ee7b51", "#f89540", "#fdb130", "#fbd024", "#f0f921"],
};
const NEUTRAL = { light: "#7A858E", dark: "#8B97A1" };
const DASHES = ["solid", "dash", "dot", "dashdot"];
const SLOTS = COLOURS.light.length;
const STEPS = 24; // so many colours an ordered palette has where values are many; curves of one colour are drawn together
const FEW = 9; // up to so many values have evenly spread colours of their own

const dark = window.matchMedia("(prefers-color-scheme: dark)");
let onPaper = false; // in light colours whatever the reader's, for files and in print
const lightness = (light) => (light || onPaper || !dark.matches ? "light" : "dark");

/** The colour of `{ slot }`, of `{ share }` of the ordered palette, or the neutral one. */
function paint(colour, light = false) {
  const tone = lightness(light);
  if (known(colour?.slot)) return COLOURS[tone][colour.slot % SLOTS];
  return known(colour?.share) ? orderedColour(ORDERED[tone], colour.share) : NEUTRAL[tone];
}

function orderedColour(stops, share) {
  const place = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const part = (stop, index) => parseInt(stop.slice(1 + 2 * index, 3 + 2 * index), 16);
  const mixed = [0, 1, 2].map((index) => Math.round(part(stops[low], index) + (place - low) * (part(stops[low + 1], index) - part(stops[low], index))));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** What curves are coloured by: `own`, each its own colour, or the key of a quantity. */
const colourKey = () => (quantities.has(state.colour) || state.colour === "own" ? state.colour : usualColour());

/** One ordered setting that tells all groups apart; the first of those that differ where there are too many for colours of their own. */
function usualColour() {
  const names = groupNames();
  if (names.length === 1 && quantities.get(names[0])?.ordered) return names[0];
  const many = groupList.length > SLOTS * DASHES.length;
  return (many && data.differing.find((name) => quantities.get(name).ordered)) || "own";
}

let scaleHeld = { key: null, scale: null };

/** The colours of a quantity's values over all runs, whichever are picked; null where each curve has its own. */
function colourScale() {
  const key = colourKey();
  if (scaleHeld.key === key) return scaleHeld.scale;
  scaleHeld = { key, scale: key === "own" ? null : madeScale(quantities.get(key)) };
  return scaleHeld.scale;
}

function madeScale(quantity) {
  const values = curveRuns.map((run) => quantity.value(run)).filter(known);
  const distinct = [...new Set(values)].sort((one, other) => compare(one, other, false));
  if (!quantity.ordered) {
    return { quantity, few: true, entries: distinct.map((value, index) => ({ value, colour: { slot: index } })), colour: (value) => ({ slot: distinct.indexOf(value) }) };
  }
  if (distinct.length <= FEW) {
    const share = (value) => ({ share: distinct.length > 1 ? distinct.indexOf(value) / (distinct.length - 1) : 0.5 });
    return { quantity, few: true, entries: distinct.map((value) => ({ value, colour: share(value) })),
      colour: (value) => (distinct.includes(value) ? share(value) : between(value, distinct)) };
  }
  const log = wantsLog(distinct);
  const ends = [distinct[0], distinct.at(-1)];
  return { quantity, few: false, log, ends, colour: (value) => ({ share: Math.round(shareOf(value, ends, log) * STEPS) / STEPS }) };
}

const shareOf = (value, [low, high], log) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));

/** The colour of a mean of values that has none of its own. */
function between(value, distinct) {
  const after = distinct.findIndex((other) => other >= value);
  if (after <= 0) return { share: after === 0 ? 0 : 1 };
  const [low, high] = [distinct[after - 1], distinct[after]];
  return { share: (after - 1 + (value - low) / (high - low)) / (distinct.length - 1) };
}

/** The colour of some runs together: of the value that all have, of the mean of results, or of the middle of a range that they were grouped by. */
function colourOfRuns(members) {
  const { quantity, colour, log } = colourScale();
  const values = members.map((run) => quantity.value(run)).filter(known);
  if (!values.length) return null;
  if (values.every((value) => value === values[0])) return colour(values[0]);
  if (!quantity.ordered || (quantity.section === "Settings" && !state.by?.includes(quantity.key))) return null;
  return colour(log ? Math.exp(mean(values.map(Math.log))) : mean(values));
}
