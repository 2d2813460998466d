// Winning tickets against networks re-initialised under the same masks, as `analyze` compares them pair by pair.

const TICKET_LOOK = { lottery: { slot: 0 }, reinit: { slot: 1 } };

function buildTickets() {
  byId("tickets-section").hidden = !data.tickets.length;
  for (const [index, { comparison, reason, group }] of data.tickets.entries()) {
    const label = data.groups.find((one) => one.id === group).label;
    if (!comparison) {
      byId("tickets").append(element("p", { class: "hint" }, `${label}: not compared, since ${reason}.`));
      continue;
    }
    addPanel(byId("tickets"), {
      name: `tickets-${index + 1}`, title: `Winning tickets: ${comparison.lottery}, against: ${comparison.reinit}`,
      heading: `${comparison.lottery} against ${comparison.reinit}`, size: { width: 860, height: 720 },
      make: (width, forFile) => ticketFigure(comparison, width, forFile), words: () => ticketWords(comparison), rows: () => ticketRows(comparison),
    });
    byId("tickets").append(element("p", { class: "hint" }, ticketKey(comparison)));
  }
}

const ticketKey = (comparison) => `Above: mean test accuracy over ${plural(comparison.pairs.length, "pair")} of runs with the same masks. Below: re-initialised minus winning ticket, with its ${
  percent(comparison.confidence, 0)} % interval over pairs; filled where the interval excludes zero, diamonds where it does so with Holm's correction over all levels.`;

function ticketFigure(comparison, width, forFile = false) {
  const look = theme(forFile);
  const { levels } = comparison;
  const x = levels.map(({ sparsity }) => place(sparsity));
  const range = fullRange([{ sparsity: levels.map(({ sparsity }) => sparsity) }]);
  const line = (key, name, dash) => ({ type: "scatter", mode: "lines+markers", name, x, y: levels.map((level) => level[`${key}_test_acc`]), hoverinfo: "none", meta: key,
    line: { color: paint(TICKET_LOOK[key], forFile), width: 2, dash }, marker: { size: 4, color: paint(TICKET_LOOK[key], forFile) } });
  const better = (level) => (level.mean > 0 ? TICKET_LOOK.reinit : TICKET_LOOK.lottery);
  const sure = (level, end = "") => level[`reinit_wins${end}`] || level[`lottery_wins${end}`];
  const colours = levels.map((level) => paint(better(level), forFile));
  const difference = { type: "scatter", mode: "markers", name: "difference", meta: "difference", x, y: levels.map(({ mean: value }) => points100(value)), yaxis: "y2", hoverinfo: "none", showlegend: false,
    error_y: { type: "data", symmetric: false, array: levels.map(({ mean: value, high }) => points100(high - value)), arrayminus: levels.map(({ mean: value, low }) => points100(value - low)), color: look.muted, thickness: 1, width: 2 },
    marker: { size: levels.map((level) => (sure(level, "_holm") ? 9 : 7)), symbol: levels.map((level) => (sure(level, "_holm") ? "diamond" : sure(level) ? "circle" : "circle-open")), color: colours, line: { color: colours, width: 1 } } };
  const words = ticketKey(comparison);
  const inner = width - 74;
  const axis = plainAxis(look, forFile);
  return { data: [line("lottery", "winning tickets", "solid"), line("reinit", "re-initialised", "dash"), difference], layout: {
    width, height: forFile ? undefined : 420, margin: { l: 62, r: 12, t: forFile ? titleHeight(words) + 26 : 30, b: forFile ? 70 : 42 }, paper_bgcolor: look.paper, plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: FONT, size: 12, color: look.text }, hovermode: "closest", dragmode: false, title: forFile ? fileTitle("Winning tickets against re-initialised networks", words) : undefined,
    showlegend: true, legend: forFile ? LEGEND : { orientation: "h", x: 0, y: 1.01, yanchor: "bottom" },
    xaxis: { ...axis, range, ...sparsityTicks(range, inner), showgrid: false, anchor: "y2", title: axisName(axisTitle(), look, forFile) },
    yaxis: { ...axis, domain: [0.44, 1], tickformat: ".0%", title: axisName("Test accuracy (%)", look, forFile) },
    yaxis2: { ...axis, domain: [0, 0.36], zeroline: true, zerolinecolor: look.muted, title: axisName("Difference (points)", look, forFile) },
  } };
}

const points100 = (value) => (known(value) ? 100 * value : null);

function ticketWords(comparison) {
  const pruned = comparison.levels.filter(({ sparsity }) => sparsity > 0);
  const count = (name) => pruned.filter((level) => level[name]).length;
  const { overall } = comparison;
  return `Winning tickets (${comparison.lottery}) and re-initialised networks (${comparison.reinit}), ${plural(comparison.pairs.length, "pair")}, ${plural(pruned.length, "pruned level")}. Re-initialised networks are better at ${
    count("reinit_wins")} levels (${count("reinit_wins_holm")} with Holm's correction), winning tickets at ${count("lottery_wins")} (${count("lottery_wins_holm")}). Over all pruned levels the difference is ${points(overall.mean)} points ${interval(overall, points)}. The button Table shows all values.`;
}

function ticketRows(comparison) {
  const names = ["level", "sparsity", "lottery_test_acc", "reinit_test_acc", "mean", "low", "high", "n", "p_value", "p_holm"];
  return [names.map((name) => ({ mean: "difference", low: "difference_low", high: "difference_high" })[name] ?? name), ...comparison.levels.map((level) => names.map((name) => level[name]))];
}
