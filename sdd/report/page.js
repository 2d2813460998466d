// The start, and what follows from each change.

/** Show the state as it is now; `what` says which part of it changed. */
function changed(what) {
  pickedHeld = null;
  if (what === "pick" || what === "view") {
    settleColours();
    state.range = state.scale === drawnScale ? state.range : null;
    drawnScale = state.scale;
    if (state.mode !== listedMode) { listedMode = state.mode; drawList(); } else updateTicks();
  }
  writeAddress();
  if (what === "open") { updateTables(); drawDetail(); return; }
  if (what === "brush") { settleBrushes(); staleAll(); return; }
  showView();
  drawLegend();
  updateTables();
  staleAll();
  if (valuesShown) setTimeout(drawDetail, 0); // the figures first
}

/** The controls and the place of the view that is chosen. */
function showView() {
  for (const part of document.querySelectorAll("[data-view]")) part.hidden = part.dataset.view !== state.view;
  if (state.view === "parallel") drawBrushes();
  showRange();
}

let drawnScale = "remaining";
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

/** An open menu closes by Escape, by a click beside it, and when the focus leaves it. */
function closeMenus() {
  const open = () => document.querySelectorAll("details.menu[open]");
  addEventListener("pointerdown", ({ target }) => { for (const menu of open()) if (!menu.contains(target)) menu.open = false; });
  addEventListener("focusin", ({ target }) => { for (const menu of open()) if (!menu.contains(target)) menu.open = false; });
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      event.stopImmediatePropagation();
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
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
  closeMenus();
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
  buildScatter();
  buildParallel();
  drawAxesMenu();
  buildTickets();
  buildPrint();
  showView();
  drawLegend();
  staleAll();
  drawDetail();
  byId("data-csv").addEventListener("click", downloadAllData);
  for (const id of ["range-from", "range-to"]) byId(id).addEventListener("change", typedRange);

  byId("unzoom").addEventListener("click", () => zoom(null));
  byId("skip").addEventListener("click", (event) => { event.preventDefault(); byId("runs-section").scrollIntoView(); byId("runs-section").focus(); });
  addEventListener("keydown", ({ key }) => { if (key === "Escape" && !byId("detail").hidden && !document.querySelector("details.menu[open]")) closeDetail(); });
  addEventListener("hashchange", () => { readAddress(); listedMode = ""; buildGroupsTable(); drawAxesMenu(); changed("pick"); drawDetail(); for (const name of tables.keys()) sortTable(name); });
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
