package policy

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"puenktlich/schemas"
)

func horizon(minutes int, brier, railway float64) schemas.HorizonScore {
	return schemas.HorizonScore{Minutes: minutes, Events: 500, Score: schemas.Score{Brier: brier}, ECE: 0.04, ECEBand: 0.03,
		Baselines: schemas.Baselines{Rate: schemas.Score{Brier: 0.2}, RateByCategory: schemas.Score{Brier: 0.19},
			DBForecast: schemas.Score{Brier: railway}, DBForecastCalibrated: schemas.Score{Brier: 0.12}}}
}

func number(v float64) *float64 { return &v }

// against is a comparison whose difference is -0.001, with a verdict.
func against(v, within schemas.EvidenceVerdict, brier float64) *schemas.Comparison {
	return &schemas.Comparison{Champion: schemas.PackageRef{Model: "punctuality", Version: 3}, Verdict: v, Overall: schemas.HorizonComparison{
		Rows: 2500, Brier: brier, ChampionBrier: 0.1, Difference: schemas.Estimate{Value: number(brier - 0.1), Low: number(-0.01), High: number(0.02)}, Verdict: v, Within: within}}
}

// rules are the defaults with a change.
func rules(change func(*schemas.GatePolicy)) schemas.GatePolicy {
	p := schemas.DefaultGate()
	change(&p)
	return p
}

func TestGate(t *testing.T) {
	t.Parallel()
	good := func(r schemas.Report) schemas.Report {
		r.TestEvents, r.TestDayCount, r.Horizons = 500, 2, []schemas.HorizonScore{horizon(60, 0.11, 0.15)}
		return r
	}
	slice := schemas.SliceScore{Dimension: schemas.SliceProduct, Name: "RB", Events: 140, BestBaseline: schemas.BaselineCategory, Skill: schemas.Estimate{Value: number(-0.3)}}
	few := schemas.SliceScore{Dimension: schemas.SliceProduct, Name: "IC", Events: 14, TooFew: true}
	tests := []struct {
		name   string
		report schemas.Report
		rules  schemas.GatePolicy
		passed bool
		reason string
	}{
		{"better everywhere", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15), horizon(5, 0.07, 0.08)}}, schemas.GatePolicy{}, true,
			"holds: 60 min: Brier 0.1100 below the railway's forecast 0.1500 on 500 events"},
		{"worse at one", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15), horizon(5, 0.09, 0.08)}}, schemas.GatePolicy{}, false,
			"FAILS: 5 min: Brier 0.0900 below the railway's forecast 0.0800 on 500 events"},
		{"equal is not better", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, 0.15, 0.15)}}, schemas.GatePolicy{}, false, "FAILS: 60 min"},
		{"no figure", schemas.Report{TestEvents: 500, Horizons: []schemas.HorizonScore{horizon(60, math.NaN(), 0.15)}}, schemas.GatePolicy{}, false, "FAILS: 60 min"},
		{"too few events", schemas.Report{TestEvents: 99, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15)}}, schemas.GatePolicy{}, false, "FAILS: 99 test events, at least 100"},
		{"just enough", schemas.Report{TestEvents: 100, Horizons: []schemas.HorizonScore{horizon(60, 0.11, 0.15)}}, schemas.GatePolicy{}, true, "holds: 100 test events, at least 100"},
		{"nothing scored", schemas.Report{TestEvents: 500}, schemas.GatePolicy{}, false, "FAILS: 0 horizons were scored, at least 1"},
		{"no champion", good(schemas.Report{}), schemas.GatePolicy{}, true, "holds: no champion yet: the baselines alone decide"},

		{"days", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.MinDays = 3 }), false, "FAILS: 2 test days, at least 3"},
		{"skill of the calibrated", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.SkillAgainst, p.MinSkill = schemas.BaselineDBCalibrated, 0.08 }), true,
			"holds: 60 min: skill +8.3 % above +8.0 %, Brier 0.1100 against the railway's forecast, calibrated, 0.1200 on 500 events"},
		{"skill of the best", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.SkillAgainst, p.MinSkill = schemas.BaselineBest, 0.09 }), false,
			"FAILS: 60 min: skill +8.3 % above +9.0 %, Brier 0.1100 against the best baseline 0.1200"},
		{"not calibrated", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.MaxECE = 0.03 }), false,
			"FAILS: 60 min: ECE 0.0400 at most 0.0300, or within 0.0300, which 95 % of calibrated forecasts like it reach at most, on 500 events"},
		{"calibrated", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.MaxECE = 0.04 }), true, "holds: 60 min: ECE 0.0400 at most 0.0400"},
		{"bad slice", good(schemas.Report{Slices: []schemas.SliceScore{slice, few}}), rules(func(p *schemas.GatePolicy) { p.MinSliceSkill = -0.2 }), false,
			"FAILS: product RB: skill -30.0 % against the rate by category, at least -20.0 %, on 140 events"},
		{"slices that will do", good(schemas.Report{Slices: []schemas.SliceScore{slice, few}}), rules(func(p *schemas.GatePolicy) { p.MinSliceSkill = -0.4 }), true,
			"holds: none of 1 scored slices has a skill below -40.0 %; 1 had too few events"},
		{"too large", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.MaxModelBytes = 999 }), false, "FAILS: 1000 bytes of model, at most 999"},
		{"too slow", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.MaxRowMicroseconds = 19 }), false, "FAILS: 20.0 microseconds a forecast, at most 19.0"},
		{"light and quick", good(schemas.Report{}), rules(func(p *schemas.GatePolicy) { p.MaxModelBytes, p.MaxRowMicroseconds = 1000, 20 }), true, "holds: 20.0 microseconds"},

		{"no difference", good(schemas.Report{Champion: against(schemas.VerdictNoDifference, schemas.VerdictNoDifference, 0.101)}), schemas.GatePolicy{}, true,
			"holds: no difference against the champion punctuality@3 (may not be worse by more than 2.0 %): Brier 0.1010 against 0.1000 on 2500 forecasts, difference +0.0010 (95 % -0.0100 to +0.0200)"},
		{"worse", good(schemas.Report{Champion: against(schemas.VerdictWorse, schemas.VerdictWorse, 0.103)}), schemas.GatePolicy{}, false, "FAILS: worse against the champion punctuality@3"},
		{"worse by little", good(schemas.Report{Champion: against(schemas.VerdictWorse, schemas.VerdictWorse, 0.102)}), schemas.GatePolicy{}, true, "holds: worse against"},
		{"not better", good(schemas.Report{Champion: against(schemas.VerdictNoDifference, "", 0.09)}), rules(func(p *schemas.GatePolicy) { p.Champion = schemas.ChampionBeaten }), false,
			"FAILS: no difference against the champion punctuality@3 (has to be better)"},
		{"better", good(schemas.Report{Champion: against(schemas.VerdictBetter, "", 0.09)}), rules(func(p *schemas.GatePolicy) { p.Champion = schemas.ChampionBeaten }), true, "holds: better"},
		{"few days, worse", good(schemas.Report{Champion: against(schemas.VerdictNotEnoughDays, schemas.VerdictWorse, 0.13)}), schemas.GatePolicy{}, false, "FAILS: worse within these days only"},
		{"few days, no difference", good(schemas.Report{Champion: against(schemas.VerdictNotEnoughDays, schemas.VerdictNoDifference, 0.13)}), schemas.GatePolicy{}, true, "holds: no difference within these days only"},
		{"few days, refused", good(schemas.Report{Champion: against(schemas.VerdictNotEnoughDays, schemas.VerdictBetter, 0.05)}), rules(func(p *schemas.GatePolicy) { p.FewDays = schemas.FewDaysRefuse }), false,
			"FAILS: not enough days to compare with the champion punctuality@3: Brier 0.0500"},
		{"not comparable", good(schemas.Report{Champion: &schemas.Comparison{Verdict: schemas.VerdictNotComparable, Note: "its package is gone"}}), schemas.GatePolicy{}, true, "its package is gone"},
		{"not comparable, but has to be", good(schemas.Report{Champion: &schemas.Comparison{Verdict: schemas.VerdictNotComparable, Note: "its package is gone"}}),
			rules(func(p *schemas.GatePolicy) { p.Champion = schemas.ChampionBeaten }), false, "FAILS: no comparison with the champion"},
		{"ignored", good(schemas.Report{Champion: against(schemas.VerdictWorse, "", 0.5)}), rules(func(p *schemas.GatePolicy) { p.Champion = schemas.ChampionIgnored }), true, "holds: 60 min"},
	}
	for _, test := range tests {
		g := Gate(test.report, schemas.ModelCost{SizeBytes: 1000, RowMicroseconds: 20}, test.rules)
		if g.Passed != test.passed || !strings.Contains(strings.Join(g.Reasons, "\n"), test.reason) {
			t.Errorf("%s: passed %v, %q", test.name, g.Passed, g.Reasons)
		}
		for _, reason := range g.Reasons {
			if !strings.HasPrefix(reason, "holds: ") && !strings.HasPrefix(reason, "FAILS: ") {
				t.Errorf("%s: %q says neither", test.name, reason)
			}
		}
	}
}

