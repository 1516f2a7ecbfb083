package warehouse_test

import (
	"slices"
	"testing"
	"time"

	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

func TestTailReadsOnInOrder(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	ctx := t.Context()
	yesterday, event := planned(t, "1", rail.Arrival, "28 10:00"), planned(t, "2", rail.Arrival, "29 10:00")
	insertPlan(t, db, batch("plan"), 1, yesterday, event)
	changes := []rail.Change{
		seen(event, 5, at(t, "29 09:03"), 1), seen(yesterday, 3, at(t, "28 09:00"), 1), seen(event, 4, at(t, "29 09:01"), 1),
	}
	insertChanges(t, db, batch("a"), changes...)
	insertChanges(t, db, batch("sent again under another token"), changes...)
	neighbour := schema.Batch{Token: "b", Source: "test", Group: "berlin"}
	insertChanges(t, db, neighbour, seen(event, 9, at(t, "29 09:04"), 1))

	cases := map[string]struct {
		query schema.TailQuery
		want  []uint64
	}{
		"from the start":     {schema.TailQuery{Limit: 10}, []uint64{3, 4, 5}},
		"limit":              {schema.TailQuery{Limit: 2}, []uint64{3, 4}},
		"after":              {schema.TailQuery{AfterSeq: 4, Limit: 10}, []uint64{5}},
		"nothing new":        {schema.TailQuery{AfterSeq: 5, Limit: 10}, nil},
		"from a service day": {schema.TailQuery{FromServiceDay: "2024-10-29", Limit: 10}, []uint64{4, 5}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.query.Source, c.query.Group = "test", "frankfurt-hbf"
			got, err := db.ChangesSince(ctx, c.query)
			if err != nil {
				t.Fatal(err)
			}
			var seqs []uint64
			for _, change := range got {
				seqs = append(seqs, change.Seq)
			}
			if !slices.Equal(seqs, c.want) {
				t.Errorf("got %v, want %v", seqs, c.want)
			}
		})
	}
	events, seqs, err := db.PlanSince(ctx, schema.TailQuery{Source: "test", Group: "frankfurt-hbf", AfterSeq: 1, Limit: 5})
	if err != nil || len(events) != 1 || events[0].Stop != event.Stop || !slices.Equal(seqs, []uint64{2}) {
		t.Errorf("plan after 1: got %v %v %v, want %s with seq 2", events, seqs, err, event.Stop)
	}
}

func TestLastSeqCountsPlanAndChanges(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	event := planned(t, "1", rail.Arrival, "29 10:00")
	want := func(seq uint64) {
		t.Helper()
		if got, err := db.LastSeq(t.Context(), "test", "frankfurt-hbf"); err != nil || got != seq {
			t.Fatalf("got %d, %v, want %d", got, err, seq)
		}
	}
	want(0)
	insertPlan(t, db, batch("plan"), 41, event, event)
	want(42)
	insertChanges(t, db, batch("change"), seen(event, 43, at(t, "29 09:00"), 1))
	want(43)
}

func TestInsertTwiceUnderOneTokenIsOneInsert(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	// More rows than a batch, over two months and thus two partitions.
	var changes []rail.Change
	events := []rail.PlannedEvent{planned(t, "1", rail.Arrival, "29 10:00"), planned(t, "2", rail.Arrival, "29 11:00")}
	for seq := uint64(1); seq <= 60_000; seq++ {
		changes = append(changes, seen(events[seq%2], seq, at(t, "29 09:00").Add(time.Duration(seq)*30*time.Second), 1))
	}
	for range 3 {
		insertChanges(t, db, batch("the poll"), changes...)
	}
	rows, err := db.RowCount(t.Context(), "stop_change")
	if err != nil || rows != 60_000 {
		t.Errorf("stored %d rows, %v, want 60000", rows, err)
	}
}

func TestInsertRefuses(t *testing.T) {
	t.Parallel()
	db := migrated(t)
	good := seen(planned(t, "1", rail.Arrival, "29 10:00"), 1, at(t, "29 09:00"), 1)
	badStop, noTime, badCode, badID := good, good, good, good
	badStop.Stop, noTime.PolledAt = "nonsense", time.Time{}
	badCode.Messages = []rail.Message{{ID: "m", Code: 70_000}}
	badID.Messages = []rail.Message{{ID: "m\x00d"}}
	cases := map[string]struct {
		batch  schema.Batch
		change rail.Change
	}{
		"no token":         {schema.Batch{Source: "s", Group: "g"}, good},
		"no source":        {schema.Batch{Token: "t", Group: "g"}, good},
		"no group":         {schema.Batch{Token: "t", Source: "s"}, good},
		"stop id":          {batch("a"), badStop},
		"no time of poll":  {batch("b"), noTime},
		"code of message":  {batch("c"), badCode},
		"id of message":    {batch("e"), badID},
		"time before 1970": {batch("d"), seen(rail.PlannedEvent{Stop: good.Stop, Planned: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}, 1, at(t, "29 09:00"), 0)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if err := db.InsertChanges(t.Context(), c.batch, []rail.Change{c.change}); err == nil {
				t.Error("accepted")
			} else {
				t.Log(err)
			}
		})
	}
}
