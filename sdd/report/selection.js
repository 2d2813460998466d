// What is picked and how it is shown; kept in the address, so that a reload and a copied address keep it.

const data = JSON.parse(byId("data").textContent);
for (const one of [...data.groups, ...data.runs.filter((run) => run.level.length)]) one.sparsity = data.sparsities[one.sparsity];
const groups = new Map(data.groups.map((group) => [group.id, group]));
const runs = new Map(data.runs.map((run) => [run.id, run]));
const columns = new Map(data.columns.map((column) => [column.name, column]));
const curveRuns = data.runs.filter((run) => run.level.length);
const runsOf = new Map(data.groups.map((group) => [group.id, curveRuns.filter((run) => run.group === group.id)]));

const COLOURS = {
  light: ["#0072B2", "#D55E00", "#009E73", "#B8569A", "#E69F00", "#56B4E9", "#444444"],
  dark: ["#4FA3DF", "#EE7733", "#1DBF8F", "#DE8FC0", "#F2C14E", "#A9DDF7", "#D9DEE2"],
};
const SLOTS = COLOURS.light.length;
const FIRST_GROUPS = 7;
const FIRST_RUNS = 42;

const firstGroups = data.groups.slice(0, data.groups.length <= 12 ? 12 : FIRST_GROUPS);
const DEFAULTS = {
  groups: firstGroups.map((group) => group.id),
  runs: (curveRuns.length <= FIRST_RUNS ? curveRuns : firstGroups.flatMap((group) => runsOf.get(group.id)))
    .slice(0, FIRST_RUNS).map((run) => run.id),
  panels: data.columns.filter((column) => column.shown).map((column) => column.name),
};

const state = {
  mode: "groups",
  groups: new Set(),
  runs: new Set(),
  panels: new Set(),
  scale: "even",
  logs: new Map(),
  marked: null,
  open: null,
  only: false,
  sort: { runs: null, groups: null },
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
  const chosen = (name, all) => {
    if (!given.has(name)) return new Set(DEFAULTS[name]);
    if (word(name) === "all") return new Set(all);
    return new Set(all.filter((id) => given.get(name).includes(id)));
  };
  state.mode = word("mode") === "runs" ? "runs" : "groups";
  state.groups = chosen("groups", [...groups.keys()]);
  state.runs = chosen("runs", curveRuns.map((run) => run.id));
  state.panels = chosen("panels", [...columns.keys()]);
  state.scale = word("x") === "linear" ? "linear" : "even";
  state.logs = new Map((given.get("log") ?? []).map((text) => [text.slice(1), text[0] === "+"]));
  state.marked = word("marked");
  state.open = runs.has(word("open")) || groups.has(word("open")) ? word("open") : null;
  state.only = given.has("only");
  for (const table of ["runs", "groups"]) {
    const [direction, key] = given.get(`sort-${table}`) ?? [];
    state.sort[table] = key === undefined ? null : { key, descending: direction === "down" };
  }
  state.slots = given.get("colours") ?? [];
}

function writeAddress() {
  const said = [];
  const say = (name, values) => said.push(`${name}=${values.map(encodeURIComponent).join(",")}`);
  const choose = (name, all) => {
    const ids = all.filter((id) => state[name].has(id));
    if (ids.join() === DEFAULTS[name].join()) return;
    say(name, ids.length === 0 ? ["none"] : ids.length === all.length ? ["all"] : ids);
  };
  if (state.mode !== "groups") say("mode", [state.mode]);
  choose("groups", [...groups.keys()]);
  choose("runs", curveRuns.map((run) => run.id));
  choose("panels", [...columns.keys()]);
  if (state.scale !== "even") say("x", [state.scale]);
  if (state.logs.size) say("log", [...state.logs].map(([name, on]) => (on ? "+" : "-") + name));
  if (state.marked) say("marked", [state.marked]);
  if (state.open) say("open", [state.open]);
  if (state.only) say("only", ["1"]);
  for (const table of ["runs", "groups"]) {
    const sort = state.sort[table];
    if (sort) say(`sort-${table}`, [sort.descending ? "down" : "up", sort.key]);
  }
  if (data.groups.length > SLOTS && state.slots.some(Boolean)) say("colours", state.slots);
  history.replaceState(history.state, "", `#${said.join("&")}`);
}

/** Give each group that is shown a colour of its own as long as there are some; it keeps it while it is shown. */
function settleColours() {
  if (data.groups.length <= SLOTS) {
    state.slots = [...groups.keys()];
    return;
  }
  const used = data.groups.filter((group) =>
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
