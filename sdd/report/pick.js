// The list of groups, or of runs by group, with a tick each.

/** What of a group is found by the filter: its label, its settings, its runs' names and states. */
const searchable = (group) => [group.label, ...Object.entries(group.differing).map(([name, value]) => `${name}=${settingText(value)}`)].join(" ").toLowerCase();

const words = () => byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
const matches = (text) => words().every((word) => text.includes(word));
const runText = (run) => `${searchable(groupOfRun(run))} ${run.name} seed=${run.seed} ${run.state}`.toLowerCase();

/** The groups, each with its runs, that the filter leaves. */
function listed() {
  return groupList.map((group) => ({ group, members: words().length ? runsOf.get(group.id).filter((run) => matches(runText(run))) : runsOf.get(group.id) }))
    .filter(({ group, members }) => members.length || matches(searchable(group)));
}

function segmented(id, options, name, what = "pick") {
  const shown = options.map(([value, text]) => element("label", {},
    element("input", { type: "radio", name: id, value, onchange: () => { state[name] = value; changed(what); } }),
    element("span", {}, text)));
  byId(id).replaceChildren(...shown);
}

function buildPick() {
  segmented("mode", [["groups", "Groups"], ["runs", "Single runs"]], "mode");
  segmented("view", Object.entries(VIEWS), "view", "view");
  segmented("scale", [["remaining", "Remaining, log"], ["linear", "Sparsity, linear"]], "scale");
  buildGrouping();
  byId("colour").replaceChildren(...quantityOptions([["", "automatic"], ["own", "each its own"]], state.colour ?? ""));
  byId("colour").addEventListener("change", ({ target }) => { state.colour = target.value || null; changed("pick"); });
  byId("search").addEventListener("input", drawList);
  byId("pick-all").addEventListener("click", () => pickListed(true));
  byId("pick-none").addEventListener("click", () => pickListed(false));
  byId("panel-list").replaceChildren(...data.columns.map((column) => element("label", { class: "check" },
    element("input", { type: "checkbox", value: column.name, onchange: ({ target }) => {
      state.panels[target.checked ? "add" : "delete"](column.name);
      changed("pick");
    } }), column.label)));
}

/** The choice of what runs are put together by: everything but the seed, or settings of the reader's choice. */
function buildGrouping() {
  const whole = (on, text) => element("label", { class: "check" }, element("input", { type: "radio", name: "by", value: on ? "all" : "some", onchange: () => group(on ? null : [...new Set(groupNames())]) }), text);
  byId("by-list").replaceChildren(whole(true, "every setting but the seed"), whole(false, "these settings:"), ...[...data.differing, SEED].map((name) => element("label", { class: "check inner" },
    element("input", { type: "checkbox", value: name, onchange: ({ target }) => {
      const names = new Set(groupNames());
      names[target.checked ? "add" : "delete"](name);
      group([...names]);
    } }), name)));
}

function group(names) {
  state.by = names;
  regroup();
  state.groups = new Set(groups.keys());
  state.slots = [];
  if (!runs.has(state.marked)) state.marked = null;
  if (!runs.has(state.open)) state.open = null;
  listedMode = "";
  buildGroupsTable();
  changed("pick");
  drawDetail();
}

function pickListed(on) {
  const ids = state.mode === "groups" ? listed().map(({ group }) => group.id)
    : listed().flatMap(({ members }) => members.map((run) => run.id));
  pick(ids, on);
}

function pick(ids, on) {
  for (const id of ids) state[state.mode][on ? "add" : "delete"](id);
  changed("pick");
}

function drawList() {
  const open = new Set([...document.querySelectorAll("#list details[open]")].map((one) => one.dataset.id));
  const fold = curveRuns.length > FIRST_RUNS && !words().length && groupList.length > 1;
  const rows = listed().map(({ group, members }) => (state.mode === "groups" ? groupRow(group)
    : element("details", { "data-id": group.id, open: !fold || open.has(group.id) },
      element("summary", {}, memberTick(group, members), element("span", { class: "label", title: group.label }, shortLabel(group)),
        element("small", {}, String(members.length))),
      ...members.map(runRow))));
  byId("list").replaceChildren(...(rows.length ? rows : [element("p", { class: "hint" }, "Nothing fits the filter.")]));
  updateTicks();
}

function groupRow(group) {
  return element("label", { class: "row", title: group.label }, tick(group.id), element("span", { class: "label" }, shortLabel(group)),
    element("small", { title: plural(group.runs.length, "run") }, `n = ${group.runs.length}`));
}

function runRow(run) {
  return element("label", { class: "row", title: run.name }, tick(run.id),
    element("span", { class: "label" }, runLabels().get(run.id).label.replace(`${groupOfRun(run).label} · `, "")),
    element("small", { class: run.state }, run.state === "finished" ? "" : run.state));
}

const tick = (id) => element("input", { type: "checkbox", "data-pick": id, onchange: ({ target }) => pick([id], target.checked) });

/** One tick for all runs of a group. */
const memberTick = (group, members) => element("input", { type: "checkbox", "data-members": group.id,
  "aria-label": `All runs of ${group.label}`, onchange: ({ target }) => pick(members.map((run) => run.id), target.checked) });

/** Set every tick, in the list and in the tables, to what is picked, in the colour of its curve. */
function updateTicks() {
  const looks = new Map(pickedCurves().map((curve) => [curve.id, paint(curve.style.colour)]));
  const settle = (box, colour, part, all) => {
    box.checked = part > 0 && part === all;
    box.indeterminate = part > 0 && part < all;
    box.style.accentColor = part ? colour : "";
    box.closest("tr")?.classList.toggle("picked", part > 0);
  };
  const settleMembers = (box, id) => settle(box, paint(colourScale() ? colourOfRuns(runsOf.get(id)) : slotStyle(slotOf(id)).colour),
    runsOf.get(id).filter((run) => looks.has(run.id)).length, runsOf.get(id).length);
  for (const box of document.querySelectorAll("input[data-pick]")) {
    const id = box.dataset.pick;
    const shown = state.mode === "groups" && runs.has(id) ? groupOfRun(runs.get(id)).id : id;
    if (state.mode === "runs" && groups.has(id)) settleMembers(box, id);
    else settle(box, looks.get(shown), Number(looks.has(shown)), 1);
  }
  for (const box of document.querySelectorAll("input[data-members]")) settleMembers(box, box.dataset.members);
  const total = state.mode === "groups" ? groupList.length : curveRuns.length;
  byId("picked").textContent = `${looks.size} of ${state.mode === "groups" ? plural(total, "group") : plural(total, "run")}`;
  byId("mode-hint").textContent = state.mode === "groups" ? (state.by === null ? "mean and spread over seeds" : "mean and spread over runs") : "one curve a run";
  byId("label-names").textContent = namesOfLabels();
  for (const name of ["mode", "scale", "view"]) byId(name).querySelector(`[value="${state[name]}"]`).checked = true;
  for (const box of byId("panel-list").querySelectorAll("input")) box.checked = state.panels.has(box.value);
  byId("colour").value = state.colour ?? "";
  const names = groupNames();
  for (const box of byId("by-list").querySelectorAll("input")) {
    box.checked = box.type === "radio" ? (box.value === "all") === (state.by === null) : names.includes(box.value);
  }
  byId("by-name").textContent = state.by === null ? "all but the seed" : state.by.length ? state.by.map((name) => shortNames.get(name)).join(", ") : "all runs together";
}
