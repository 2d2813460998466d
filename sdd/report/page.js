// The start, and what follows from each change.

/** Show the state as it is now; `what` says which part of it changed. */
function changed(what) {
  if (what === "pick") {
    settleColours();
    state.range = state.scale === drawnScale ? state.range : null;
    drawnScale = state.scale;
    if (state.mode !== listedMode) { listedMode = state.mode; drawList(); } else updateTicks();
  }
  writeAddress();
  if (what === "open") { updateTables(); drawDetail(); return; }
  drawLegend();
  updateTables();
  staleAll();
}

let drawnScale = "even";
let listedMode = "groups";

function drawHead() {
  const folders = Object.values(data.counts).reduce((sum, count) => sum + count, 0);
  const states = STATES.filter((name) => data.counts[name]).map((name) => `${data.counts[name]} ${STATE_WORDS[name] ?? name}`);
  byId("title").textContent = data.title;
  byId("counts").textContent = `${plural(data.groups.length, "group")}, ${plural(curveRuns.length, "curve")}; ${plural(folders, "folder")}: ${states.join(", ")}`;
  byId("made").replaceChildren(`${data.made}`);
  byId("foot").textContent = `Made by sdd ${data.version} on ${data.made}. Values in the plots and in downloaded CSV files are those of each run's curve.csv to the last digit, means and standard deviations of them; verdicts and correlations are computed from them anew.`;
}

/** Under --watch: read the page anew every so often, but not under the reader's hands. */
function keepFresh() {
  if (!known(data.watch)) return;
  const seconds = Math.max(2, data.watch);
  const button = element("button", { type: "button", "aria-pressed": "false", onclick: () => {
    const paused = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? "go on" : "pause";
  } }, "pause");
  byId("made").append(element("span", { class: "live" }, ` · kept up to date every ${Number(seconds)} s `), button);
  const quiet = Math.min(5, seconds) * 1000;
  let touched = -Infinity;
  for (const event of ["pointerdown", "pointermove", "keydown", "wheel", "touchmove"]) {
    addEventListener(event, () => { touched = performance.now(); }, { passive: true });
  }
  setInterval(() => {
    const busy = performance.now() - touched < quiet || document.hidden || button.getAttribute("aria-pressed") === "true";
    if (performance.now() >= seconds * 1000 && !busy) {
      keepPlace();
      location.reload();
    }
  }, 500);
}

/** Remember what the address does not say: where the page is scrolled to, and the filter's words. */
function keepPlace() {
  const scrolled = ["list", "groups-table", "runs-table", "detail", "side"].map((id) => [id, byId(id).scrollTop, byId(id).scrollLeft]);
  history.replaceState({ top: scrollY, search: byId("search").value, scrolled }, "", location.hash);
}

function backToPlace() {
  history.scrollRestoration = "manual";
  if (!history.state) return;
  byId("search").value = history.state.search;
  if (history.state.search) drawList();
  for (const [id, top, left] of history.state.scrolled) byId(id).scrollTo(left, top);
  scrollTo(0, history.state.top);
}

function start() {
  readAddress();
  if (matchMedia("(max-width: 820px)").matches) byId("side").open = false;
  drawHead();
  buildPick();
  buildTables();
  settleColours();
  drawnScale = state.scale;
  listedMode = state.mode;
  drawList();
  updateTables();
  buildPanels();
  drawLegend();
  staleAll();
  drawDetail();
  byId("data-csv").addEventListener("click", () => downloadPanelData(data.columns.filter((column) => state.panels.has(column.name))));
  byId("unzoom").addEventListener("click", () => zoom(null));
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("runs-section").scrollIntoView(); byId("runs-section").focus(); });
  addEventListener("keydown", ({ key }) => { if (key === "Escape" && state.open) closeDetail(); });
  addEventListener("hashchange", () => { readAddress(); listedMode = ""; changed("pick"); drawDetail(); for (const name of tables.keys()) sortTable(name); });
  addEventListener("pagehide", keepPlace);
  dark.addEventListener("change", () => { updateTicks(); drawLegend(); staleAll(); redrawDetail(); });
  let resizing = 0;
  let width = byId("panels").clientWidth;
  new ResizeObserver(() => {
    if (byId("panels").clientWidth === width) return;
    width = byId("panels").clientWidth;
    clearTimeout(resizing);
    resizing = setTimeout(() => { staleAll(); redrawDetail(); }, 120);
  }).observe(byId("panels"));
  backToPlace();
  keepFresh();
}

start();
