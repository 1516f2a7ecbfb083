package api

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	schema "puenktlich/schemas/clickhouse"
)

// scrapeTimeout bounds the question behind one reading of the metrics.
const scrapeTimeout = 5 * time.Second

// collection reads the health of every station's collection when it is scraped.
// While the store is away there are no figures; that it is away has its own.
type collection struct {
	health func(context.Context) ([]schema.StationHealth, error)
	now    func() time.Time
	logger *slog.Logger

	silence, gap, answered *prometheus.Desc
}

func newCollection(o Options) *collection {
	desc := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, []string{"station"}, nil)
	}
	return &collection{health: o.Collection, now: o.Clock.Now, logger: o.Logger,
		silence:  desc("puenktlich_station_silence_seconds", "Domain time since a poll for changes of the station was answered."),
		gap:      desc("puenktlich_station_gap_seconds", "Domain time since the beginning of the station's oldest gap that no fchg has healed; 0 without one."),
		answered: desc("puenktlich_station_answered_ratio", "Share of the station's polls for changes in the last hour that were answered."),
	}
}

// Describe sends the three figures.
func (c *collection) Describe(to chan<- *prometheus.Desc) {
	to <- c.silence
	to <- c.gap
	to <- c.answered
}

// Collect sends them for every station.
func (c *collection) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	stations, err := c.health(ctx)
	if err != nil {
		c.logger.Warn("health of the collection", "error", err)
		return
	}
	now := c.now()
	gauge := func(desc *prometheus.Desc, value float64, eva int64) {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, strconv.FormatInt(eva, 10))
	}
	for _, s := range stations {
		if !s.LastOK.IsZero() {
			gauge(c.silence, max(0, now.Sub(s.LastOK).Seconds()), s.EVA)
		}
		gap := 0.0
		if !s.GapSince.IsZero() {
			gap = now.Sub(s.GapSince).Seconds()
		}
		gauge(c.gap, gap, s.EVA)
		if s.Asked > 0 {
			gauge(c.answered, float64(s.Answered)/float64(s.Asked), s.EVA)
		}
	}
}
