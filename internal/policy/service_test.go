package policy

import (
	"strings"
	"testing"

	"puenktlich/schemas"
)

// report is of so many forecasts: failed ones, and those slower than 50 ms.
func report(digest string, forecasts, failed, slow int) schemas.ServiceReport {
	return schemas.ServiceReport{Digest: digest, Forecasts: forecasts, Failed: failed, Slower: []int{forecasts, slow, slow, slow, 0, 0, 0, 0}}
}

func TestService(t *testing.T) {
	t.Parallel()
	limits := schemas.Rollout{MaxErrorRate: 0.02, MaxP99Millis: 50, MinForecasts: 100}
	second := &schemas.PackageRef{Digest: "b"}
	strict := schemas.Rollout{MaxErrorRate: 0.01, MinForecasts: 10}
	for _, test := range []struct {
		name    string
		reports []schemas.ServiceReport
		served  Served
		rollout schemas.Rollout
		act     schemas.ServiceAct
		reason  string
	}{
		{"all is well", []schemas.ServiceReport{report("a", 100, 2, 1)}, Served{Watched: true, Before: true}, limits, schemas.ServiceFine, "100 forecasts of the champion"},
		{"too few", []schemas.ServiceReport{report("a", 99, 99, 0)}, Served{Watched: true, Before: true}, limits, schemas.ServiceWait, "99 forecasts"},
		{"two instances together", []schemas.ServiceReport{report("a", 60, 3, 0), report("a", 60, 0, 0)}, Served{Watched: true, Before: true}, limits, schemas.ServiceRollback, "3 of 120 forecasts failed, 2.5 %, at most 2.0 % may"},
		{"slow", []schemas.ServiceReport{report("a", 100, 0, 2)}, Served{Watched: true, Before: true}, limits, schemas.ServiceRollback, "2 of 100 forecasts took longer than 50 ms, 2.0 %, at most 1 % may"},
		{"another package's failures", []schemas.ServiceReport{report("c", 1000, 1000, 1000), report("a", 100, 0, 0)}, Served{Watched: true, Before: true}, limits, schemas.ServiceFine, "within the limits"},
		{"nothing before", []schemas.ServiceReport{report("a", 100, 9, 0)}, Served{Watched: true}, limits, schemas.ServiceTell, "none before it"},
		{"served for long", []schemas.ServiceReport{report("a", 100, 9, 0)}, Served{Before: true}, limits, schemas.ServiceTell, "for long"},
		{"the challenger fails", []schemas.ServiceReport{report("a", 100, 0, 0), report("b", 100, 9, 0)}, Served{Challenger: second, Watched: true, Before: true}, limits, schemas.ServiceReject, "the challenger: 9 of 100"},
		{"both are slow", []schemas.ServiceReport{report("a", 100, 0, 9), report("b", 100, 0, 9)}, Served{Challenger: second, Watched: true, Before: true}, limits, schemas.ServiceTell, "look at the instances"},
		{"the rollout's own limits end its challenger", []schemas.ServiceReport{report("a", 100, 0, 0), report("b", 100, 2, 0)}, Served{Challenger: second, Rollout: &strict}, limits, schemas.ServiceReject, "the challenger: 2 of 100"},
		{"they need as many forecasts as it says", []schemas.ServiceReport{report("a", 20, 0, 0), report("b", 20, 2, 0)}, Served{Challenger: second, Rollout: &strict}, limits, schemas.ServiceReject, "the challenger: 2 of 20"},
		{"and are not those of the champion beside it", []schemas.ServiceReport{report("a", 100, 2, 0), report("b", 100, 0, 0)}, Served{Challenger: second, Watched: true, Before: true, Rollout: &strict}, limits, schemas.ServiceFine, "within the limits"},
		{"but of the champion that it watches", []schemas.ServiceReport{report("a", 100, 2, 0), report("b", 100, 0, 0)}, Served{Challenger: second, Watched: true, Before: true, Rollout: &strict, Tried: true}, limits, schemas.ServiceRollback, "the champion: 2 of 100"},
		{"no limits", []schemas.ServiceReport{report("a", 100, 100, 100)}, Served{Watched: true, Before: true}, schemas.Rollout{}, schemas.ServiceFine, ""},
	} {
		test.served.Champion.Digest = "a"
		act, reason := Service(test.reports, test.served, test.rollout)
		if act != test.act || !strings.Contains(reason, test.reason) {
			t.Errorf("%s: %s, %s; want %s, %s", test.name, act, reason, test.act, test.reason)
		}
	}
	for want, r := range map[string]schemas.Rollout{"max_p99_ms is 30: want one of [5 10": {MaxP99Millis: 30}, "max_error_rate is 2": {MaxErrorRate: 2}, "min_forecasts is -1": {MinForecasts: -1}} {
		if err := CheckRollout(r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
