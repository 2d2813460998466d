// What is picked and how it is shown; kept in the address, so that a reload and a copied address keep it.

const data = JSON.parse(byId("data").textContent);
const runs = new Map(data.runs.map((run) => [run.id, run]));
const columns = new Map(data.columns.map((column) => [column.name, column]));
const curveRuns = data.runs.filter((run) => run.level.length);
for (const run of curveRuns) ({ sparsity: run.sparsity, remaining_fraction: run.remaining } = data.axes[run.axis]);
const correlated = data.columns.filter((column) => column.correlated);

const SEED = "seed_everything";
const VIEWS = { curves: "Curves", scatter: "Scatter", parallel: "Parallel axes" };
const FIRST_RUNS = 42;

const firstRuns = curveRuns.length <= FIRST_RUNS ? curveRuns : curveRuns.slice(0, FIRST_RUNS);
const single = data.groups.length > 24 && data.groups.length > curveRuns.length / 2 && data.differing.length > 1; // a random search

const DEFAULTS = {
  view: single ? "parallel" : "curves",
  runs: (single ? curveRuns : firstRuns).map((run) => run.id),
  panels: data.columns.filter((column) => column.shown).map((column) => column.name),
  x: data.differing[0] ?? "remaining@trough",
  y: "test_acc@peak",
};

const state = {
  view: "curves",
  mode: "groups",
  by: null,
  colour: null,
  groups: new Set(),
  runs: new Set(),
  panels: new Set(),
  scale: "remaining",
  logs: new Map(),
  x: null,
  y: null,
  axes: [],
  brush: new Map(),
  marked: null,
  open: null,
  only: false,
  sort: { runs: null, groups: null },
  hidden: { runs: new Set(), groups: new Set() },
  range: null,
  slots: [],
};

/** What the address says, by name: a list of words each. */
function addressed() {
  const decode = (text) => {
    try {
      return decodeURIComponent(text);
    } catch {
      return text; // not written by this page
    }
  };
  return new Map(location.hash.slice(1).split("&").filter(Boolean).map((part) => {
    const cut = part.indexOf("=");
    return [part.slice(0, cut), part.slice(cut + 1).split(",").map(decode)];
  }));
}

function readAddress() {
  const given = addressed();
  const word = (name) => given.get(name)?.[0] ?? null;
  const chosen = (name, all, usual) => {
    if (!given.has(name)) return new Set(usual);
    if (word(name) === "all") return new Set(all);
    return new Set(all.filter((id) => given.get(name).includes(id)));
  };
  const quantity = (name) => (quantities.has(word(name)) ? word(name) : null);
  state.view = word("view") in VIEWS ? word("view") : DEFAULTS.view;
  state.mode = word("mode") === "runs" ? "runs" : "groups";
  state.by = given.has("by") ? given.get("by").filter((name) => name === SEED || data.differing.includes(name)) : null;
  state.colour = word("colour") === "own" ? "own" : quantity("colour");
  regroup();
  state.groups = chosen("groups", [...groups.keys()], groups.keys());
  state.runs = chosen("runs", curveRuns.map((run) => run.id), DEFAULTS.runs);
  state.panels = chosen("panels", [...columns.keys()], DEFAULTS.panels);
  state.scale = word("axis") === "linear" ? "linear" : "remaining";
  state.logs = new Map((given.get("log") ?? []).map((text) => [text.slice(1), text[0] === "+"]));
  state.x = quantity("x") ?? DEFAULTS.x;
  state.y = quantity("y") ?? DEFAULTS.y;
  state.axes = given.has("axes") ? given.get("axes").filter((key) => quantities.has(key)) : usualAxes();
  state.brush = brushFrom(word("brush"));
  state.marked = word("marked");
  state.open = runs.has(word("open")) || groups.has(word("open")) ? word("open") : null;
  state.only = given.has("only");
  for (const table of ["runs", "groups"]) {
    const [direction, key] = given.get(`sort-${table}`) ?? [];
    state.sort[table] = key === undefined ? null : { key, descending: direction === "down" };
    state.hidden[table] = new Set(given.get(`hide-${table}`) ?? []);
  }
  state.slots = given.get("colours") ?? [];
}

function writeAddress() {
  const said = [];
  const say = (name, values) => said.push(`${name}=${values.map(encodeURIComponent).join(",")}`);
  const choose = (name, all, usual) => {
    const ids = all.filter((id) => state[name].has(id));
    if (ids.join() === [...usual].join()) return;
    say(name, ids.length === 0 ? ["none"] : ids.length === all.length ? ["all"] : ids);
  };
  if (state.view !== DEFAULTS.view) say("view", [state.view]);
  if (state.mode !== "groups") say("mode", [state.mode]);
  if (state.by !== null) say("by", state.by);
  if (state.colour !== null) say("colour", [state.colour]);
  choose("groups", [...groups.keys()], groups.keys());
  choose("runs", curveRuns.map((run) => run.id), DEFAULTS.runs);
  choose("panels", [...columns.keys()], DEFAULTS.panels);
  if (state.scale !== "remaining") say("axis", [state.scale]);
  if (state.logs.size) say("log", [...state.logs].map(([name, on]) => (on ? "+" : "-") + name));
  for (const name of ["x", "y"]) if (state[name] !== DEFAULTS[name]) say(name, [state[name]]);
  if (state.axes.join() !== usualAxes().join()) say("axes", state.axes);
  if (state.brush.size) say("brush", [JSON.stringify(Object.fromEntries(state.brush))]);
  if (state.marked) say("marked", [state.marked]);
  if (state.open) say("open", [state.open]);
  if (state.only) say("only", ["1"]);
  for (const table of ["runs", "groups"]) {
    const sort = state.sort[table];
    if (sort) say(`sort-${table}`, [sort.descending ? "down" : "up", sort.key]);
    if (state.hidden[table].size) say(`hide-${table}`, [...state.hidden[table]]);
  }
  if (groupList.length > SLOTS && state.slots.some(Boolean)) say("colours", state.slots);
  history.replaceState(history.state, "", `#${said.join("&")}`);
}

/** Give each group that is shown a colour of its own as long as there are some; it keeps it while it is shown. */
function settleColours() {
  if (groupList.length <= SLOTS) {
    state.slots = [...groups.keys()];
    return;
  }
  const used = groupList.filter((group) =>
    state.mode === "groups" ? state.groups.has(group.id) : runsOf.get(group.id).some((run) => state.runs.has(run.id)));
  const ids = new Set(used.map((group) => group.id));
  state.slots = state.slots.map((id) => (ids.has(id) ? id : ""));
  for (const id of ids) {
    if (state.slots.includes(id)) continue;
    const free = state.slots.indexOf("");
    if (free < 0) state.slots.push(id);
    else state.slots[free] = id;
  }
}
