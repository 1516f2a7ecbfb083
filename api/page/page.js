"use strict";

const texts = {
  en: {
    lead: "Is my train on time? On time is at most 5 minutes late.", other: "Deutsch",
    station: "Station", from: "From (empty: now)", hours: "Hours", event: "Board", departure: "Departures", arrival: "Arrivals", show: "Show",
    planned: "Planned", train: "Train", to: "To", origin: "From", railway: "Railway says", chance: "Chance to be on time",
    none: "no forecast", cancelled: "cancelled", platform: "platform", empty: "No train in this time.",
    now: "It is", age: "newest report", seconds: "s old", never: "no report yet",
    distribution: "Delay, if it runs", upTo: "up to", more: "more than", min: "min", reasons: "Why", cancel: "Chance of cancellation",
    baseline: "The railway's forecast alone would say", model: "Model", version: "version", package: "package",
    network: "The server does not answer.",
  },
  de: {
    lead: "Kommt mein Zug pünktlich? Pünktlich heißt: höchstens 5 Minuten zu spät.", other: "English",
    station: "Bahnhof", from: "Ab (leer: jetzt)", hours: "Stunden", event: "Tafel", departure: "Abfahrten", arrival: "Ankünfte", show: "Zeigen",
    planned: "Plan", train: "Zug", to: "Nach", origin: "Von", railway: "Die Bahn sagt", chance: "Chance auf Pünktlichkeit",
    none: "keine Prognose", cancelled: "fällt aus", platform: "Gleis", empty: "Kein Zug in dieser Zeit.",
    now: "Es ist", age: "neueste Meldung", seconds: "s alt", never: "noch keine Meldung",
    distribution: "Verspätung, falls er fährt", upTo: "bis", more: "über", min: "min", reasons: "Warum", cancel: "Ausfallrisiko",
    baseline: "Die Prognose der Bahn allein ergäbe", model: "Modell", version: "Version", package: "Paket",
    network: "Der Server antwortet nicht.",
  },
};

let language = (navigator.language || "en").startsWith("de") ? "de" : "en";
let shown = null; // the board on display

const at = (id) => document.getElementById(id);
const say = (name) => texts[language][name];

// element makes a DOM element; text never becomes markup.
function element(tag, className, ...children) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  e.append(...children);
  return e;
}

const percent = (p) => `${Math.round(p * 100)} %`;
const rank = (p) => (p >= 0.8 ? "good" : p >= 0.5 ? "middle" : "bad");

// clockTime is German local time, as the answer carries it.
const clockTime = (text) => text.slice(11, 16);

async function get(path) {
  let response;
  try {
    response = await fetch(path, { headers: { Accept: "application/json" } });
  } catch {
    throw new Error(say("network"));
  }
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail || response.statusText);
  return body;
}

function fail(error) {
  at("problem").textContent = error.message;
  at("problem").hidden = false;
}

function bar(p, className) {
  const fill = element("i");
  fill.style.width = percent(p);
  return element("span", `bar ${className}`, fill);
}

function translate() {
  document.documentElement.lang = language;
  at("lead").textContent = say("lead");
  at("language").textContent = say("other");
  at("show").textContent = say("show");
  at("empty").textContent = say("empty");
  for (const name of ["station", "from", "hours", "event"]) at(`label-${name}`).textContent = say(name);
  for (const option of at("event").options) option.textContent = say(option.value);
  for (const name of ["planned", "train", "railway", "chance"]) at(`head-${name}`).textContent = say(name);
  at("head-direction").textContent = say(at("event").value === "departure" ? "to" : "origin");
  if (shown) draw(shown);
}

function railway(stop) {
  if (stop.railway.cancelled) return element("span", "cancelled", say("cancelled"));
  if (stop.railway.time === null) return element("span", "", say("none"));
  const delay = stop.railway.delay_minutes;
  return element("span", "", `${clockTime(stop.railway.time)} (${delay < 0 ? "" : "+"}${delay})`);
}

