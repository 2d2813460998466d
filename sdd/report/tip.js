// What stands under the pointer: the curve, its value, and where on it that is.

function showTip({ one, index }, { clientX, clientY }) {
  const value = one.y[index];
  if (!known(value)) return;
  const write = (it) => (one.fraction ? `${percent(it, 2)} %` : number(it));
  const [spread, count] = [one.spread?.[index], one.counts?.[index]];
  const level = one.level[index];
  const { phases } = one.curve;
  const part = level === 0 ? ", dense" : level === phases.trough ? ", trough" : level === phases.peak ? ", peak" : "";
  const tip = byId("tip");
  tip.replaceChildren(
    element("b", {}, swatch(one.colour, one.curve.style.dash), ` ${one.name}`),
    element("p", {}, write(value), known(spread) ? ` ± ${write(spread)} (sd, n = ${count})` : known(count) ? ` (n = ${count})` : ""),
    element("div", {}, `${sparsityText(one.sparsity[index])} sparsity, level ${level}${part}`));
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, Math.min(clientX + 14, innerWidth - box.width - 4))}px`;
  tip.style.top = `${clientY + 18 + box.height > innerHeight ? clientY - box.height - 12 : clientY + 18}px`;
}

function hideTip() {
  byId("tip").hidden = true;
}
