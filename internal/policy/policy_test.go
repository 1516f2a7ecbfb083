package policy_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

func of(v float64) *float64 { return &v }

func TestDecide(t *testing.T) {
	t.Parallel()
	good := schemas.Signals{Day: "2024-11-01", Predictions: 5000, Events: 4000, Brier: of(0.10), BrierExpected: of(0.10), Skill: of(0.2),
		Drift: []schemas.FeatureDrift{{Feature: "a", PSI: 0.01}, {Feature: "b", PSI: 0.02}}}
	tests := []struct {
		name   string
		change func(*schemas.Signals)
		want   schemas.VerdictKind
		reason string
	}{
		{"a quiet night", func(*schemas.Signals) {}, schemas.VerdictNothing, "Brier 0.1000 is 1.00 times the evaluation's 0.1000"},
		{"nothing was forecast", func(s *schemas.Signals) { s.Predictions = 0 }, schemas.VerdictAlert, "no forecast of 2024-11-01 was logged"},
		{"a day without truth never retrains", func(s *schemas.Signals) { s.Events, s.Brier, s.Skill = 0, nil, nil }, schemas.VerdictNothing, "0 forecasts have a truth, fewer than 200"},
		{"a worse Brier", func(s *schemas.Signals) { s.Brier = of(0.13) }, schemas.VerdictRetrain, "1.30 times the evaluation's"},
		{"no skill left", func(s *schemas.Signals) { s.Skill = of(-0.06) }, schemas.VerdictRetrain, "-6.0 % (limit -5.0 %)"},
		{"one feature of two drifted is more than 30 %", func(s *schemas.Signals) { s.Drift[1].PSI = 0.4 }, schemas.VerdictRetrain, "1 of 2 features above PSI 0.25"},
		{"an ordinary day's distance is no drift", func(s *schemas.Signals) { s.Drift[1].PSI, s.Drift[1].Limit = 0.4, 0.5 }, schemas.VerdictNothing, "no feature of 2 above PSI 0.25"},
		{"one strange feature of twenty is chance", func(s *schemas.Signals) {
			s.Drift = append(make([]schemas.FeatureDrift, 19), schemas.FeatureDrift{Feature: "c", PSI: 0.4})
		}, schemas.VerdictNothing, "1 of 20 features above PSI 0.25 and their own limit (limit 10 % of them), furthest c 0.400"},
		{"drift without truth is an alert", func(s *schemas.Signals) { s.Drift[1].PSI, s.Events, s.Brier = 0.4, 0, nil }, schemas.VerdictAlert, "furthest b 0.400"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			signals := good
			signals.Drift = append([]schemas.FeatureDrift(nil), good.Drift...)
			tt.change(&signals)
			verdict := policy.Decide(signals, schemas.Policy{})
			require.Equal(t, tt.want, verdict.Kind)
			require.Contains(t, join(verdict.Reasons), tt.reason)
		})
	}
}

func join(reasons []string) string {
	all := ""
	for _, r := range reasons {
		all += r + "\n"
	}
	return all
}
