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

func TestImpossibleRollouts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		rollout schemas.Rollout
		want    string
	}{
		{schemas.Rollout{}, ""},
		{schemas.Rollout{CanaryDays: 1, CanaryShare: 0.1, Approval: schemas.ApprovalRequired}, ""},
		{schemas.Rollout{ShadowDays: -1}, "shadow_days is -1"},
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
