package workflows

import (
	"fmt"
	"slices"
	"strings"

	"puenktlich/schemas"
)

func verdictCard(r schemas.MonitorResult) string {
	var b strings.Builder
	s := r.Signals
	b.WriteString(fmt.Sprintf("## %s, %s@%d: **%s**\n", s.Day, s.Model, s.Version, r.Verdict.Kind))
	b.WriteString(done(r))
	for _, reason := range r.Verdict.Reasons {
		b.WriteString("- " + reason + "\n")
	}
	if s.Fault != "" {
		return b.String()
	}
	b.WriteString(fmt.Sprintf("\n| forecasts scored on truth | Brier | in the evaluation | railway's forecast, calibrated | skill against it | ECE | late |\n|--:|--:|--:|--:|--:|--:|--:|\n| %d of %d | %s | %s | %s | %s | %s | %s |\n",
		s.Events, s.Predictions, figure(s.Brier), figure(s.BrierExpected), figure(s.BrierBaseline), figure(s.Skill), figure(s.ECE), figure(s.LateRate)))
	drifted := slices.Clone(s.Drift)
	slices.SortStableFunc(drifted, func(a, b schemas.FeatureDrift) int {
		switch {
		case a.PSI > b.PSI:
			return -1
		case a.PSI < b.PSI:
			return 1
		}
		return 0
	})
	b.WriteString("\n### Features furthest from training\n\n| feature | PSI | ordinary days reach | KS | missing now | in training |\n|---|--:|--:|--:|--:|--:|\n")
	for _, d := range drifted[:min(10, len(drifted))] {
		b.WriteString(fmt.Sprintf("| %s | %.3f | %.3f | %.3f | %.1f %% | %.1f %% |\n", d.Feature, d.PSI, d.Limit, d.KS, 100*d.MissingNow, 100*d.MissingThen))
	}
	return b.String()
}

// done says by which policy it was decided, what was done, and where to read on.
func done(r schemas.MonitorResult) string {
	var b strings.Builder
	if p := r.Verdict.Policy; p.Name != "" {
		b.WriteString(fmt.Sprintf("by policy %s, version %d", p.Name, p.Version))
		if r.Verdict.Rule != "" {
			b.WriteString(", rule **" + r.Verdict.Rule + "**")
		}
		b.WriteString(". `puenktlich verdicts explain " + r.Signals.Day + "` decides it again from what is stored.\n\n")
	}
	switch {
	case r.Act == schemas.ActFailed:
		b.WriteString("**Not done**: " + r.Note + "\n\n")
	case r.Lifecycle != "":
		b.WriteString(fmt.Sprintf("Started `%s`.\n\n", r.Lifecycle))
	case r.Note != "":
		b.WriteString(r.Note + "\n\n")
	}
	if r.Evidence != "" {
		b.WriteString("Evidence: `" + r.Evidence + "` in the bucket.\n\n")
	}
	if r.Report != "" {
		b.WriteString("Report: `/reports/" + r.Signals.Day + "` of the prediction API, `" + r.Report + "` in the bucket.\n\n")
	}
	return b.String()
}

func figure(v *float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf("%.4f", *v)
}
