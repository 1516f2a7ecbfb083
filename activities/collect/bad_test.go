package collect_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// failureType is the type under which a workflow sees the error, empty for one
// that is tried again, as Temporal does with every error that wraps another.
func failureType(err error) schemas.FailureType {
	application, ok := err.(*temporal.ApplicationError)
	if !ok || !application.NonRetryable() {
		return ""
	}
	return schemas.FailureType(application.Type())
}

// What cannot be read is kept as it came, quarantined and counted; what stands
// beside it is in the store.
func TestBadInput(t *testing.T) {
	t.Parallel()
	const re = `<s id="22-2410291140-1" eva="8000150"><dp ct="2410291147"/></s>`
	const ice = `<s id="-11-2410290800-5" eva="8000150"><ar ct="2410291128"/></s>`
	tests := map[string]struct {
		body             string
		element, value   string
		reason           string
		re, ice          string // delays of departure and arrival
		status           string
		quarantined, gap int
	}{
		"truncated": {body: `<timetable eva="8000150">` + re + `<s id="-11-2410290800-5" eva="8000150"><ar ct="24102911`,
			element: "s[@id=-11-2410290800-5]", value: `eva="8000150"><ar ct="24102911`, reason: "unexpected EOF", re: "7", ice: "-", status: "failed", quarantined: 1, gap: 600},
		"error page with status 200": {body: `<html><head><title>503 Service Unavailable</title></head><body><h1>Sorry</h1></body></html>`,
			element: "html", value: "503 Service Unavailable", reason: "want a timetable", re: "-", ice: "-", status: "failed", quarantined: 1, gap: 600},
		"stop without id": {body: `<timetable eva="8000150"><s eva="8000150"><ar ct="2410291128"/></s>` + re + `</timetable>`,
			element: "s", value: "", reason: "stop without id", re: "7", ice: "-", status: "ok", quarantined: 1, gap: 300},
		"a minute the spring change left out": {body: `<timetable eva="8000150"><s id="-11-2410290800-5" eva="8000150"><ar ct="2403310230"/></s>` + re + `</timetable>`,
			element: "s[@id=-11-2410290800-5]/ar/@ct", value: "2403310230", reason: "does not exist in German local time", re: "7", ice: "-", status: "ok", quarantined: 1, gap: 300},
		"two bad stops around a good one": {body: `<timetable eva="8000150"><s id="x"/>` + ice + `<s id="1-2403310230-1"><ar ct="2410291128"/></s></timetable>`,
			element: "s[@id=1-2403310230-1]", value: "1-2403310230-1", reason: "start of trip", re: "-", ice: "8", status: "ok", quarantined: 2, gap: 300},
		"no answer at all": {body: " \n", element: "document", value: "", reason: "empty body", re: "-", ice: "-", status: "failed", quarantined: 1, gap: 600},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source := &book{plans: map[string]planned{"10:00:00": {body: planAt10}}, full: nothing,
				polls: []poll{{at: "10:05:00", body: test.body}, {at: "10:10:00", body: nothing}}}
			h := newHouse(t, source)
			result := h.window(t, "10:00:00", "10:12:00")
			file := "rchg/8000150/2024-10-29T110500.xml"
			if got := h.raw(t, result.Raw)[file]; got != test.body {
				t.Errorf("kept raw %q", got)
			}
			if result.Counts.Quarantined != test.quarantined || result.Counts.Responses != 4 {
				t.Errorf("counts %+v", result.Counts)
			}
			refused, err := h.db.Quarantined(t.Context(), "test", 10)
			must(t, err)
			if len(refused) != test.quarantined {
				t.Fatalf("quarantined %+v", refused)
			}
			first := refused[0]
			if first.File != file || first.Element != test.element || !strings.Contains(first.Value, test.value) || !strings.Contains(first.Reason, test.reason) ||
				first.RawKey != result.Raw.Key || first.EVA != hanau || !first.PolledAt.Equal(at("10:05:00")) {
				t.Errorf("quarantined %+v, want element %s, value %q, reason %q", first, test.element, test.value, test.reason)
			}
			want := map[string]string{"22-2410291140-1/departure": test.re, "-11-2410290800-5/arrival": test.ice, "-11-2410290800-5/departure": "-"}
			if got := h.delays(t); !maps.Equal(got, want) {
				t.Errorf("delays %v, want %v", got, want)
			}
			// An answer that is no whole timetable is no evidence that nothing changed.
			polls := h.polls(t)
			if got := polls[len(polls)-2]; got != "10:05:00 rchg "+test.status {
				t.Errorf("poll %q, want %s", got, test.status)
			}
			covered := h.coverage(t)
			if len(covered) != 1 || int(covered[0].Quarantined) != test.quarantined || int(covered[0].LongestGapSeconds) != test.gap {
				t.Errorf("coverage %+v, want %d quarantined and a gap of %d s", covered, test.quarantined, test.gap)
			}
		})
	}
}

