package policy_test

import (
	"strings"
	"testing"

	"puenktlich/internal/policy"
	"puenktlich/schemas"
)

// TestNextStepOfARollout holds the rule against what its table in
// docs/architecture.md says, case by case.
func TestNextStepOfARollout(t *testing.T) {
	t.Parallel()
	rollout := schemas.Rollout{ShadowDays: 2, WatchDays: 2, MinEvents: 100, MaxLoss: 0.002, PatienceDays: 5}
	interval := func(low, high float64) (*float64, *float64) { return &low, &high }
	for _, tt := range []struct {
		name      string
		stage     schemas.Stage
		days      int
		events    int
		low, high float64
		want      schemas.NextStep
		says      string
	}{
		{"too early", schemas.StageShadow, 1, 500, -0.02, 0.001, schemas.NextWait, "1 settled days of at least 2"},
		{"clearly worse ends early", schemas.StageShadow, 1, 500, 0.001, 0.02, schemas.NextReject, "clearly worse"},
		{"clearly worse on too few events waits", schemas.StageShadow, 1, 99, 0.001, 0.02, schemas.NextWait, "99 events of at least 100"},
		{"clearly better", schemas.StageShadow, 2, 500, -0.02, -0.01, schemas.NextAdvance, "at most 0.0000 worse"},
		{"as good within the margin", schemas.StageShadow, 2, 500, -0.02, 0.002, schemas.NextAdvance, "at most 0.0020 worse"},
		{"undecided waits", schemas.StageShadow, 4, 500, -0.02, 0.01, schemas.NextWait, "may be more than 0.0020 worse"},
		{"undecided and better in the end", schemas.StageShadow, 5, 500, -0.02, 0.01, schemas.NextAdvance, "not worse in 5 days"},
		{"undecided and worse in the end", schemas.StageShadow, 5, 500, -0.01, 0.02, schemas.NextReject, "not as good in 5 days"},
		{"few events wait", schemas.StageShadow, 3, 50, -0.02, 0.001, schemas.NextWait, "not enough to judge"},
		{"few events in the end", schemas.StageShadow, 5, 50, -0.02, 0.001, schemas.NextReject, "still not enough"},
		{"watched and undecided stays", schemas.StageWatch, 2, 500, -0.01, 0.02, schemas.NextAdvance, "stays"},
		{"watched and worse goes back", schemas.StageWatch, 1, 500, 0.01, 0.02, schemas.NextReject, "clearly worse"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			j := schemas.Judgement{Stage: tt.stage, Count: tt.days, Events: tt.events, Difference: (tt.low + tt.high) / 2}
			j.Low, j.High = interval(tt.low, tt.high)
			got := policy.Next(j, rollout)
			if got.Next != tt.want || !strings.Contains(strings.Join(got.Reasons, "; "), tt.says) {
				t.Errorf("%s %q, want %s saying %q", got.Next, got.Reasons, tt.want, tt.says)
			}
		})
	}
	without := policy.Next(schemas.Judgement{Stage: schemas.StageShadow, Count: 3, Events: 500}, rollout)
	if without.Next != schemas.NextWait {
		t.Errorf("without an interval: %+v", without)
	}
}

