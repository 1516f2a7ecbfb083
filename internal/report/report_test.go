package report_test

import (
	"fmt"
	"html"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/metric"
	"puenktlich/internal/report"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

func of(v float64) *float64 { return &v }

var morning = time.Date(2024, 11, 20, 4, 0, 0, 0, time.UTC)

// story is a night on which much happened.
func story() report.Night {
	s := schemas.Signals{Model: "punctuality", Version: 3, Digest: strings.Repeat("ab", 32), Day: "2024-11-19", AsOf: morning, Source: "panel", Events: 12480, Predictions: 13112,
		Brier: of(0.1312), BrierBaseline: of(0.1271), BrierExpected: of(0.1004), Skill: of(1 - 0.1312/0.1271), ECE: of(0.041), LateRate: of(0.274), ChampionSince: morning.AddDate(0, 0, -9)}
	s.Signals = []schemas.Signal{{Name: schemas.SignalCoverage, Note: "no poll was recorded"}, {Name: schemas.SignalBrierRatio, Value: of(1.307), Low: of(1.21), High: of(1.39), Events: 12480},
		{Name: schemas.SignalFeatureDrift, Value: of(0.31), Limit: of(0.12), Uncertain: true, Events: 13112}, {Name: schemas.SignalEvents, Value: of(12480), Events: 13112}}
	s.Drift = []schemas.FeatureDrift{{Feature: "hour", PSI: 0.01, Limit: 0.05, KS: 0.02}, {Feature: "forecast_delay", PSI: 0.46, Limit: 0.11, KS: 0.21, MissingNow: 0.12, MissingThen: 0.04},
		{Feature: "station_late_1h", PSI: 0.33, Limit: 0.2, KS: 0.17, MissingNow: 0.02, MissingThen: 0.02}}
	v := schemas.Verdict{Kind: schemas.VerdictRetrain, Rule: "worse", Severity: schemas.AlertWarning, Policy: schemas.PolicyRef{Name: "default", Version: 1, SHA256: strings.Repeat("cd", 32)},
		Reasons: []string{"retraining-was-not-enough would search new hyper-parameters: its budget of 1 in 28 days is spent (1 since 2024-10-23): hand over to data science instead", "worse fires: ..."},
		Rules: []schemas.RuleState{{Rule: "coverage", State: schemas.RuleUnknown, Then: schemas.VerdictAlert, Holds: true, Reason: "coverage is not known (no poll was recorded)"},
			{Rule: "no-skill", State: schemas.RuleQuiet, Then: schemas.VerdictRetrain, Reason: "skill -0.03226, not below -0.05, ends at 0, on 12480; 0 of the last 3 nights, 2 needed"},
			{Rule: "worse", State: schemas.RuleFires, Then: schemas.VerdictRetrain, Why: "forecasts are worse than they were evaluated", Since: morning,
				Reason: "brier_ratio 1.307 (95 % 1.21 to 1.39), above 1.25, ends at 1.15, on 12480; 2 of the last 3 nights, 2 needed (2024-11-17 1.19, 2024-11-18 1.28)"}}}
	n := report.Night{Result: schemas.MonitorResult{Signals: s, Verdict: v, Lifecycle: "lifecycle/punctuality", Act: schemas.ActStarted}, Source: "simulation"}
	for i := range 20 {
		past := schemas.Signals{Day: morning.AddDate(0, 0, i-21).Format("2006-01-02"), Version: 3, Brier: of(0.098 + 0.004*float64(i%3) + 0.0012*float64(max(0, i-12))), BrierExpected: of(0.1004), BrierBaseline: of(0.124 + 0.003*float64(i%4))}
		if i == 7 {
			past.Brier = nil
		}
		n.Before = append(n.Before, report.Past{Signals: past})
	}
	for i := range 12 {
		x := 0.02 + 0.07*float64(i)
		n.Reliability = append(n.Reliability, metric.Bin{Events: 1040, MeanForecast: x, LateRate: min(1, x*1.25)})
	}
	for i, minutes := range []int32{5, 15, 30, 60, 120} {
		n.Scores = append(n.Scores, schema.Score{Metric: "brier", HorizonMinutes: minutes, Version: 3, Role: schema.RoleChampion, Source: schema.FromPanel, Evidence: "change_observed", Value: 0.08 + 0.02*float64(i), Lower: 0.07 + 0.02*float64(i), Upper: 0.09 + 0.02*float64(i), BaselineValue: 0.09 + 0.02*float64(i), Events: 2496})
	}
	served := n.Scores[len(n.Scores)-1]
	for _, change := range []func(*schema.Score){ // none of these is what the night was judged on
		func(s *schema.Score) { s.Evidence = "polled_without_change" }, func(s *schema.Score) { s.Source = schema.FromBatch },
		func(s *schema.Score) { s.Role = schema.RoleShadow }, func(s *schema.Score) { s.Version = 2 }} {
		other := served
		other.Events = 4711
		change(&other)
		n.Scores = append(n.Scores, other)
	}
	for i, name := range []string{"ICE", "RE", "S", "tiny"} {
		events := uint64(900)
		if name == "tiny" {
			events = 29
		}
		n.Scores = append(n.Scores, schema.Score{Metric: "brier", SliceKind: "category", Slice: name, Version: 3, Role: schema.RoleChampion, Source: schema.FromPanel, Evidence: "change_observed", Value: 0.1, BaselineValue: 0.08 + 0.02*float64(i), Events: events})
	}
	n.Shapes = []report.Shape{{Feature: "forecast_delay", Reference: []float64{0, 0.6, 0.2, 0.1, 0.06, 0.04, 0}, Night: []float64{0, 0.35, 0.2, 0.17, 0.13, 0.12, 0.03}, Labels: []string{"up to -1", "-1 to 0", "0 to 1"}},
		{Feature: "station_late_1h", Reference: []float64{0, 0.25, 0.25, 0.25, 0.25, 0}, Night: []float64{0, 0.1, 0.15, 0.25, 0.45, 0.05}}}
	return n
}

func page(t *testing.T, n report.Night) string {
	t.Helper()
	body, err := report.Page(n)
	require.NoError(t, err)
	// Whoever wants to look at one: PUENKTLICH_TEST_PAGES names a directory.
	if dir := os.Getenv("PUENKTLICH_TEST_PAGES"); dir != "" {
		name := strings.ReplaceAll(t.Name(), "/", "-") + ".html"
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), body, 0o644))
	}
	return string(body)
}

