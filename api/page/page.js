"use strict";

// onTimeMinutes: a delay of at most this is on time.
const onTimeMinutes = 5;
// retrySeconds is the pause before asking again while the system starts.
const retrySeconds = 5;
// oldSeconds is when a report is so old that the age becomes a warning.
const oldSeconds = 600;
// riskShown is the chance of cancellation from which on the board names it.
const riskShown = 0.05;

const asked = new URLSearchParams(location.search);
let language = ["de", "en"].includes(asked.get("lang")) ? asked.get("lang") : (navigator.language || "en").startsWith("de") ? "de" : "en";
let open = asked.get("open") || ""; // stop_id whose details are shown
let shown = null; // the board on display
let model = null; // what /v1/models says
let failure = null; // the error on display
let turn = 0; // counts requests: only the last one is shown
let waiting = 0; // timer of the next try
let stations = []; // all that have forecasts
let chosen = null; // the station on display

const at = (id) => document.getElementById(id);
const say = (name) => texts[language][name];

// element makes a DOM element; text never becomes markup.
function element(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children);
  return e;
}

const format = (p, digits) => new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(p);

// percent never says 0 or 100: nothing is certain.
const percent = (p) => (p < 0.005 ? `<${format(0.01, 0)}` : p > 0.995 ? `>${format(0.99, 0)}` : format(p, 0));
const decimal = (v, digits) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(v);
const rank = (p) => (p >= 0.8 ? "good" : p >= 0.5 ? "middle" : "bad");

// clockTime is German local time, as the answer carries it.
const clockTime = (text) => text.slice(11, 16);

// day writes the day of a time or a date, shifted by so many days.
function day(text, shift = 0) {
  const date = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  date.setUTCDate(date.getUTCDate() + shift);
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : "de", { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" }).format(date);
}

// germanTime writes a moment of any offset in German local time.
function germanTime(text) {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : "de", { timeZone: "Europe/Berlin", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" }).format(new Date(text));
}

// Problem is an answer that is none: its kind has a text, its detail is the
// server's own sentence.
class Problem extends Error {
  constructor(kind, body) {
    super((body && body.detail) || "");
    this.kind = kind;
    this.near = ((body && body.near) || []).map((match) => match.name);
  }
}

async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" } });
  } catch {
    throw new Problem("network");
  }
  const body = await response.json().catch(() => null);
  if (response.ok && body) return body;
  const kind = ((body && body.type) || "").split(":").at(-1);
  throw new Problem(texts.en[kind] ? kind : "internal", body);
}

// fail shows what went wrong in place of a board that would not belong to it.
function fail(error) {
  if (!(error instanceof Problem)) throw error;
  failure = error;
  shown = null;
  at("table").hidden = true;
  at("empty").hidden = true;
  at("clock").textContent = "";
  drawFailure();
}

function drawFailure() {
  at("problem").hidden = failure === null;
  if (failure === null) return;
  const detail = element("small", "", [failure.message, failure.near.join(", ")].filter(Boolean).join(" – "));
  detail.lang = "en";
  at("problem").replaceChildren(say(failure.kind), detail);
}

function bar(p, className) {
  const fill = element("i");
  fill.style.width = `${(100 * p).toFixed(1)}%`;
  const track = element("span", `bar ${className}`, fill);
  track.setAttribute("aria-hidden", "true");
  return track;
}

function translate() {
  document.documentElement.lang = language;
  at("language").textContent = say("other");
  at("language").lang = say("otherCode");
  for (const name of ["lead", "show", "empty"]) at(name).textContent = say(name);
  at("station").placeholder = say("pick");
  for (const name of ["station", "from", "hours", "event"]) at(`label-${name}`).textContent = say(name);
  for (const option of at("event").options) option.textContent = say(option.value);
  for (const name of ["planned", "train", "railway", "chance"]) at(`head-${name}`).textContent = say(name);
  at("link-model").textContent = say("linkModel");
  at("link-api").textContent = say("linkAPI");
  at("link-experiments").textContent = say("linkExperiments");
  drawFailure();
  drawModel();
  drawQuality();
  if (shown) draw(shown);
}

// expected is what the railway itself says.
function expected(stop) {
  if (stop.railway.cancelled) return [say("cancelled"), "cancelled"];
  if (stop.railway.time === null) return [say("onPlan"), ""];
  const delay = stop.railway.delay_minutes;
  return [`${clockTime(stop.railway.time)} (${delay < 0 ? "−" : "+"}${Math.abs(delay)})`, delay > onTimeMinutes ? "bad" : ""];
}

