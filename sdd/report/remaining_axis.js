// The horizontal axis: remaining weights on a logarithmic axis, falling to the right, so that pruning the same fraction of the
// remaining weights at each level puts the levels at equal distances. A place is −log10 of the remaining fraction; dense is 0.

const allSparsities = curveRuns.flatMap((run) => run.sparsity.filter(known));
const lastPlace = allSparsities.reduce((last, fraction) => (fraction < 1 ? Math.max(last, -Math.log10(1 - fraction)) : last), 0);

/** The place of a sparsity; none remaining stands half a decade right of the last that has some. */
function place(fraction) {
  if (!known(fraction)) return null;
  if (state.scale === "linear") return fraction;
  return logPlace(fraction);
}

const logPlace = (fraction) => (fraction < 1 ? -Math.log10(1 - fraction) + 0 : lastPlace + 0.5);
const axisTitle = () => (state.scale === "linear" ? "Sparsity (%)" : "Remaining weights (%)");

/** The share in percent that a place stands for, as the axis writes it: of remaining weights, or of removed ones. */
const shareAt = (spot) => (state.scale === "linear" ? 100 * spot : 100 * 10 ** -spot);
const spotOf = (share) => (state.scale === "linear" ? share / 100 : -Math.log10(share / 100));

/** The range that shows all places of some curves. */
function fullRange(curves) {
  const places = curves.flatMap((curve) => curve.sparsity.filter(known).map(place));
  const low = Math.min(...places, Infinity);
  const high = Math.max(...places, -Infinity);
  if (!places.length) return [0, 1];
  const start = Math.min(low, 0);
  const span = Math.max(high - start, 0.1);
  return [start - 0.03 * span, high + 0.03 * span];
}

/** Shares to write at the axis, as many as fit: decades of the remaining fraction, then halves, then fifths. */
function sparsityTicks(range, width) {
  if (state.scale === "linear") return { tickmode: "auto", nticks: Math.max(3, Math.floor(width / 62)), tickformat: ".6~%", ticksuffix: "" };
  const [low, high] = range;
  const decades = Array.from({ length: Math.max(1, Math.ceil(Math.min(lastPlace, 12)) + 1) }, (_, index) => index);
  const zoomed = high - low < 0.8;
  const factors = zoomed ? [1, 0.5, 0.2, 0.3, 0.7, 0.4, 0.6, 0.8, 0.9, 0.25, 0.15, 0.12] : [1, 0.5, 0.2];
  const fractions = factors.flatMap((factor) => decades.map((decade) => factor * 10 ** -decade));
  if (!zoomed) fractions.push(0.8);
  const wanted = fractions.map((fraction) => [-Math.log10(fraction) + 0, String(Number((100 * fraction).toPrecision(8)))])
    .filter(([at]) => at <= lastPlace + 1e-9);
  if (allSparsities.some((fraction) => fraction >= 1)) wanted.unshift([lastPlace + 0.5, "0"]);
  const taken = [];
  const ticks = [];
  for (const [at, label] of wanted) {
    const half = ((label.length + 1.2) * 6.2 * (high - low)) / Math.max(width, 50) / 2;
    if (at < low || at > high || taken.some(([start, end]) => at + half > start && at - half < end)) continue;
    taken.push([at - half, at + half]);
    ticks.push([at, label]);
  }
  return { tickmode: "array", tickvals: ticks.map(([at]) => at), ticktext: ticks.map(([, label]) => label) };
}