var tag = regexp.MustCompile(`<[^>]+>`)

// text is what a reader sees.
func text(page string) string {
	if _, body, found := strings.Cut(page, "<body>"); found {
		page = body
	}
	return html.UnescapeString(strings.Join(strings.Fields(tag.ReplaceAllString(page, " ")), " "))
}

func TestThePageTellsTheNight(t *testing.T) {
	t.Parallel()
	body := page(t, story())
	seen := text(body)
	for _, want := range []string{
		"punctuality@3 on 2024-11-19, simulation", "Learn again", "forecasts are worse than they were evaluated: brier_ratio 1.307 (95 % 1.21 to 1.39), above 1.25",
		"Done: retrain started as lifecycle/punctuality", "−3.2 % skill against the railway", "0.1312 Brier score; evaluated 0.1004, railway 0.1271", "27.4 % of these events",
		"12 480 of 13 112 forecasts have a truth", "On 12 480 forecasts of 2024-11-19 (panel)",
		"120 0.1600 0.1500 to 0.1700 0.1700 +5.9 % 2 496", "category ICE 0.1000 0.0800 −25.0 % 900", "0.46 0.11 0.21 12.0 % 4.0 %", "0.31 – 0.12 (uncertain)",
		"its budget of 1 in 28 days is spent", "Since 2024-11-20", "Policy default , version 1", "puenktlich verdicts explain 2024-11-19",
	} {
		require.Contains(t, seen, want)
	}
	require.Contains(t, body, "<title>forecast_delay: bin 6 12 % now, 4 % then; -1 to 0 35 % now, 60 % then</title>", "the drawing in words")
	require.Contains(t, seen, "events 12 480 – –")
	require.NotContains(t, seen, "tiny", "a slice of few events")
	require.NotContains(t, seen, "4 711", "forecasts that the night was not judged on")
	require.Less(t, strings.Index(seen, "worse fires"), strings.Index(seen, "coverage unknown"), "what fires stands first")
	require.Equal(t, 4, strings.Count(body, "<svg"), "two charts, two distributions")
	require.Less(t, len(body), 100_000)
}

// TestThePageLoadsNothing: it stands alone, and runs nothing.
func TestThePageLoadsNothing(t *testing.T) {
	t.Parallel()
	body := page(t, story())
	for _, foreign := range []string{"<script", "<link", "src=", "url(", "@import", "<iframe"} {
		require.NotContains(t, body, foreign)
	}
	require.NotRegexp(t, `(href|xlink:href)="http`, body)
	for name := range ids(body) {
		require.Equal(t, 1, strings.Count(body, fmt.Sprintf(`id="%s"`, name)), name)
	}
}

func ids(body string) map[string]bool {
	all := map[string]bool{}
	for _, m := range regexp.MustCompile(`\bid="([^"]+)"`).FindAllStringSubmatch(body, -1) {
		all[m[1]] = true
	}
	return all
}

func TestNightsOfWhichLittleIsKnown(t *testing.T) {
	t.Parallel()
	empty := page(t, report.Night{Result: schemas.MonitorResult{Signals: schemas.Signals{Model: "m", Day: "2024-11-19"}, Verdict: schemas.Verdict{Kind: schemas.VerdictNothing}}})
	require.Contains(t, text(empty), "Nothing to do")
	require.NotContains(t, empty, "NaN")
	gone := page(t, report.Night{Result: schemas.MonitorResult{Signals: schemas.Signals{Model: "m", Day: "2024-11-19", Fault: "the package of m@2 cannot be read"},
		Verdict: schemas.Verdict{Kind: schemas.VerdictAlert}}})
	require.Contains(t, text(gone), "the package of m@2 cannot be read.")
	require.NotContains(t, gone, `class="tiles"`)
}

func TestWhatComesFromOutsideIsEscaped(t *testing.T) {
	t.Parallel()
	n := story()
	const evil = `<script>alert(1)</script>"'`
	n.Source, n.Result.Note = evil, evil
	n.Result.Verdict.Rules[0].Reason = evil
	n.Result.Signals.Drift[1].Feature, n.Shapes[0].Feature = evil, evil
	n.Scores[5].Slice = evil
	require.NotContains(t, page(t, n), "<script")
}