// TestServiceDecidesARolloutToo: the same limits that take a champion back end the
// trial of a package, whatever its scores are, and every decision says the figures.
func TestServiceDecidesARolloutToo(t *testing.T) {
	t.Parallel()
	rollout := schemas.Rollout{ShadowDays: 2, WatchDays: 2, MinEvents: 100, MaxLoss: 0.002, PatienceDays: 5, MaxErrorRate: 0.02, MaxP99Millis: 50, MinForecasts: 1000}
	report := func(digest string, forecasts, failed, slow int) schemas.ServiceReport {
		return schemas.ServiceReport{Digest: digest, Forecasts: forecasts, Failed: failed, Slower: []int{forecasts, slow, slow, slow, 0, 0, 0, 0}}
	}
	for _, tt := range []struct {
		name  string
		stage schemas.Stage
		days  int
		seen  []schemas.ServiceReport
		want  schemas.NextStep
		says  string
	}{
		{"nobody reported", schemas.StageShadow, 2, nil, schemas.NextAdvance, "at most 0.0000 worse"},
		{"within the limits", schemas.StageShadow, 2, []schemas.ServiceReport{report("new", 1000, 20, 10)}, schemas.NextAdvance, "service: of 1000 forecasts, 20 failed, at most 2.0 % may, 10 took longer than 50 ms, at most 1 % may"},
		{"too few to judge", schemas.StageCanary, 2, []schemas.ServiceReport{report("new", 999, 999, 999)}, schemas.NextAdvance, "service: 999 forecasts were counted, at least 1000 are judged"},
		{"failures end a good one", schemas.StageShadow, 2, []schemas.ServiceReport{report("new", 1000, 21, 0), report("old", 1000, 0, 0)}, schemas.NextReject, "service: 21 of 1000 forecasts failed, 2.1 %, at most 2.0 % may"},
		{"slowness ends it early", schemas.StageCanary, 0, []schemas.ServiceReport{report("new", 1000, 0, 11)}, schemas.NextReject, "service: 11 of 1000 forecasts took longer than 50 ms, 1.1 %"},
		{"a watched champion that fails", schemas.StageWatch, 1, []schemas.ServiceReport{report("new", 1000, 30, 0), report("old", 500, 500, 0)}, schemas.NextReject, "service: 30 of 1000"},
		{"both alike", schemas.StageShadow, 2, []schemas.ServiceReport{report("new", 1000, 0, 20), report("old", 1000, 0, 20)}, schemas.NextAdvance, "the other package alike"},
		{"a third one's figures", schemas.StageShadow, 2, []schemas.ServiceReport{report("older", 5000, 5000, 0)}, schemas.NextAdvance, "service: 0 forecasts were counted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			low, high := -0.02, -0.01
			j := schemas.Judgement{Stage: tt.stage, Count: tt.days, Events: 500, Difference: -0.015, Low: &low, High: &high, Service: tt.seen,
				Candidate: schemas.PackageRef{Digest: "new"}, Reference: schemas.PackageRef{Digest: "old"}}
			got := policy.Next(j, rollout)
			if got.Next != tt.want || !strings.Contains(strings.Join(got.Reasons, "; "), tt.says) {
				t.Errorf("%s %q, want %s saying %q", got.Next, got.Reasons, tt.want, tt.says)
			}
		})
	}
	unlimited := policy.Next(schemas.Judgement{Stage: schemas.StageShadow, Count: 2, Service: []schemas.ServiceReport{report("", 5000, 5000, 5000)}}, schemas.Rollout{ShadowDays: 2, PatienceDays: 3})
	if unlimited.Next != schemas.NextWait || strings.Contains(strings.Join(unlimited.Reasons, ""), "service") {
		t.Errorf("without limits: %+v", unlimited)
	}
}

// TestAnInputRolloutTakesTheConfiguredLimits where it says none.
func TestAnInputRolloutTakesTheConfiguredLimits(t *testing.T) {
	t.Parallel()
	configured := schemas.Rollout{ShadowDays: 3, MaxErrorRate: 0.02, MaxP99Millis: 250, MinForecasts: 100, ApprovalDays: 7}
	got := schemas.Rollout{CanaryDays: 1, MaxErrorRate: 0.5, MinForecasts: 10}.Or(configured)
	if want := (schemas.Rollout{CanaryDays: 1, MaxErrorRate: 0.5, MaxP99Millis: 250, MinForecasts: 10, ApprovalDays: 7}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestImpossibleRollouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rollout schemas.Rollout
		want    string
	}{
		{schemas.Rollout{}, ""},
		{schemas.Rollout{CanaryDays: 1, CanaryShare: 0.1, Approval: schemas.ApprovalRequired}, ""},
		{schemas.Rollout{ShadowDays: -1}, "shadow_days is -1"},
		{schemas.Rollout{ApprovalDays: -1}, "approval_days is -1"},
		{schemas.Rollout{CanaryDays: 1}, "canary_share is 0 for 1 canary days"},
		{schemas.Rollout{CanaryShare: 1.5}, "canary_share is 1.5"},
		{schemas.Rollout{MaxLoss: -0.1}, "max_loss is -0.1"},
		{schemas.Rollout{Approval: "maybe"}, `approval is "maybe"`},
	} {
		err := policy.CheckRollout(tt.rollout)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v, want %q", tt.rollout, err, tt.want)
		}
	}
}