function platform(stop) {
  const now = stop.railway.platform || stop.platform;
  if (!now) return "";
  const changed = stop.platform && stop.platform !== now;
  return `${say("platform")} ${now}${changed ? ` ${say("insteadOf")} ${stop.platform}` : ""}`;
}

function chance(stop) {
  if (stop.railway.cancelled) {
    return element("div", "", element("span", "sub", `${say("ifRuns")}: ${percent(stop.p_on_time)}`));
  }
  const cell = element("div", "", element("div", "chance", element("b", "percent", percent(stop.p_on_time)), bar(stop.p_on_time, rank(stop.p_on_time))));
  if (stop.p_cancelled >= riskShown) cell.append(element("span", "sub", `${say("cancel")}: ${percent(stop.p_cancelled)}`));
  return cell;
}

function row(stop, number) {
  const name = element("button", "train", stop.line ? `${stop.train} (${stop.line})` : stop.train);
  name.type = "button";
  name.setAttribute("aria-expanded", "false");
  name.setAttribute("aria-controls", `details-${number}`);
  const [said, how] = expected(stop);
  const toward = `${say(stop.event === "departure" ? "to" : "origin")} ${stop.direction || "–"}`;
  const planned = element("td", "", clockTime(stop.planned), element("span", `sub narrow ${how}`, how || stop.railway.time ? said : ""));
  if (stop.planned.slice(0, 10) !== shown.from.slice(0, 10)) planned.append(element("span", "sub", day(stop.planned)));
  const tr = element("tr", "stop", planned,
    element("td", "", name, element("span", "sub narrow", toward), " ", element("span", "platform", platform(stop))),
    element("td", "direction roomy", stop.direction || ""),
    element("td", `said roomy ${how}`, said),
    element("td", "", chance(stop)));
  tr.addEventListener("click", () => toggle(tr, name, stop, number));
  if (stop.stop_id === open) {
    queueMicrotask(() => {
      toggle(tr, name, stop, number);
      tr.scrollIntoView({ block: "nearest" });
    });
  }
  return tr;
}

async function toggle(tr, button, stop, number) {
  const below = tr.nextElementSibling;
  if (below && below.classList.contains("details")) {
    below.remove();
    button.setAttribute("aria-expanded", "false");
    remember("");
    return;
  }
  const about = element("div", "about", distribution(stop));
  const cell = element("td", "", about);
  cell.colSpan = 5;
  const details = element("tr", "details", cell);
  details.id = `details-${number}`;
  tr.after(details);
  button.setAttribute("aria-expanded", "true");
  remember(stop.stop_id);
  try {
    const query = new URLSearchParams({ stop_id: stop.stop_id, event: stop.event, at: stop.known_at });
    const answer = await get(`/v1/forecasts?${query}`);
    about.append(reasons(answer.forecast.reasons || [], stop));
  } catch (error) {
    about.append(element("p", "bad", say(error.kind) || say("internal")));
  }
}

// span names the delays above one edge and up to the next, in whole minutes.
function span(above, edge) {
  if (edge === null) return `${above + 1} ${say("orMore")}`;
  if (above === null) return edge < 0 ? say("early") : `0–${edge} ${say("late")}`;
  if (edge === 0) return say("onTheMinute");
  return above + 1 === edge ? `${edge} ${say("late")}` : `${above + 1}–${edge} ${say("late")}`;
}

function distribution(stop) {
  const grid = element("div", "distribution");
  let above = null;
  let before = 0;
  const line = (edge, p) => {
    const late = above !== null && above >= onTimeMinutes;
    if (above === onTimeMinutes) grid.append(element("span", "cut", say("limit")));
    grid.append(element("span", "", span(above, edge)), bar(p, late ? "bad" : "good"), element("span", "share", percent(p)));
  };
  for (const edge of stop.cumulative) {
    line(edge.edge_minutes, Math.max(0, edge.p - before));
    above = edge.edge_minutes;
    before = edge.p;
  }
  line(null, Math.max(0, 1 - before));
  return element("div", "", element("h2", "", say("distribution")), grid, ...facts(stop));
}

// atMost puts a quantile into words.
function atMost(quantile) {
  if (quantile.at_most_minutes === null) return `${say("beyond")} ${quantile.above_minutes} ${say("late")}`;
  if (quantile.at_most_minutes <= 0) return say("notLate");
  return `${say("atMost")} ${quantile.at_most_minutes} ${say("late")}`;
}