func TestGateAsJSON(t *testing.T) {
	t.Parallel()
	var p schemas.GatePolicy
	if err := json.Unmarshal([]byte(`{"min_events": 500, "max_ece": 0.03}`), &p); err != nil {
		t.Fatal(err)
	}
	if want := rules(func(p *schemas.GatePolicy) { p.MinEvents, p.MaxECE = 500, 0.03 }); p != want {
		t.Errorf("%+v, want the defaults but for two: %+v", p, want)
	}
	for text, want := range map[string]string{
		`{"min_event": 5}`:             `unknown field "min_event"`,
		`{"min_events": 0}`:            "min_events 0",
		`{"min_days": -1}`:             "min_days -1",
		`{"skill_against": "luck"}`:    `skill_against "luck": want one of`,
		`{"champion": "dead"}`:         `champion "dead": want ignore, not_worse or better`,
		`{"few_days": "maybe"}`:        `few_days "maybe": want within or refuse`,
		`{"max_ece": 3}`:               "max_ece 3: want 0 to 1",
		`{"min_skill": 1}`:             "min_skill 1",
		`{"max_model_bytes": -1}`:      "max_model_bytes -1",
		`{"min_events": "many"}`:       "min_events",
		`{"max_champion_loss": -0.01}`: "max_champion_loss -0.01",
	} {
		var p schemas.GatePolicy
		if err := json.Unmarshal([]byte(text), &p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", text, err, want)
		}
	}
	body, err := json.Marshal(schemas.DefaultGate())
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(body, &p); err != nil || p != schemas.DefaultGate() {
		t.Errorf("%s read back as %+v, %v", body, p, err)
	}
}
