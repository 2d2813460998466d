// What stands under the pointer: which curve or run it is, and its values there.

/** Show some lines beside the pointer: the first names it, beside its colour. */
function showTip({ colour, dash, name }, lines, { clientX, clientY }) {
  const tip = byId("tip");
  const [first, ...others] = lines;
  tip.replaceChildren(element("b", {}, swatch(colour, dash), ` ${name}`), element("p", {}, first), ...others.map((line) => element("div", {}, line)));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(clientX + 14, innerWidth - box.width - 4))}px`;
  tip.style.top = `${clientY + 18 + box.height > innerHeight ? Math.max(4, clientY - box.height - 12) : clientY + 18}px`;
}

/** A point of a curve in words. */
function pointLines({ one, index }) {
  const write = (it) => (one.fraction ? `${percent(it, 2)} %` : number(it));
  const [spread, count] = [one.spread?.[index], one.counts?.[index]];
  const level = one.level[index];
  const { phases } = one.curve;
  const part = !known(level) ? "" : level === 0 ? ", dense" : level === phases.trough ? ", trough" : level === phases.peak ? ", peak" : "";
  const over = known(spread) ? ` ± ${write(spread)} (sd, n = ${count})` : known(count) ? ` (n = ${count})` : "";
  return [`${write(one.y[index])}${over}`,
    `${remainingText(one.remaining[index])} remaining, ${sparsityText(one.sparsity[index])} sparsity${known(level) ? `, level ${level}${part}` : ""}`];
}

function hideTip() {
  byId("tip").hidden = true;
}