function facts(stop) {
  const nine = stop.quantiles.find((quantile) => quantile.level === 0.9);
  const lines = [element("p", "", `${say("half")} ${atMost(stop.median)}${nine ? `; ${say("nine")} ${atMost(nine)}` : ""}.`)];
  lines.push(element("p", "", `${say("cancel")}: ${percent(stop.p_cancelled)}`));
  if (stop.baseline) lines.push(element("p", "", `${say("baseline")}: ${percent(stop.baseline.p_on_time)}`));
  return lines;
}

// measure writes the value of a reason.
function measure(reason) {
  const value = reason.value;
  if (value === null) return say("unknown");
  switch (reason.unit) {
    case "0 or 1": return say(value ? "yes" : "no");
    case "min": return `${decimal(value, 0)} min`;
    case "h": return `${String(Math.floor(value)).padStart(2, "0")}:${String(Math.round(value * 60) % 60).padStart(2, "0")}`;
    case "share": return format(value, 0);
    case "excess": return `${value < 0 ? "−" : "+"}${decimal(Math.abs(100 * value), 0)} ${say("points")}`;
  }
  return decimal(value, 1);
}

function reasons(all) {
  const list = element("ul");
  for (const reason of all) {
    const words = reasonWords[reason.feature];
    const pull = element("span", `pull ${reason.towards === "late" ? "bad" : "good"}`, say(reason.towards === "late" ? "speaksLate" : "speaksOnTime"));
    if (words) list.append(element("li", "", `${words[language === "de" ? 1 : 0]}: ${measure(reason)} – `, pull));
    else list.append(element("li", "", reason.text));
  }
  return element("div", "", element("h2", "", say("reasons")), list);
}

function drawClock(board) {
  const age = board.data_age_seconds;
  const now = board.clock.now;
  const reported = age === null ? say("never") : `${say("age")} ${age < 120 ? `${decimal(age, 0)} ${say("old")}` : `${decimal(age / 60, 0)} ${say("oldMinutes")}`}`;
  const lines = [`${say("it")} ${day(now)}, ${clockTime(now)}; ${reported}.`];
  const known = new Date(board.known_at);
  if (new Date(now) - known > 60000) lines.push(`${say("past")} ${day(board.known_at)}, ${clockTime(board.known_at)}, ${say("pastRest")}`);
  if (board.clock.ended) lines.push(say("ended"));
  at("clock").textContent = lines.join(" ");
  at("clock").className = age === null || age > oldSeconds ? "old" : "";
}

function draw(board) {
  shown = board;
  failure = null;
  drawFailure();
  drawClock(board);
  const departures = at("event").value === "departure";
  at("head-direction").textContent = say(departures ? "to" : "origin");
  at("caption").textContent = `${say(at("event").value)} ${board.station.name}, ${clockTime(board.from)}–${clockTime(board.until)}`;
  document.title = `${board.station.name} – pünktlich`;
  at("board").replaceChildren(...board.stops.map(row));
  at("table").hidden = board.stops.length === 0;
  at("empty").hidden = board.stops.length > 0;
  at("source").textContent = say(board.clock.source) || "";
  at("source").hidden = at("source").textContent === "";
  drawModel();
}

// drawModel says who answers, and how good it was: on how many events, of
// which days, against what.
function drawModel() {
  at("model").textContent = shown ? `${say("model")} ${shown.model}, ${say("version")} ${shown.version} (${say("package")} ${shown.digest.slice(0, 12)}).` : "";
  at("tested").textContent = "";
  const live = shown && model && model.champion;
  at("live").textContent = live ? `${say("liveSince")} ${germanTime(live.since)}, ${say("by")} ${live.actor}: ${live.reason}` : "";
  if (shown) at("link-model").href = `/v1/models/${encodeURIComponent(shown.model)}`;
  const report = model && model.evaluation;
  if (!shown || !report || !report.horizons || model.serving.digest !== shown.digest) return;
  const half = report.horizons.find((horizon) => horizon.minutes === 30) || report.horizons[0];
  const rival = half && half.baselines && half.baselines[half.best_baseline];
  if (!rival || !texts.en[half.best_baseline]) return;
  at("tested").textContent = `${say("learned")} ${decimal(report.train_events, 0)} ${say("events")} ${say("days")} ${range(report.train_days.from, report.train_days.to)}` +
    `${say("tested")} ${decimal(report.test_events, 0)} ${say("testedDays")} ${range(report.test_days.from, report.test_days.to)}: ` +
    `${half.minutes} ${say("ahead")} ${decimal(half.brier, 3)}, ${say("against")} ${decimal(rival.brier, 3)} ${say("versus")} ${say(half.best_baseline)}.`;
}

