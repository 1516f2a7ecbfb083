package prepare

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/livestate"
	"puenktlich/internal/rail"
)

// The database answers here what the vectoriser answers from its timelines, by
// as-of queries over stop_plan and stop_change that share nothing with it. All
// times are milliseconds since 1970.

// planSQL is each event as it was first known.
const planSQL = `SELECT stop_id, kind, argMin(eva, (polled_at, seq)) AS station, argMin(trip, (polled_at, seq)) AS train, argMin(stop_index, (polled_at, seq)) AS position,
    argMin(platform, (polled_at, seq)) AS track, toInt64(toUnixTimestamp(argMin(planned, (polled_at, seq)))) * 1000 AS due, min(toUnixTimestamp64Milli(polled_at)) AS known
  FROM stop_plan FINAL WHERE source = 'test' GROUP BY stop_id, kind`

// ownSQL looks back over all that was polled of an event.
const ownSQL = `WITH plans AS (` + planSQL + `),
  m AS (SELECT * FROM values('n UInt32, stop_id String, kind String, cutoff Int64', %[1]s)),
  steps AS (SELECT stop_id, kind, groupArray((toUnixTimestamp64Milli(polled_at), seq, toInt64(ifNull(toUnixTimestamp(changed), 0)) * 1000, status, platform)) AS all
    FROM stop_change FINAL WHERE source = 'test' AND stop_id IN (SELECT stop_id FROM m) GROUP BY stop_id, kind)
SELECT m.n,
  arraySort(arrayFilter(s -> s.1 <= m.cutoff - %[2]d AND s.1 >= p.due - 86400000, steps.all)) AS seen,
  arrayFilter(s -> s.3 != 0, seen) AS times,
  arrayMap(s -> s.3, times) AS given,
  length(arrayCompact(given)) AS forecasts,
  if(empty(given), 0, given[-1]) AS changed,
  if(empty(given), 0, times[arrayLastIndex((v, i) -> i = 1 OR v != given[i - 1], given, arrayEnumerate(given))].1) AS since,
  arrayLast(s -> s.4 != '', seen).4 = 'c' AS cancelled,
  arrayLast(s -> s.5 != '', seen).5 NOT IN ('', p.track) AS moved,
  p.due
FROM m INNER JOIN plans AS p ON p.stop_id = m.stop_id AND p.kind = m.kind
LEFT JOIN steps ON steps.stop_id = m.stop_id AND steps.kind = m.kind
WHERE p.known <= m.cutoff - %[2]d ORDER BY m.n`

