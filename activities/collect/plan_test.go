package collect_test

import (
	"slices"
	"testing"
	"time"

	"puenktlich/activities/collect"
	"puenktlich/schemas"
)

func window(from, to time.Time) schemas.Window { return schemas.Window{From: from, To: to} }

func TestPlanCollection(t *testing.T) {
	t.Parallel()
	midnight := at("00:00:00")
	tests := []struct {
		name   string
		a      collect.Activities
		cursor time.Time
		in     schemas.CollectInput
		want   []schemas.Window
		more   bool
		note   string
	}{
		{name: "windows end at whole quarters of a day", a: collect.Activities{Past: true}, cursor: at("04:30:00"), in: schemas.CollectInput{AsOf: at("13:15:00")},
			want: []schemas.Window{window(at("04:30:00"), at("06:00:00")), window(at("06:00:00"), at("12:00:00")), window(at("12:00:00"), at("13:15:00"))}},
		{name: "to the end of a quarter", a: collect.Activities{Past: true}, cursor: at("06:00:00"), in: schemas.CollectInput{AsOf: at("12:00:00")},
			want: []schemas.Window{window(at("06:00:00"), at("12:00:00"))}},
		{name: "as of now", a: collect.Activities{Past: true, Clock: fixedClock(at("07:00:00"))}, cursor: at("06:59:00"),
			want: []schemas.Window{window(at("06:59:00"), at("07:00:00"))}},
		{name: "never collected: from the source's beginning", a: collect.Activities{Past: true, Begin: at("05:00:00")}, in: schemas.CollectInput{AsOf: at("05:30:00")},
			want: []schemas.Window{window(at("05:00:00"), at("05:30:00"))}},
		{name: "never collected: from where it was asked to", a: collect.Activities{Past: true, Begin: at("05:00:00")}, in: schemas.CollectInput{AsOf: at("05:30:00"), From: at("05:20:00")},
			want: []schemas.Window{window(at("05:20:00"), at("05:30:00"))}},
		{name: "a cursor goes before what was asked", a: collect.Activities{Past: true, Begin: at("05:00:00")}, cursor: at("05:25:00"), in: schemas.CollectInput{AsOf: at("05:30:00"), From: at("05:20:00")},
			want: []schemas.Window{window(at("05:25:00"), at("05:30:00"))}},
		{name: "never collected, no beginning: one poll", a: collect.Activities{Past: true, Every: time.Minute}, in: schemas.CollectInput{AsOf: at("05:30:00")},
			want: []schemas.Window{window(at("05:29:00"), at("05:30:00"))}},
		{name: "a live source has no past", a: collect.Activities{Every: time.Minute}, cursor: midnight, in: schemas.CollectInput{AsOf: at("13:15:00")},
			want: []schemas.Window{window(midnight, at("13:15:00"))}},
		{name: "collected already", a: collect.Activities{Past: true}, cursor: at("06:00:00"), in: schemas.CollectInput{AsOf: at("06:00:00")},
			note: "main is collected through 2024-10-29T06:00:00Z already"},
		{name: "collected further", a: collect.Activities{}, cursor: at("06:00:00"), in: schemas.CollectInput{AsOf: at("05:00:00"), Group: "berlin"},
			note: "berlin is collected through 2024-10-29T06:00:00Z already"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			a := test.a
			name := test.in.Group
			if name == "" {
				name = schemas.DefaultGroup
			}
			a.Cursors = &cursors{at: map[string]time.Time{name: test.cursor}}
			got, err := a.PlanCollection(t.Context(), test.in)
			must(t, err)
			if !slices.Equal(got.Windows, test.want) || got.More != test.more || got.Note != test.note || got.Group != name {
				t.Errorf("%+v, want windows %v and note %q", got, test.want, test.note)
			}
		})
	}
}

// Eleven days are 44 quarters: 40 now, the rest in the next run.
func TestPlanCollectionIsBounded(t *testing.T) {
	t.Parallel()
	a := collect.Activities{Past: true, Cursors: &cursors{at: map[string]time.Time{group: at("00:00:00")}}}
	asOf := at("00:00:00").AddDate(0, 0, 11)
	plan, err := a.PlanCollection(t.Context(), schemas.CollectInput{Group: group, AsOf: asOf})
	must(t, err)
	last := plan.Windows[len(plan.Windows)-1].To
	if len(plan.Windows) != 40 || !plan.More || !last.Equal(at("00:00:00").AddDate(0, 0, 10)) {
		t.Errorf("%d windows to %s, more %v", len(plan.Windows), last, plan.More)
	}
	a.Cursors = &cursors{at: map[string]time.Time{group: last}}
	rest, err := a.PlanCollection(t.Context(), schemas.CollectInput{Group: group, AsOf: asOf})
	must(t, err)
	if len(rest.Windows) != 4 || rest.More || !rest.Windows[3].To.Equal(asOf) {
		t.Errorf("then %d windows, more %v", len(rest.Windows), rest.More)
	}
}
