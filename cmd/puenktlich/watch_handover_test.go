package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
)

// handedOver judges the last night once more, an hour after the rollback, when the
// champion before fails too: the evidence lies in the bucket, and the alert names it.
func (w watched) handedOver(champion schemas.PackageRef) {
	t, day := w.t, watchTests.Add(3)
	at := morning(day).Add(time.Hour)
	before := w.eventsOf(champion)
	r := w.judge(day, at)
	require.Equal(t, schemas.VerdictHandover, r.Verdict.Kind, r.Verdict.Reasons)
	require.Equal(t, champion.Version, r.Signals.Version)
	require.Empty(t, r.Lifecycle)
	require.Equal(t, before, w.eventsOf(champion), "nothing was changed")
	require.Equal(t, champion, w.champion().Package)

	files := w.unpack(r.Evidence)
	require.ElementsMatch(t, []string{"README.md", "verdict.json", "signals.json", "nights.json", "policy.json", "scores.csv", "drift.csv"}, slices.Collect(maps.Keys(files)))
	var verdict schemas.Verdict
	require.NoError(t, json.Unmarshal(files["verdict.json"], &verdict))
	require.Equal(t, r.Verdict, verdict)
	var signals schemas.Signals
	require.NoError(t, json.Unmarshal(files["signals.json"], &signals))
	require.Equal(t, r.Signals, signals)
	var nights []schemas.Signals
	require.NoError(t, json.Unmarshal(files["nights.json"], &nights))
	var days []string
	for _, night := range nights {
		days = append(days, fmt.Sprintf("%s@%d", night.Day, night.Version))
	}
	require.Equal(t, []string{string(day.Add(-2)) + "@1", string(day.Add(-1)) + "@2", string(day) + "@2"}, days, "oldest first, tonight among them")
	require.Equal(t, r.Verdict.Policy.SHA256, fmt.Sprintf("%x", sha256.Sum256(files["policy.json"])))
	book, err := rulebook.Parse("policy.json", files["policy.json"])
	require.NoError(t, err)
	require.Equal(t, "ladder", book.Name)
	for _, said := range []string{"punctuality@2 on " + string(day) + ": handover", "verdicts explain " + string(day), champion.Digest} {
		require.Contains(t, string(files["README.md"]), said)
	}
	w.tablesAreWhole(files, at)

	fired := w.told.of("learning-does-not-help")
	require.Len(t, fired, 1)
	require.Equal(t, "critical", fired[0].Severity)
	require.Contains(t, fired[0].Link, w.config.TemporalUI+"/namespaces/default/workflows/night")
	var details map[string]string
	require.NoError(t, json.Unmarshal(fired[0].Details, &details))
	require.Equal(t, r.Evidence, details["evidence"])
	require.Equal(t, "handover", details["verdict"])
	require.Len(t, w.told.of("a-loss"), 1, "told once, though it fires every night")
}

// unpack reads an archive of the bucket.
func (w watched) unpack(key string) map[string][]byte {
	w.t.Helper()
	body, _, err := w.objects.Get(w.t.Context(), key)
	require.NoError(w.t, err)
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	require.NoError(w.t, err)
	files := map[string][]byte{}
	for _, f := range archive.File {
		from, err := f.Open()
		require.NoError(w.t, err)
		files[f.Name], err = io.ReadAll(from)
		require.NoError(w.t, err)
	}
	return files
}

// tablesAreWhole holds what was handed over against what is stored: as many rows a
// day and version, and the same scores.
func (w watched) tablesAreWhole(files map[string][]byte, at time.Time) {
	t := w.t
	scores, drifts := columns(w, files["scores.csv"]), columns(w, files["drift.csv"])
	counted := map[string]int{}
	for i := range scores["version"] {
		counted[scores["from_day"][i]+"@"+scores["version"][i]]++
	}
	for i := range drifts["version"] {
		counted["drift "+drifts["day"][i]+"@"+drifts["version"][i]]++
	}
	for n, version := range []string{"1", "2", "3", "2"} {
		day := string(watchTests.Add(min(n+1, 3)))
		require.Positive(t, counted[day+"@"+version], "%s@%s", day, version)
		drift := w.query(t, "SELECT uniqExact(subject, name, statistic, reference) FROM drift WHERE day = '"+day+"' AND version = "+version)
		require.Equal(t, drift, strconv.Itoa(counted["drift "+day+"@"+version]), "%s@%s", day, version)
		require.NotEqual(t, "0", drift)
	}
	stored := w.query(t, fmt.Sprintf("SELECT toString(value) FROM model_scores FINAL WHERE scored_at = fromUnixTimestamp64Milli(%d) AND version = 2 AND metric = 'brier' AND horizon_minutes = 0 AND slice_kind = '' AND evidence = 'change_observed'", at.UnixMilli()))
	brier, err := strconv.ParseFloat(stored, 64)
	require.NoError(t, err, stored)
	var handed []float64
	for i := range scores["metric"] {
		if scores["metric"][i] == "brier" && scores["from_day"][i] == string(watchTests.Add(3)) && scores["version"][i] == "2" && scores["horizon_minutes"][i] == "0" && scores["slice_kind"][i] == "" {
			value, err := strconv.ParseFloat(scores["value"][i], 64)
			require.NoError(t, err)
			handed = append(handed, value)
		}
	}
	require.Contains(t, handed, brier)
}

// columns of a table with a head.
func columns(w watched, body []byte) map[string][]string {
	w.t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(body)).ReadAll()
	require.NoError(w.t, err)
	require.Greater(w.t, len(rows), 1)
	byName := map[string][]string{}
	for i, name := range rows[0] {
		for _, row := range rows[1:] {
			byName[name] = append(byName[name], row[i])
		}
	}
	return byName
}
