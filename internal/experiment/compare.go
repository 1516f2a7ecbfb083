package experiment

import (
	"math"
	"strconv"
	"strings"
)

// SettingKind groups what determines a run.
type SettingKind string

// Kinds of settings, in the order in which they are compared.
const (
	SettingData        SettingKind = "data"
	SettingParam       SettingKind = "parameter"
	SettingEnvironment SettingKind = "environment"
)

// Setting is one thing that determines a run, side by side.
type Setting struct {
	Kind   SettingKind `json:"kind"`
	Name   string      `json:"name"`
	Values []string    `json:"values"` // one a run; empty where it is not recorded
	Same   bool        `json:"same"`
}

// MetricRow is one metric's last values, side by side.
type MetricRow struct {
	Name        string   `json:"name"`
	Values      []Number `json:"values"`      // one a run
	Differences []Number `json:"differences"` // to the first run
	// Best is the run with the best value; -1 where none is better than the
	// others, or the metric judges nothing.
	Best int `json:"best"`
}

// Comparison is runs side by side.
type Comparison struct {
	Runs []Summary `json:"runs"`
	// Settings have those that differ first.
	Settings []Setting   `json:"settings"`
	Metrics  []MetricRow `json:"metrics"`
}

// Compare puts records side by side.
func Compare(records []Record) Comparison {
	c := Comparison{Runs: make([]Summary, len(records)), Settings: []Setting{}, Metrics: []MetricRow{}}
	for i, r := range records {
		c.Runs[i] = r.Summary
	}
	all := dataSettings(records)
	all = append(all, settings(records, SettingParam, func(r Record) map[string]string { return r.Params })...)
	all = append(all, settings(records, SettingEnvironment, func(r Record) map[string]string { return r.Environment })...)
	for _, same := range []bool{false, true} {
		for _, s := range all {
			if s.Same == same {
				c.Settings = append(c.Settings, s)
			}
		}
	}
	names := map[string]bool{}
	for _, r := range records {
		for name := range r.Metrics {
			names[name] = true
		}
	}
	for _, name := range keys(names) {
		c.Metrics = append(c.Metrics, metricRow(records, name))
	}
	return c
}

func dataSettings(records []Record) []Setting {
	return settings(records, SettingData, func(r Record) map[string]string {
		return map[string]string{"data set": r.Dataset, "manifest": r.DatasetSHA256, "features": r.FeatureVersion, "code": r.CodeVersion,
			"algorithm": r.Algorithm, "seed": strconv.FormatInt(r.Seed, 10)}
	})
}

func settings(records []Record, kind SettingKind, of func(Record) map[string]string) []Setting {
	names := map[string]bool{}
	values := make([]map[string]string, len(records))
	for i, r := range records {
		values[i] = of(r)
		for name := range values[i] {
			names[name] = true
		}
	}
	var all []Setting
	for _, name := range keys(names) {
		s := Setting{Kind: kind, Name: name, Values: make([]string, len(records)), Same: true}
		for i := range records {
			s.Values[i] = values[i][name]
			s.Same = s.Same && s.Values[i] == s.Values[0]
		}
		all = append(all, s)
	}
	return all
}

func metricRow(records []Record, name string) MetricRow {
	row := MetricRow{Name: name, Best: -1, Values: make([]Number, len(records)), Differences: make([]Number, len(records))}
	for i, r := range records {
		value, found := r.Metrics[name]
		if !found {
			value = Number(math.NaN())
		}
		row.Values[i] = value
		row.Differences[i] = value - row.Values[0]
	}
	if !Neutral(name) {
		row.Best = best(row.Values, HigherIsBetter(name))
	}
	return row
}

// best is the index of the one best value; -1 where several share it, or there
// are not two to choose from.
func best(values []Number, highest bool) int {
	at, shared, found := -1, false, 0
	for i, v := range values {
		if !v.Exists() {
			continue
		}
		found++
		switch {
		case at < 0 || v != values[at] && (v > values[at]) == highest:
			at, shared = i, false
		case v == values[at]:
			shared = true
		}
	}
	if shared || found < 2 {
		return -1
	}
	return at
}

// Short is the beginning of a hash, enough to tell things apart.
func Short(hash string) string {
	if strings.ContainsAny(hash, " /") {
		return hash
	}
	return hash[:min(12, len(hash))]
}
