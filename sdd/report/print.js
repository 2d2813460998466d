// Print, and with it PDF: every figure in light colours at the width of a page.

const PAGE_WIDTH = 1040; // of a landscape A4 page between its margins, in CSS pixels
const GAP = 10;

function printed(on) {
  onPaper = on;
  updateTicks();
  drawLegend();
  markStale();
  const side = { 1: 1, 2: 2, 4: 2 }[state.panels.size] ?? 3;
  byId("panels").style.gridTemplateColumns = on ? `repeat(${side}, 1fr)` : "";
  const width = Math.floor((PAGE_WIDTH - GAP * (side - 1)) / side) - 2;
  for (const panel of on ? stalePanels() : []) draw(panel, columns.has(panel.name) ? width : PAGE_WIDTH - 2);
  if (!on) drawNear();
}

function buildPrint() {
  addEventListener("beforeprint", () => printed(true));
  addEventListener("afterprint", () => printed(false));
  byId("print").addEventListener("click", () => print());
}
