"use strict";

// How the forecasts did: honesty, reliability, skill, and what is wrong.

// fewEvents is the number of forecasts below which a share says little.
const fewEvents = 30;
// qualityEvery is the pause between two looks, in milliseconds.
const qualityEvery = 300000;

let scores = null; // what /v1/models/.../scores says
let alerts = []; // what /v1/alerts says
let reported = ""; // the last scored day, if it has a report
let qualityRead = 0; // when, by performance.now()

const score = (v) => new Intl.NumberFormat(language, { minimumFractionDigits: 3, maximumFractionDigits: 3 }).format(v);
const put = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const days = (n) => (n === 1 ? say("day") : put(say("daysOf"), { n: decimal(n, 0) }));

// range writes days, half-open; one day is itself.
function range(from, until) {
  const [first, last] = [day(from), day(until, -1)];
  return first === last ? first : `${first} – ${last}`;
}

// svg makes an element of a drawing.
function svg(tag, attributes, ...children) {
  const e = document.createElementNS("http" + "://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

// readQuality asks for scores and alerts; without them the board stands alone.
async function readQuality(name) {
  if (scores && performance.now() - qualityRead < qualityEvery) return;
  qualityRead = performance.now();
  const [judged, wrong] = await Promise.all([
    get(`/v1/models/${encodeURIComponent(name)}/scores?metric=brier`).catch(() => null),
    get("/v1/alerts").catch(() => null)]);
  scores = judged || scores;
  alerts = wrong ? wrong.alerts : alerts;
  reported = await lastReport();
  drawQuality();
}

// lastReport is the last scored day, if the night after it left a report.
async function lastReport() {
  const last = ((scores && scores.scores) || []).map((row) => row.from).sort().at(-1);
  if (!last) return "";
  return fetch(`/reports/${last}`, { method: "HEAD" }).then((response) => (response.ok ? last : ""), () => "");
}

function drawReport() {
  at("report").hidden = reported === "";
  at("report").firstElementChild.href = `/reports/${reported}`;
  if (reported) at("report").firstElementChild.textContent = put(say("report"), { day: day(reported) });
}

function drawQuality() {
  drawAlerts();
  drawReport();
  at("quality").hidden = scores === null;
  if (scores === null) return;
  at("quality-title").textContent = say("quality");
  drawHonesty(scores.reliability);
  drawReliability(scores.reliability);
  drawSkill(scores.scores);
}

function drawAlerts() {
  at("alerts").hidden = alerts.length === 0;
  at("alerts-title").textContent = say("alerts");
  at("alerts-list").replaceChildren(...alerts.slice(0, 5).map((alert) => {
    const summary = element("span", "", alert.summary);
    summary.lang = "en";
    return element("li", alert.severity === "critical" ? "bad" : "", element("b", "", `${say(alert.severity)}: `), summary, ` (${alert.subject}, ${say("alertSince")} ${day(alert.raised_at)}, ${clockTime(alert.raised_at)})`);
  }));
}

// mostTold is the bin nearest to 80 % that has enough forecasts, else the fullest.
function mostTold(bins) {
  const enough = bins.filter((bin) => bin.events >= fewEvents && bin.called > 0.05 && bin.called < 0.95);
  if (enough.length > 0) return enough.reduce((a, b) => (Math.abs(b.called - 0.8) < Math.abs(a.called - 0.8) ? b : a));
  return bins.reduce((a, b) => (b.events > a.events ? b : a));
}

function drawHonesty(known) {
  at("summary").hidden = !known;
  if (!known) {
    at("honest").className = "note";
    at("honest").textContent = say("notYet");
    return;
  }
  at("honest").className = "";
  const bin = mostTold(known.bins);
  const honest = put(say("honest"), { called: format(bin.mean_forecast, 0), minutes: known.horizon_minutes, came: decimal((100 * bin.on_time) / bin.events, 0) });
  at("summary").firstElementChild.textContent = honest;
  const counted = put(say("counted"), { events: decimal(bin.events, 0), all: decimal(known.events, 0), days: days(known.days), span: range(known.from, known.until) });
  at("honest").replaceChildren(element("strong", "", honest), element("span", "sub", bin.events < fewEvents ? `${counted} ${say("few")}` : counted));
}

// drawReliability draws the shares that came true over those that were called.
function drawReliability(known) {
  at("reliability").hidden = !known;
  if (!known) return;
  const side = 240, edge = 56;
  const x = (p) => edge + p * side;
  const y = (p) => 12 + (1 - p) * side;
  const drawing = svg("svg", { viewBox: `0 0 ${edge + side + 26} ${side + edge + 2}`, role: "img", "aria-label": `${say("quality")}: ${known.bins.map((bin) => `${format(bin.mean_forecast, 0)} → ${format(bin.on_time / bin.events, 0)}`).join(", ")}` });
  for (const p of [0, 0.25, 0.5, 0.75, 1]) {
    drawing.append(svg("line", { x1: x(0), x2: x(1), y1: y(p), y2: y(p), class: "grid" }), svg("text", { x: x(0) - 6, y: y(p) + 4, "text-anchor": "end" }, format(p, 0)),
      svg("text", { x: x(p), y: y(0) + 16, "text-anchor": "middle" }, format(p, 0)));
  }
  drawing.append(svg("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "ideal" }),
    svg("text", { x: x(0.5), y: y(0) + 34, "text-anchor": "middle" }, say("axisCalled")),
    svg("text", { x: 0, y: 0, "text-anchor": "middle", transform: `translate(10 ${y(0.5)}) rotate(-90)` }, say("axisCame")));
  const most = Math.max(...known.bins.map((bin) => bin.events));
  for (const bin of known.bins) {
    drawing.append(svg("circle", { cx: x(bin.mean_forecast), cy: y(bin.on_time / bin.events), r: (3 + 7 * Math.sqrt(bin.events / most)).toFixed(1), class: "dot" }));
  }
  at("diagram").replaceChildren(drawing);
  at("diagram-text").textContent = say("diagram");
  at("diagram-open").textContent = say("asNumbers");
  numbers(at("diagram-table"), ["calledHead", "cameHead", "eventsHead"], known.bins.map((bin) => [format(bin.mean_forecast, 0), format(bin.on_time / bin.events, 0), decimal(bin.events, 0)]));
}

// numbers fills a table; heads are names of texts.
function numbers(table, heads, rows) {
  const head = element("tr", "", ...heads.map((name) => {
    const th = element("th", "", say(name));
    th.scope = "col";
    return th;
  }));
  table.tHead.replaceChildren(head);
  table.tBodies[0].replaceChildren(...rows.map((cells) => element("tr", "", ...cells.map((text) => element("td", "", text)))));
}

// newest are the scores of the last days that were scored together: of those that
// end last the longest span, of the version that was scored last.
function newest(rows) {
  const key = (row) => [row.until, row.source === "panel" ? 1 : 0, row.role === "champion" ? 1 : 0, String(row.days).padStart(4, "0"), String(row.version).padStart(6, "0")].join("|");
  const span = (row) => `${row.until}|${row.from}|${row.version}|${row.source}|${row.role}|${row.evidence}`;
  const last = rows.reduce((a, b) => (key(b) > key(a) ? b : a));
  return rows.filter((row) => span(row) === span(last)).sort((a, b) => (b.horizon_minutes || 0) - (a.horizon_minutes || 0));
}

function drawSkill(rows) {
  const scored = rows.filter((row) => row.value !== null);
  at("skill").hidden = scored.length === 0;
  at("skill-text").hidden = scored.length === 0;
  if (scored.length === 0) return;
  const shown = newest(scored);
  at("skill-caption").textContent = say("skill");
  const interval = (row) => (row.low === null || row.high === null ? "" : ` (${score(row.low)}–${score(row.high)})`);
  numbers(at("skill"), ["ahead2", "ours", "theirs", "better"], shown.map((row) => [
    row.horizon_minutes === null ? say("allHorizons") : decimal(row.horizon_minutes, 0), `${score(row.value)}${interval(row)}`,
    row.baseline_value === null ? "–" : score(row.baseline_value), row.baseline_value ? format(1 - row.value / row.baseline_value, 0) : "–"]));
  const one = shown.at(-1);
  const names = [...new Set(shown.map((row) => row.baseline).filter((name) => texts.en[name]))].map(say).join(", ");
  at("skill-text").textContent = `${put(say("skillText"), { events: decimal(Math.max(...shown.map((row) => row.events)), 0), days: days(one.days), span: range(one.from, one.until), interval: shown.some(interval) ? say("skillInterval") : "" })} ${names || "–"}.`;
}