// aroundSQL joins, for each moment, the events of its trip as of the cut-off and
// those of its station as of the last whole five minutes, with the last changed
// time and the last status polled by then.
const aroundSQL = `WITH plans AS (` + planSQL + `),
  m AS (SELECT * FROM values('n UInt32, stop_id String, kind String, cutoff Int64', %[1]s)),
  own AS (SELECT m.n AS n, m.cutoff AS cutoff, intDiv(m.cutoff, 300000) * 300000 AS tick,
    p.stop_id AS stop_id, p.kind AS kind, p.station AS station, p.train AS train, p.position AS position, p.due AS due FROM m INNER JOIN plans AS p ON p.stop_id = m.stop_id AND p.kind = m.kind WHERE p.known <= m.cutoff - %[2]d),
  others AS (
    SELECT o.n AS n, o.cutoff AS cutoff, o.tick AS tick, o.position AS own_position, 'trip' AS of, o.cutoff - %[2]d AS visible, e.stop_id AS stop_id, e.kind AS kind, e.position AS position, e.due AS due
      FROM own AS o INNER JOIN plans AS e ON e.train = o.train
      WHERE (e.stop_id, e.kind) != (o.stop_id, o.kind) AND e.known <= o.cutoff - %[2]d AND abs(e.due - o.due) <= 43200000
    UNION ALL
    SELECT o.n, o.cutoff, o.tick, o.position, 'station', o.tick - %[2]d, e.stop_id, e.kind, e.position, e.due
      FROM own AS o INNER JOIN plans AS e ON e.station = o.station
      WHERE e.known <= o.tick - %[2]d AND e.due >= o.tick - 3600000 AND e.due < o.tick + 3600000),
  polled AS (SELECT c.stop_id AS stop_id, c.kind AS kind, toUnixTimestamp64Milli(c.polled_at) AS at, c.seq AS seq, toInt64(ifNull(toUnixTimestamp(c.changed), 0)) * 1000 AS time_given, c.status AS status_given
    FROM stop_change AS c FINAL INNER JOIN plans AS p ON p.stop_id = c.stop_id AND p.kind = c.kind WHERE c.source = 'test' AND at >= p.due - 86400000),
  times AS (SELECT stop_id, kind, at, argMax(time_given, seq) AS changed FROM polled WHERE time_given != 0 GROUP BY stop_id, kind, at),
  states AS (SELECT stop_id, kind, at, argMax(status_given, seq) AS status FROM polled WHERE status_given != '' GROUP BY stop_id, kind, at),
  told AS (SELECT o.n AS n, o.cutoff AS cutoff, o.tick AS tick, o.own_position AS own_position, o.of AS of, o.stop_id AS stop_id, o.kind AS kind, o.position AS position, o.due AS due, t.changed AS changed, s.status = 'c' AS cancelled, intDiv(t.changed - o.due, 60000) AS delay
    FROM others AS o ASOF LEFT JOIN times AS t ON t.stop_id = o.stop_id AND t.kind = o.kind AND o.visible >= t.at
    ASOF LEFT JOIN states AS s ON s.stop_id = o.stop_id AND s.kind = o.kind AND o.visible >= s.at)
SELECT n,
  countIf(of = 'trip'), countIf(of = 'trip' AND cancelled),
  countIf(of = 'trip' AND NOT cancelled AND changed != 0 AND position < own_position) AS upstream,
  argMaxIf(delay, (position, kind, stop_id), of = 'trip' AND NOT cancelled AND changed != 0 AND position < own_position),
  countIf(of = 'trip' AND NOT cancelled AND changed != 0 AND position < own_position AND changed <= cutoff) AS passed,
  argMaxIf(delay, (position, kind, stop_id), of = 'trip' AND NOT cancelled AND changed != 0 AND position < own_position AND changed <= cutoff),
  countIf(of = 'station' AND due < tick) AS events, countIf(of = 'station' AND due < tick AND cancelled),
  countIf(of = 'station' AND due < tick AND NOT cancelled AND changed != 0), countIf(of = 'station' AND due < tick AND NOT cancelled AND changed != 0 AND delay >= 6),
  sumIf(least(greatest(delay, -10), 60), of = 'station' AND due < tick AND NOT cancelled AND changed != 0),
  countIf(of = 'station' AND due >= tick AND NOT cancelled AND changed != 0), countIf(of = 'station' AND due >= tick AND NOT cancelled AND changed != 0 AND delay >= 6)
FROM told GROUP BY n ORDER BY n`

// told is what the database says of one moment, by feature.
type told map[string]float64

func minutesOf(milliseconds int64) float64 { return float64(milliseconds) / 60000 }

// orNaN is a value where there is one.
func orNaN(exists bool, value float64) float64 {
	if !exists {
		return math.NaN()
	}
	return value
}

func shareOf(part int64, whole uint64) float64 {
	return orNaN(whole > 0, float64(part)/float64(whole))
}

// checkSQL demands that the vectoriser and the database agree on every moment.
func checkSQL(t *testing.T, h *house, state *feature.State, moments []moment) {
	t.Helper()
	known, differ := againstSQL(t, h, state, moments)
	if len(differ) > 0 {
		t.Errorf("%d values differ, first %s", len(differ), differ[0])
	}
	t.Logf("known in both, of %d moments: %v", len(moments), known)
	for _, name := range []string{"forecast_delay", "forecast_age", "forecast_count", "station_events", "station_late", "station_delay"} {
		if known[name] < len(moments)/10 {
			t.Errorf("%s was known in %d moments only", name, known[name])
		}
	}
}

// againstSQL compares the vectoriser's values with the database's own answers,
// bit by bit.
func againstSQL(t *testing.T, h *house, state *feature.State, moments []moment) (known map[string]int, differ []string) {
	t.Helper()
	answers, known := map[uint32]told{}, map[string]int{}
	askOwn(t, h, moments, answers)
	askAround(t, h, moments, answers)
	for n, m := range moments {
		k, found := state.At(m.key, m.cutoff)
		answer, told := answers[uint32(n)]
		if found != told {
			differ = append(differ, fmt.Sprintf("%s at %s: known to the features %v, to the database %v", m.key, m.cutoff, found, told))
		}
		if !found {
			continue
		}
		vector := make([]float32, feature.Width())
		feature.Vector(vector, &k, nil)
		for name, want := range answer {
			got := vector[slices.Index(feature.Names(), name)]
			if math.Float32bits(got) != math.Float32bits(float32(want)) && !(got != got && want != want) {
				differ = append(differ, fmt.Sprintf("%s at %s: %s is %v, the database says %v", m.key, m.cutoff.Format(time.RFC3339Nano), name, got, want))
			}
			if got == got {
				known[name]++
			}
		}
	}
	return known, differ
}

