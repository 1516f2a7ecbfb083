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
	// Rollout under way; nil for none. Its limits hold for the challenger, or for the
	// champion while Tried says that it is the package that the rollout watches.
	Rollout *schemas.Rollout
	Tried   bool
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
	tried := r
	if s.Rollout != nil {
		tried = *s.Rollout
	}
	if s.Tried {
		r = tried
	}
	if champion.forecasts < max(1, r.MinForecasts) && challenger.forecasts < max(1, tried.MinForecasts) {
		return schemas.ServiceWait, fmt.Sprintf("%d forecasts of the champion and %d of the challenger, at least %d and %d are judged", champion.forecasts, challenger.forecasts, r.MinForecasts, tried.MinForecasts)
	}
	mine, alike, theirs := champion.beyond(r), champion.beyond(tried), challenger.beyond(tried)
	switch {
	case theirs != "" && alike != "":
		return schemas.ServiceTell, fmt.Sprintf("champion and challenger alike: %s; %s: look at the instances, not at the packages", alike, theirs)
	case theirs != "":
		return schemas.ServiceReject, "the challenger: " + theirs
	case mine == "":
		return schemas.ServiceFine, fmt.Sprintf("%d forecasts of the champion and %d of the challenger are within the limits", champion.forecasts, challenger.forecasts)
	case s.Watched && s.Before:
		return schemas.ServiceRollback, "the champion: " + mine
	case s.Watched:
		return schemas.ServiceTell, "the champion: " + mine + "; there is none before it to go back to"
	}
	return schemas.ServiceTell, "the champion: " + mine + "; it has served for long: look at the instances, or roll back by hand"
}

// service tells how the candidate of a judgement served beside its reference, and
// whether that alone ends its rollout. Where both are beyond the limits it is not
// the package's fault.
func service(j schemas.Judgement, r schemas.Rollout) (said string, beyond bool) {
	t := tallyOf(j.Service, j.Candidate.Digest)
	if len(j.Service) == 0 || r.MaxErrorRate == 0 && r.MaxP99Millis == 0 {
		return "", false
	}
	if least := max(1, r.MinForecasts); t.forecasts < least {
		return fmt.Sprintf("%d forecasts were counted, at least %d are judged", t.forecasts, least), false
	}
	broken := t.beyond(r)
	if broken == "" {
		return t.within(r), false
	}
	if reference := tallyOf(j.Service, j.Reference.Digest).beyond(r); reference != "" {
		return broken + "; the other package alike: " + reference + ": look at the instances", false
	}
	return broken, true
}

// within tells the figures that the limits are held against.
func (t tallied) within(r schemas.Rollout) string {
	said := []string{fmt.Sprintf("of %d forecasts", t.forecasts)}
	if r.MaxErrorRate > 0 {
		said = append(said, fmt.Sprintf("%d failed, at most %.1f %% may", t.failed, 100*r.MaxErrorRate))
	}
	if at := slices.Index(schemas.LatencyEdges(), r.MaxP99Millis); at >= 0 {
		said = append(said, fmt.Sprintf("%d took longer than %d ms, at most 1 %% may", t.slower[at], r.MaxP99Millis))
	}
	return strings.Join(said, ", ")
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
