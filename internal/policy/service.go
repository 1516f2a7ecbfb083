package policy

import (
	"fmt"
	"slices"
	"strings"

	"puenktlich/schemas"
)

// Served is who serves while reports are judged.
type Served struct {
	Champion   schemas.PackageRef
	Challenger *schemas.PackageRef // nil for none
	// Watched says that the champion is new enough to be taken back; Before that
	// there is one to go back to.
	Watched, Before bool
}

// tallied is a package over all instances.
type tallied struct {
	forecasts, failed int
	slower            []int
}

// Service judges how packages serve: a pure function of what the instances
// counted. Too many failures or too many slow forecasts reject a challenger and
// take a watched champion back; unless both packages are beyond the limits, which
// is then not the package's fault, or the champion has served for long.
func Service(reports []schemas.ServiceReport, s Served, r schemas.Rollout) (schemas.ServiceAct, string) {
	champion, challenger := tallyOf(reports, s.Champion.Digest), tallied{}
	if s.Challenger != nil && s.Challenger.Digest != s.Champion.Digest {
		challenger = tallyOf(reports, s.Challenger.Digest)
	}
	if max(champion.forecasts, challenger.forecasts) < max(1, r.MinForecasts) {
		return schemas.ServiceWait, fmt.Sprintf("%d forecasts of the champion and %d of the challenger, at least %d are judged", champion.forecasts, challenger.forecasts, r.MinForecasts)
	}
	mine, theirs := champion.beyond(r), challenger.beyond(r)
	switch {
	case mine == "" && theirs == "":
		return schemas.ServiceFine, fmt.Sprintf("%d forecasts of the champion and %d of the challenger are within the limits", champion.forecasts, challenger.forecasts)
	case mine != "" && theirs != "":
		return schemas.ServiceTell, fmt.Sprintf("champion and challenger alike: %s; %s: look at the instances, not at the packages", mine, theirs)
	case theirs != "":
		return schemas.ServiceReject, "the challenger: " + theirs
	case s.Watched && s.Before:
		return schemas.ServiceRollback, "the champion: " + mine
	case s.Watched:
		return schemas.ServiceTell, "the champion: " + mine + "; there is none before it to go back to"
	}
	return schemas.ServiceTell, "the champion: " + mine + "; it has served for long: look at the instances, or roll back by hand"
}

func tallyOf(reports []schemas.ServiceReport, digest string) tallied {
	t := tallied{slower: make([]int, len(schemas.LatencyEdges()))}
	for _, report := range reports {
		if report.Digest != digest {
			continue
		}
		t.forecasts, t.failed = t.forecasts+report.Forecasts, t.failed+report.Failed
		for i := range min(len(t.slower), len(report.Slower)) {
			t.slower[i] += report.Slower[i]
		}
	}
	return t
}

// beyond says which limits do not hold; empty where all do, or where too little is
// known.
func (t tallied) beyond(r schemas.Rollout) string {
	if t.forecasts < max(1, r.MinForecasts) {
		return ""
	}
	var broken []string
	if rate := float64(t.failed) / float64(t.forecasts); r.MaxErrorRate > 0 && rate > r.MaxErrorRate {
		broken = append(broken, fmt.Sprintf("%d of %d forecasts failed, %.1f %%, at most %.1f %% may", t.failed, t.forecasts, 100*rate, 100*r.MaxErrorRate))
	}
	if at := slices.Index(schemas.LatencyEdges(), r.MaxP99Millis); at >= 0 {
		if slow := float64(t.slower[at]) / float64(t.forecasts); slow > 0.01 {
			broken = append(broken, fmt.Sprintf("%d of %d forecasts took longer than %d ms, %.1f %%, at most 1 %% may", t.slower[at], t.forecasts, r.MaxP99Millis, 100*slow))
		}
	}
	return strings.Join(broken, "; ")
}

// checkService answers what makes the limits impossible.
func checkService(r schemas.Rollout) error {
	switch {
	case !(r.MaxErrorRate >= 0 && r.MaxErrorRate <= 1):
		return fmt.Errorf("rollout: max_error_rate is %v: want a share from 0 to 1, 0 for no limit", r.MaxErrorRate)
	case r.MaxP99Millis != 0 && !slices.Contains(schemas.LatencyEdges(), r.MaxP99Millis):
		return fmt.Errorf("rollout: max_p99_ms is %d: want one of %v, 0 for no limit", r.MaxP99Millis, schemas.LatencyEdges())
	case r.MinForecasts < 0:
		return fmt.Errorf("rollout: min_forecasts is %d: want 0 or more", r.MinForecasts)
	}
	return nil
}
