// Figures in words: what lines, bands and marks are and over how many runs, and what a plot shows to who cannot see it.

/** How many runs the curves are of, as `n = 3 each` or `n = 1 to 3 each`. */
function countWords(curves) {
  const counts = curves.map((curve) => curve.count);
  const [low, high] = [Math.min(...counts), Math.max(...counts)];
  return low === high ? `n = ${low}${curves.length > 1 ? " each" : ""}` : `n = ${low} to ${high}`;
}

/** What lines, bands and marks are, in a sentence or three. */
function drawnWords(curves) {
  if (!curves.length) return "Nothing is picked: tick groups or runs in the list.";
  const marks = curves.some((curve) => known(curve.phases.trough)) ? ` ▼ trough, ▲ peak of each ${state.mode === "groups" ? "mean " : ""}curve.` : "";
  if (state.mode === "runs") return `Each line is one run (n = ${curves.length}).${marks}${colourWords()}`;
  const several = curves.some((curve) => curve.count > 1);
  const lines = several ? `Lines: means over the runs of a group (${countWords(curves)}${groupList[0]?.free ? "" : "; they differ only in the seed"})`
    : `Each line is the one run of its group (${plural(curves.length, "group")})`;
  const with_bands = several && curves.some((curve) => curve.count > 1 && banded(curve, curves.length));
  const bands = !several ? "" : with_bands ? `; bands: one standard deviation over runs to each side${curves.length > BANDED ? ", of the highlighted group" : ""}`
    : `; bands, one standard deviation, are drawn for up to ${BANDED} curves or the highlighted one`;
  const interpolation = curves.some((curve) => curve.interpolated) ? " Runs of other sparsities are interpolated on the logarithmic axis." : "";
  return `${lines}${bands}.${interpolation}${marks}${colourWords()}`;
}

/** What colours say, where each curve has not its own. */
function colourWords() {
  const scale = colourScale();
  if (!scale) return "";
  const { quantity } = scale;
  const lacking = pickedRuns().some((run) => !known(quantity.value(run))) ? " Grey: no value, or several." : "";
  return (quantity.ordered ? ` Colour: ${quantity.short}, from ${dark.matches && !onPaper ? "dim (low) to bright" : "dark (low) to light"} (high).` : ` Colour: ${quantity.short}.`) + lacking;
}

const SPOKEN = 4; // so many curves of a plot are told one by one

/** What a panel of curves shows, in true numbers. */
function panelWords(column, curves) {
  const having = curves.map((curve) => ({ curve, values: curve.values(column.name) })).filter(({ values }) => values?.some(known));
  if (!having.length) return `${panelTitle(column)}: no curve picked has this measure.`;
  const write = (value) => (column.fraction ? `${percent(value)} %` : number(value));
  const told = having.slice(0, SPOKEN).map(({ curve, values }) => {
    const there = values.map((value, index) => ({ value, remaining: curve.remaining[index] })).filter(({ value }) => known(value));
    const low = there.reduce((best, one) => (one.value < best.value ? one : best));
    const high = there.reduce((best, one) => (one.value > best.value ? one : best));
    const where = ({ value, remaining }) => `${write(value)} at ${remainingText(remaining)} remaining weights`;
    return `${curve.label}: first ${write(there[0].value)}, lowest ${where(low)}, highest ${where(high)}, last ${write(there.at(-1).value)}`;
  });
  const more = having.length > SPOKEN ? ` And ${plural(having.length - SPOKEN, "further curve")}.` : "";
  return `Line chart of ${column.label.toLowerCase()} against ${state.scale === "linear" ? "sparsity" : "remaining weights"}, ${plural(having.length, "curve")}. ${told.join(". ")}.${more} The button Table shows all values.`;
}

/** Words in lines of at most so many letters. */
function wrapped(words, most) {
  const lines = [""];
  for (const word of words.split(" ").filter(Boolean)) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= most) lines.push(word);
    else lines[lines.length - 1] = `${lines.at(-1)} ${word}`.trim();
  }
  return lines;
}
