package policy

import (
	"fmt"

	"puenktlich/schemas"
)

// Next decides what follows from what a stage knows: a pure function of the
// judgement's numbers and the rollout. It answers the judgement with its next
// step and the reasons: one of truth, one of service. A package that serves
// beyond the limits is rejected whatever its scores are.
func Next(j schemas.Judgement, r schemas.Rollout) schemas.Judgement {
	j.Next, j.Reasons = next(j, r)
	served, beyond := service(j, r)
	if beyond {
		j.Next = schemas.NextReject
	}
	if served != "" {
		j.Reasons = append(j.Reasons, "service: "+served)
	}
	return j
}

// days a stage takes.
func days(stage schemas.Stage, r schemas.Rollout) int {
	switch stage {
	case schemas.StageShadow:
		return r.ShadowDays
	case schemas.StageCanary:
		return r.CanaryDays
	case schemas.StageWatch:
		return r.WatchDays
	}
	return 0
}

func next(j schemas.Judgement, r schemas.Rollout) (schemas.NextStep, []string) {
	known := fmt.Sprintf("%d settled days of at least %d, %d events of at least %d", j.Count, days(j.Stage, r), j.Events, r.MinEvents)
	patient := j.Count < max(r.PatienceDays, days(j.Stage, r))
	enough := j.Events >= r.MinEvents && j.Low != nil && j.High != nil
	if enough && *j.Low > 0 { // no need to wait for the last day
		return schemas.NextReject, []string{known, compared(j) + ": clearly worse"}
	}
	switch {
	case j.Count < days(j.Stage, r):
		return schemas.NextWait, []string{known}
	case j.Stage == schemas.StageWatch: // only the clearly worse is taken back
		return schemas.NextAdvance, []string{known, compared(j) + ": stays"}
	case !enough && patient:
		return schemas.NextWait, []string{known + ": not enough to judge"}
	case !enough:
		return schemas.NextReject, []string{fmt.Sprintf("%s: still not enough to judge after %d days", known, j.Count)}
	case *j.High <= r.MaxLoss:
		return schemas.NextAdvance, []string{known, fmt.Sprintf("%s: at most %.4f worse, %.4f is allowed", compared(j), max(*j.High, 0), r.MaxLoss)}
	case patient:
		return schemas.NextWait, []string{known, fmt.Sprintf("%s: may be more than %.4f worse", compared(j), r.MaxLoss)}
	case j.Difference <= 0:
		return schemas.NextAdvance, []string{known, fmt.Sprintf("%s: not worse in %d days", compared(j), j.Count)}
	}
	return schemas.NextReject, []string{known, fmt.Sprintf("%s: not as good in %d days", compared(j), j.Count)}
}

// compared tells the comparison with its interval.
func compared(j schemas.Judgement) string {
	if j.Low == nil || j.High == nil {
		return fmt.Sprintf("Brier %.4f against %.4f", j.Brier, j.BrierReference)
	}
	return fmt.Sprintf("Brier %.4f against %.4f, difference %+.4f (%+.4f to %+.4f, %s)", j.Brier, j.BrierReference, j.Difference, *j.Low, *j.High, j.Blocks)
}

// CheckRollout answers what makes a rollout impossible, nil for none.
func CheckRollout(r schemas.Rollout) error {
	for _, field := range []struct {
		name  string
		value int
	}{{"shadow_days", r.ShadowDays}, {"canary_days", r.CanaryDays}, {"watch_days", r.WatchDays}, {"min_events", r.MinEvents}, {"patience_days", r.PatienceDays}, {"approval_days", r.ApprovalDays}} {
		if field.value < 0 {
			return fmt.Errorf("rollout: %s is %d: want 0 or more", field.name, field.value)
		}
	}
	switch {
	case !(r.CanaryShare >= 0 && r.CanaryShare <= 1):
		return fmt.Errorf("rollout: canary_share is %v: want a share from 0 to 1", r.CanaryShare)
	case r.CanaryDays > 0 && r.CanaryShare == 0:
		return fmt.Errorf("rollout: canary_share is 0 for %d canary days: give the share of trips the canary answers", r.CanaryDays)
	case !(r.MaxLoss >= 0 && r.MaxLoss <= 1):
		return fmt.Errorf("rollout: max_loss is %v: want a difference of Brier scores from 0 to 1", r.MaxLoss)
	case r.Approval != "" && r.Approval != schemas.ApprovalAutomatic && r.Approval != schemas.ApprovalRequired:
		return fmt.Errorf("rollout: approval is %q: want %s or %s", r.Approval, schemas.ApprovalAutomatic, schemas.ApprovalRequired)
	}
	return checkService(r)
}
