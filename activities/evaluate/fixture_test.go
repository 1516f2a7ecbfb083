package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

var noon = fixedClock(time.Date(2024, 11, 1, 11, 0, 0, 0, time.UTC))

// notebook keeps what runs were tracked as, and knows settled days.
type notebook struct {
	run     schema.Run
	params  map[string]string
	metrics map[string]float64
	settled []string
}

func (n *notebook) SaveRun(_ context.Context, run schema.Run) error { n.run = run; return nil }

func (n *notebook) SaveParams(_ context.Context, _ string, params []schema.RunParam) error {
	n.params = map[string]string{}
	for _, p := range params {
		n.params[p.Name] = p.Value
	}
	return nil
}

func (n *notebook) SaveMetrics(_ context.Context, _ string, metrics []schema.RunMetric) error {
	if n.metrics == nil {
		n.metrics = map[string]float64{}
	}
	for _, m := range metrics {
		n.metrics[m.Name] = m.Value
	}
	return nil
}

func (n *notebook) Days(context.Context, string) (schema.DaySpan, error) {
	return schema.DaySpan{Settled: n.settled}, nil
}

// crown answers one champion, or an error.
type crown struct {
	loaded *modelpkg.Package
	ref    schemas.PackageRef
	err    error
}

func (c crown) Champion(context.Context, string) (*modelpkg.Package, schemas.PackageRef, error) {
	return c.loaded, c.ref, c.err
}

func (c crown) Package(context.Context, schemas.PackageRef) (*modelpkg.Package, error) {
	return c.loaded, c.err
}

// event is a row at 60 minutes before, a departure.
type event struct {
	day       rail.Day
	eva       int64
	hour      int // German local time
	category  string
	announced int // minutes, by the railway
	delay     int
	known     map[string]float32 // further features
}

// put appends an event; what is not known stays missing.
func put(t *dataset.Table, e event) {
	vector := make([]float32, feature.Width())
	for i, name := range feature.Names() {
		vector[i] = float32(math.NaN())
		if v, known := e.known[name]; known {
			vector[i] = v
		}
	}
	vector[slices.Index(feature.Names(), "forecast_delay")] = float32(e.announced)
	n := len(t.Rows)
	t.Append(dataset.Row{Stop: rail.StopID(fmt.Sprintf("%d-%s-1", n, rail.FormatTime(e.day.Start()))), Kind: rail.Departure, EVA: e.eva, EventDay: e.day, ServiceDay: e.day,
		Planned: e.day.Start().Add(time.Duration(e.hour) * time.Hour), Horizon: 60, Category: e.category, DBDelay: e.announced, DelayMinutes: e.delay,
		Evidence: rail.ChangeObserved}, vector)
}