// A plan that cannot be read is not taken for a quiet hour: it is asked for again.
func TestBadPlanIsAskedForAgain(t *testing.T) {
	t.Parallel()
	source := morning()
	source.plans["11:00:00"] = planned{body: "<html>504</html>"}
	h := newHouse(t, source)
	h.window(t, "10:00:00", "10:10:00")
	source.plans["11:00:00"] = planned{body: planAt11}
	result := h.window(t, "10:10:00", "10:20:00")
	if got := h.delays(t); result.Counts.Planned != 1 || got["33-2410291150-2/arrival"] != "-" {
		t.Errorf("counts %+v, events %v", result.Counts, got)
	}
}

// What the published schema does not have stays in the raw response, is counted,
// and can be found by its name.
func TestUnknownNamesAreKept(t *testing.T) {
	t.Parallel()
	const odd = `<timetable eva="8000150"><s id="22-2410291140-1" eva="8000150"><dp ct="2410291147" occ="low"/></s>` +
		`<s id="-11-2410290800-5" eva="8000150"><ar ct="2410291128" occ="high"/><aura/></s></timetable>`
	source := &book{plans: map[string]planned{"10:00:00": {body: planAt10}}, full: nothing,
		polls: []poll{{at: "10:05:00", body: odd}, {at: "10:06:00", body: odd}, {at: "10:10:00", body: nothing}}}
	h := newHouse(t, source)
	result := h.window(t, "10:00:00", "10:12:00")
	want := []string{`ar/@occ 2 times, first "high" in rchg/8000150/2024-10-29T110500.xml`, `dp/@occ 2 times, first "low" in rchg/8000150/2024-10-29T110500.xml`,
		`s/aura 2 times, first "" in rchg/8000150/2024-10-29T110500.xml`}
	if result.Counts.Unknown != 6 || result.Counts.Quarantined != 0 || !slices.Equal(result.Unknown, want) {
		t.Errorf("%+v, names %q", result.Counts, result.Unknown)
	}
	h.window(t, "10:00:00", "10:12:00") // again: nothing is counted twice
	names, err := h.db.UnknownNames(t.Context(), "test")
	must(t, err)
	if len(names) != 3 || names[0].Element != "ar" || names[0].Name != "@occ" || names[0].Count != 2 || names[0].Example != "high" ||
		!names[0].FirstSeen.Equal(at("10:05:00")) || names[0].RawKey != result.Raw.Key {
		t.Errorf("%+v", names)
	}
	if got := h.raw(t, result.Raw)[names[0].File]; got != odd {
		t.Errorf("kept raw %q", got)
	}
	if got := h.delays(t); got["22-2410291140-1/departure"] != "7" || got["-11-2410290800-5/arrival"] != "8" {
		t.Errorf("delays %v", got)
	}
}

// A value that fits no column is set aside: it keeps nothing else out.
func TestHostileValuesKeepNothingOut(t *testing.T) {
	t.Parallel()
	const hostile = `<timetable eva="8000150"><s id="22-2410291140-1" eva="8000150"><dp ct="2410291147" clt="6901010000"><m id="r1" t="d" c="70000" ts="6801010000"/></dp></s>` +
		`<s id="22-2410291140-99999" eva="8000150"><dp ct="2410291147"/></s><s id="22-6901011140-1" eva="8000150"><dp ct="6901011147"/></s>` +
		`<s id="-11-2410290800-5" eva="8000150"><ar ct="9912312359"/><dp ct="2410291129"/></s></timetable>`
	plan := strings.Replace(planAt10, "</timetable>", `<s id="5-2410290800-70000"><ar pt="2410291120"/></s><s id="5-6910290800-2"><ar pt="6910291120"/></s></timetable>`, 1)
	source := &book{plans: map[string]planned{"10:00:00": {body: plan}}, full: nothing, polls: []poll{{at: "10:05:00", body: hostile}}}
	h := newHouse(t, source)
	result := h.window(t, "10:00:00", "10:12:00")
	want := map[string]string{"22-2410291140-1/departure": "7", "-11-2410290800-5/arrival": "-", "-11-2410290800-5/departure": "5"}
	if got := h.delays(t); !maps.Equal(got, want) || result.Counts.Quarantined != 8 {
		t.Errorf("delays %v, %d quarantined; want %v and 8", got, result.Counts.Quarantined, want)
	}
}