function row(stop) {
  const name = element("button", "train", stop.line ? `${stop.train} (${stop.line})` : stop.train);
  name.type = "button";
  name.setAttribute("aria-expanded", "false");
  const chance = element("span", "chance", element("b", "", percent(stop.p_on_time)), bar(stop.p_on_time, rank(stop.p_on_time)));
  const platform = stop.railway.platform || stop.platform;
  const tr = element("tr", "stop",
    element("td", "", clockTime(stop.planned)),
    element("td", "", name, platform ? ` ${say("platform")} ${platform}` : ""),
    element("td", "direction", stop.direction || ""),
    element("td", "", railway(stop)),
    element("td", "", chance));
  tr.addEventListener("click", () => toggle(tr, name, stop));
  return tr;
}

async function toggle(tr, button, stop) {
  const open = tr.nextElementSibling;
  if (open && open.classList.contains("details")) {
    open.remove();
    button.setAttribute("aria-expanded", "false");
    return;
  }
  const cell = element("td");
  cell.colSpan = 5;
  tr.after(element("tr", "details", cell));
  button.setAttribute("aria-expanded", "true");
  cell.append(distribution(stop), ...facts(stop));
  try {
    const query = new URLSearchParams({ stop_id: stop.stop_id, event: stop.event, at: stop.known_at });
    const answer = await get(`/v1/forecasts?${query}`);
    cell.append(reasons(answer.forecast.reasons || []));
  } catch (error) {
    fail(error);
  }
}

function distribution(stop) {
  const grid = element("div", "distribution");
  let before = 0;
  const line = (label, p, late) => grid.append(element("span", "", label), bar(p, late ? "bad" : "good"), element("span", "", percent(p)));
  for (const edge of stop.cumulative) {
    line(`${say("upTo")} ${edge.edge_minutes} ${say("min")}`, Math.max(0, edge.p - before), edge.edge_minutes > 5);
    before = edge.p;
  }
  line(`${say("more")} ${stop.cumulative.at(-1).edge_minutes} ${say("min")}`, Math.max(0, 1 - before), true);
  return element("div", "", element("strong", "", say("distribution")), grid);
}

function facts(stop) {
  const lines = [element("p", "", `${say("cancel")}: ${percent(stop.p_cancelled)}`)];
  if (stop.baseline) lines.push(element("p", "", `${say("baseline")}: ${percent(stop.baseline.p_on_time)}`));
  return lines;
}

function reasons(all) {
  const list = element("ul");
  for (const reason of all) list.append(element("li", "", reason.text));
  return element("div", "", element("strong", "", say("reasons")), list);
}

function draw(board) {
  shown = board;
  at("board").replaceChildren(...board.stops.map(row));
  at("empty").hidden = board.stops.length > 0;
  const age = board.data_age_seconds === null ? say("never") : `${say("age")} ${Math.round(board.data_age_seconds)} ${say("seconds")}`;
  const now = board.clock.now;
  at("clock").textContent = `${say("now")} ${now.slice(0, 10)} ${clockTime(now)} (${board.clock.source}), ${age}. ${board.clock.note || ""}`;
  at("model").textContent = `${say("model")} ${board.model}, ${say("version")} ${board.version}, ${say("package")} ${board.digest}`;
}

async function refresh() {
  at("problem").hidden = true;
  const query = new URLSearchParams({ hours: at("hours").value, event: at("event").value });
  if (at("from").value) query.set("from", at("from").value);
  at("head-direction").textContent = say(at("event").value === "departure" ? "to" : "origin");
  try {
    draw(await get(`/v1/stations/${encodeURIComponent(at("station").value)}/forecasts?${query}`));
  } catch (error) {
    fail(error);
  }
}

async function begin() {
  translate();
  at("language").addEventListener("click", () => {
    language = language === "de" ? "en" : "de";
    translate();
  });
  at("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    refresh();
  });
  try {
    const { stations } = await get("/v1/stations");
    for (const station of stations) {
      const option = element("option", "", station.name);
      option.value = station.eva;
      at("station").append(option);
    }
    if (stations.length > 0) await refresh();
  } catch (error) {
    fail(error);
  }
}

begin();