// remember keeps the question in the address, so that it can be kept and sent.
function remember(stop) {
  open = stop;
  const query = new URLSearchParams({ station: chosen ? chosen.eva : "", event: at("event").value, hours: at("hours").value, lang: language });
  if (at("from").value) query.set("from", at("from").value);
  if (open) query.set("open", open);
  history.replaceState(null, "", `?${query}`);
}

// folded writes a name without case, umlauts and signs, in the two ways people do.
function folded(name) {
  const lower = name.toLowerCase();
  const long = lower.replace(/ä/g, "ae").replace(/ö/g, "oe").replace(/ü/g, "ue").replace(/ß/g, "ss");
  const short = lower.replace(/ß/g, "s").normalize("NFD").replace(/\p{M}/gu, "");
  return [long, short].map((text) => text.replace(/[^\p{L}\p{N}]+/gu, " ").trim());
}

// search finds the stations of what was typed: the one that is called so, else
// those that begin with it, else those that hold it.
function search(typed) {
  const wanted = folded(typed);
  if (wanted[0] === "") return [];
  const by = (fits) => stations.filter((station) => folded(station.name).some((name, i) => fits(name, wanted[i])) || fits(String(station.eva), wanted[0]));
  for (const fits of [(name, text) => name === text, (name, text) => name.startsWith(text), (name, text) => name.includes(text)]) {
    const found = by(fits);
    if (found.length > 0) return found;
  }
  return [];
}

// choose takes what was typed: the one station that is meant, or asks which.
function choose() {
  const found = search(at("station").value);
  at("meant").hidden = found.length === 1;
  if (found.length === 1) {
    take(found[0]);
    return true;
  }
  at("meant").replaceChildren(say(found.length === 0 ? "noStation" : "which"), " ", ...found.slice(0, 6).map((station) => {
    const button = element("button", "choice", station.name);
    button.type = "button";
    button.addEventListener("click", () => {
      at("meant").hidden = true;
      take(station);
      remember("");
      refresh();
    });
    return button;
  }));
  return false;
}

// keys of the board: arrows go from train to train, Escape closes what Enter opened.
function keys(event) {
  const here = event.target.closest("button.train");
  if (!here) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const trains = [...at("board").querySelectorAll("button.train")];
    const next = trains[trains.indexOf(here) + step];
    if (next) next.focus();
    event.preventDefault(); // the page follows the focus
  } else if (event.key === "Escape" && here.getAttribute("aria-expanded") === "true") {
    here.click();
  }
}

function take(station) {
  chosen = station;
  at("station").value = station.name;
}

async function refresh() {
  const mine = ++turn;
  clearTimeout(waiting);
  const query = new URLSearchParams({ hours: at("hours").value, event: at("event").value });
  if (at("from").value) query.set("from", at("from").value);
  try {
    const board = await get(`/v1/stations/${encodeURIComponent(chosen.eva)}/forecasts?${query}`);
    if (mine !== turn) return;
    model = await get(`/v1/models/${encodeURIComponent(board.model)}`).catch(() => null);
    if (mine === turn) draw(board);
    readQuality(board.model);
  } catch (error) {
    if (mine === turn) fail(error);
    if (error.kind === "unavailable" || error.kind === "too-many-requests") waiting = setTimeout(refresh, retrySeconds * 1000);
  }
}

// fill reads the stations; while there are none, the system is starting.
async function fill() {
  clearTimeout(waiting);
  try {
    ({ stations } = await get("/v1/stations"));
    if (stations.length === 0) throw new Problem("starting");
    at("stations").replaceChildren(...stations.map((station) => {
      const option = element("option");
      option.value = station.name;
      return option;
    }));
    take(stations.find((station) => String(station.eva) === asked.get("station")) || stations[0]);
    await refresh();
  } catch (error) {
    fail(error);
    waiting = setTimeout(fill, retrySeconds * 1000);
  }
}

function begin() {
  for (const name of ["event", "hours"]) {
    if ([...at(name).options].some((option) => option.value === asked.get(name))) at(name).value = asked.get(name);
  }
  if (asked.get("from")) at("from").value = asked.get("from");
  translate();
  at("language").addEventListener("click", () => {
    language = say("otherCode");
    translate();
    remember(open);
  });
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    if (stations.length === 0) fill();
    else if (choose()) {
      remember("");
      refresh();
    }
  });
  at("board").addEventListener("keydown", keys);
  at("station").addEventListener("focus", () => at("station").select());
  at("station").addEventListener("input", () => { // one of the list was taken
    const named = stations.find((station) => station.name === at("station").value);
    if (!named || named === chosen) return;
    at("meant").hidden = true;
    take(named);
    remember("");
    refresh();
  });
  fill();
}

begin();