// A state that forgets the lag knows ten seconds after a poll what it may know
// after forty-five: the database tells.
func TestTheDatabaseFindsALeak(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.settleTwoDays(t, 1)
	plans, changes := twoDays(t)
	due := map[rail.EventKey]time.Time{}
	for _, p := range plans {
		due[p.Key()] = p.Planned
	}
	var moments []moment
	for _, c := range changes {
		if c.PolledAt.Before(due[c.Key()]) {
			moments = append(moments, moment{c.Key(), c.PolledAt.Add(10 * time.Second)}, moment{c.Key(), c.PolledAt.Add(pollLag)})
		}
	}
	span := livestate.Span{Source: h.Name, From: tuesday.Start(), Until: wednesday.End()}
	for lag, leaks := range map[time.Duration]bool{pollLag: false, 0: true} {
		state, err := livestate.Fill(t.Context(), h.db, span, lag)
		must(t, err)
		known, differ := againstSQL(t, h, state, moments)
		if (len(differ) > 0) != leaks || known["forecast_delay"] < 100 || known["upstream_delay"] < 20 {
			t.Errorf("with a lag of %s %d values differ: %v\nknown: %v", lag, len(differ), differ[:min(3, len(differ))], known)
		}
	}
}

// listed writes the moments as rows of the table function values.
func listed(moments []moment) string {
	rows := make([]string, len(moments))
	for n, m := range moments {
		rows[n] = fmt.Sprintf("(%d,'%s','%s',%d)", n, m.key.Stop, m.key.Kind, m.cutoff.UnixMilli())
	}
	return strings.Join(rows, ",")
}

func askOwn(t *testing.T, h *house, moments []moment, answers map[uint32]told) {
	t.Helper()
	sql := "SELECT n, forecasts, changed, since, cancelled, moved, due FROM (" + fmt.Sprintf(ownSQL, listed(moments), pollLag.Milliseconds()) + ")"
	rows, err := h.conn.Query(t.Context(), sql)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var n uint32
		var forecasts uint64
		var changed, since, due int64
		var cancelled, moved uint8
		must(t, rows.Scan(&n, &forecasts, &changed, &since, &cancelled, &moved, &due))
		cutoff := moments[n].cutoff.UnixMilli()
		answers[n] = told{
			"horizon": minutesOf(due - cutoff), "forecast_count": float64(forecasts),
			"forecast_delay": orNaN(changed != 0, minutesOf(changed-due)), "forecast_in": orNaN(changed != 0, minutesOf(changed-cutoff)),
			"forecast_age": orNaN(changed != 0, minutesOf(cutoff-since)), "cancelled": float64(cancelled), "platform_changed": float64(moved),
			// Where the trip and the station have no other event, the next query has no row.
			"trip_cancelled": math.NaN(), "upstream_delay": math.NaN(), "passed_delay": math.NaN(),
			"station_events": 0, "station_late": math.NaN(), "station_delay": math.NaN(), "station_cancelled": math.NaN(), "ahead_late": math.NaN(),
		}
	}
	must(t, rows.Err())
}

func askAround(t *testing.T, h *house, moments []moment, answers map[uint32]told) {
	t.Helper()
	rows, err := h.conn.Query(t.Context(), fmt.Sprintf(aroundSQL, listed(moments), pollLag.Milliseconds()))
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var n uint32
		var trip, tripGone, upstream, passed, events, gone, known, late, aheadKnown, aheadLate uint64
		var upstreamDelay, passedDelay, sum int64
		must(t, rows.Scan(&n, &trip, &tripGone, &upstream, &upstreamDelay, &passed, &passedDelay, &events, &gone, &known, &late, &sum, &aheadKnown, &aheadLate))
		a := answers[n]
		a["trip_cancelled"] = shareOf(int64(tripGone), trip)
		a["upstream_delay"] = orNaN(upstream > 0, float64(upstreamDelay))
		a["passed_delay"] = orNaN(passed > 0, float64(passedDelay))
		a["station_events"], a["station_cancelled"] = float64(events), shareOf(int64(gone), events)
		a["station_late"], a["station_delay"] = shareOf(int64(late), known), shareOf(sum, known)
		a["ahead_late"] = shareOf(int64(aheadLate), aheadKnown)
	}
	must(t, rows.Err())
}
