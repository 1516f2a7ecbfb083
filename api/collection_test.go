package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	schema "puenktlich/schemas/clickhouse"
)

func TestStationFigures(t *testing.T) {
	t.Parallel()
	away := false
	stations := []schema.StationHealth{
		{EVA: 8000105, LastOK: begin.Add(-30 * time.Second), Asked: 60, Answered: 57},
		{EVA: 8000150, LastOK: begin.Add(-7 * time.Minute), Failures: 7, Asked: 60, Answered: 45, GapSince: begin.Add(-20 * time.Minute)},
		{EVA: 8000207, Failures: 3, GapSince: begin.Add(-3 * time.Minute), Asked: 3},
		{EVA: 8000208, LastOK: begin.Add(-2 * time.Hour)},
	}
	metrics := prometheus.NewRegistry()
	metrics.MustRegister(newCollection(Options{Clock: &hand{now: begin}, Logger: slog.New(slog.DiscardHandler),
		Collection: func(context.Context) ([]schema.StationHealth, error) {
			if away {
				return nil, errors.New("the store is away")
			}
			return stations, nil
		}}))
	want := []string{
		"answered_ratio 8000105 0.95", "answered_ratio 8000150 0.75", "answered_ratio 8000207 0",
		"gap_seconds 8000105 0", "gap_seconds 8000150 1200", "gap_seconds 8000207 180", "gap_seconds 8000208 0",
		"silence_seconds 8000105 30", "silence_seconds 8000150 420", "silence_seconds 8000208 7200",
	}
	if got := gathered(t, metrics); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	away = true
	if got := gathered(t, metrics); len(got) > 0 {
		t.Errorf("without a store there are figures: %q", got)
	}
}

func gathered(t *testing.T, metrics *prometheus.Registry) []string {
	t.Helper()
	families, err := metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, family := range families {
		for _, m := range family.GetMetric() {
			all = append(all, fmt.Sprintf("%s %s %g", strings.TrimPrefix(family.GetName(), "puenktlich_station_"), m.GetLabel()[0].GetValue(), m.GetGauge().GetValue()))
		}
	}
	slices.Sort(all)
	return all
}
