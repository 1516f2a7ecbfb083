package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"puenktlich/activities/beat"
	"puenktlich/activities/failure"
	"puenktlich/internal/champion"
	"puenktlich/internal/learn"
	"puenktlich/internal/livestate"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/scoring"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Measurements are what measuring a day reads and writes.
type Measurements interface {
	livestate.Store
	Days(ctx context.Context, source string) (schema.DaySpan, error)
	Judged(ctx context.Context, q schema.JudgedQuery, visit func(*schema.Judged) error) error
	TruthMarks(ctx context.Context, q schema.TruthQuery) ([]schema.TruthMark, error)
	DelayCounts(ctx context.Context, q schema.TruthQuery) ([]schema.DelayCount, error)
	CategoryCounts(ctx context.Context, q schema.TruthQuery) ([]schema.CategoryCount, error)
	VectorHours(ctx context.Context, q schema.VectorQuery) (map[time.Time]uint64, error)
	Vectors(ctx context.Context, q schema.VectorQuery, visit func(*schema.Vector) error) error
	ServedVectors(ctx context.Context, q schema.VectorQuery, visit func(*schema.Prediction) error) error
	DayHealth(ctx context.Context, q schema.DayHealthQuery) (schema.DayHealth, error)
	Scores(ctx context.Context, q schema.MonitorQuery) ([]schema.Score, error)
	VisitScores(ctx context.Context, q schema.MonitorQuery, visit func(*schema.Score) error) error
	SaveScores(ctx context.Context, token string, scores []schema.Score) error
	SaveDrift(ctx context.Context, token string, drifts []schema.Drift) error
	Estimates(ctx context.Context, q schema.MonitorQuery) ([]schema.Estimate, error)
	SaveEstimates(ctx context.Context, token string, estimates []schema.Estimate) error
	DriftCounts(ctx context.Context, q schema.CountsQuery) ([]schema.DriftCounts, error)
	SaveDriftCounts(ctx context.Context, token string, counts []schema.DriftCounts) error
}

// measuring is one day of one model as it is measured.
type measuring struct {
	a     *Activities
	light bool
	s     schemas.Signals
	day   rail.Day
	asOf  time.Time
	ref   schemas.PackageRef
	// loaded is nil where the package cannot be had; gone then says why.
	loaded    *modelpkg.Package
	gone      string
	baselines *learn.Baselines
	board     board
	// forecasts are the champion's, once an event and horizon.
	forecasts []made
	tally     *scoring.Tally // of everyone's forecasts of the day
	own       owned
	// bias is the share late less the mean forecast. baselineExpected is the
	// evaluation's Brier score of the railway's calibrated forecast.
	bias             float64
	baselineExpected *float64
	jumped           int                  // forecasts left out, for they were not made when their horizon says
	refused          int                  // and those that are no probabilities
	counts           []schema.DriftCounts // of the champion's forecasts of the day, by hour
	drifts           []schema.Drift
}

// made is one forecast of the champion.
type made struct {
	p         float64 // P(late)
	horizon   int32
	predicted time.Time
	settled   time.Time // when the event first had a truth; zero without one
	scored    bool      // on an observed change
	late      bool
}

// step is one part of the measuring. Its error is one of a server, and tried
// again; what cannot be measured is a signal without a value.
type step struct {
	what string
	do   func(ctx context.Context) error
}

// steps in their order: signals of truth, of what came before it, of inputs, of
// the collection.
func (n *measuring) steps() []step {
	judge := step{"forecasts on truth", n.judge}
	promise := step{"estimates before truth", n.promise}
	count := step{"counts of features", n.count}
	if n.light {
		return []step{judge, promise, count}
	}
	return []step{judge, {"revised truth of earlier days", n.rescore}, promise, {"grades of estimates", n.grade}, count,
		{"drift of features and categories", n.compare}, {"drift of forecasts", n.outputs}, {"drift of delays", n.labels}, {"drift of the loss", n.trend},
		{"health of the collection", n.health}, {"replay of served forecasts", n.skew}, {"a classifier of the days", n.classify},
		{"drift statistics", n.saveDrift}}
}

// Measure reads one day of a model's forecasts, stores scores, counts and drift
// statistics in ClickHouse, and answers the signals the policy knows. With Light
// it measures the running day, for the figures alone.
func (a *Activities) Measure(ctx context.Context, in schemas.MonitorInput) (schemas.Signals, error) {
	defer beat.While(ctx)()
	n, err := a.begin(ctx, in)
	if err != nil {
		return schemas.Signals{Model: in.Model, Day: in.Day, AsOf: in.AsOf}, err
	}
	for _, s := range n.steps() {
		if err := s.do(ctx); err != nil {
			return n.s, fmt.Errorf("monitor %s of %s: %w", s.what, n.day, err)
		}
	}
	n.s.Signals = n.board.list()
	return n.s, nil
}

func (a *Activities) begin(ctx context.Context, in schemas.MonitorInput) (*measuring, error) {
	n := &measuring{a: a, light: in.Light, asOf: in.AsOf, board: board{}}
	if n.asOf.IsZero() {
		n.asOf = a.Clock.Now()
	}
	n.asOf = n.asOf.UTC().Truncate(time.Millisecond) // as it is stored
	n.s = schemas.Signals{Model: in.Model, AsOf: n.asOf, Horizons: rail.Horizons()}
	if err := a.lineage(ctx, &n.s); err != nil {
		return nil, err
	}
	if err := n.load(ctx); err != nil {
		return nil, err
	}
	day, err := a.day(ctx, in, n.asOf)
	if err != nil {
		return nil, err
	}
	n.day, n.s.Day, n.s.Version, n.s.Digest = rail.Day(day), day, n.ref.Version, n.ref.Digest
	return n, nil
}

// load fetches the champion. A package that is gone or damaged is no error: its
// forecasts are still scored.
func (n *measuring) load(ctx context.Context) (err error) {
	n.loaded, n.ref, err = n.a.Champions.Champion(ctx, n.s.Model)
	switch {
	case errors.Is(err, champion.ErrNone):
		return failure.NothingToDo("monitor: %v", err)
	case err != nil && n.ref.Digest != "" && lost(err):
		n.loaded, n.gone = nil, fmt.Sprintf("the package of %s@%d cannot be read: %v", n.ref.Model, n.ref.Version, err)
		n.s.Fault = n.gone
		return nil
	case err != nil:
		return fmt.Errorf("monitor: %w", err)
	}
	var b learn.Baselines
	if json.Unmarshal(n.loaded.Baselines, &b) == nil && b.Events > 0 {
		n.baselines = &b
	}
	return nil
}

// lost says that trying again will not bring the package back.
func lost(err error) bool {
	return errors.Is(err, schemas.ErrObjectMissing) || errors.Is(err, schemas.ErrObjectCorrupt) || errors.As(err, new(*modelpkg.IntegrityError))
}

// day is the one asked for, or the last whole day before AsOf that has truth, or
// with Light the running one.
func (a *Activities) day(ctx context.Context, in schemas.MonitorInput, asOf time.Time) (string, error) {
	if in.Day != "" {
		if _, err := rail.ParseDay(in.Day); err != nil {
			return "", failure.InvalidInput("monitor: %v", err)
		}
		return in.Day, nil
	}
	if in.Light {
		return string(rail.DayOf(asOf)), nil
	}
	span, err := a.Store.Days(ctx, a.Name)
	if err != nil {
		return "", fmt.Errorf("days of %s: %w", a.Name, err)
	}
	if span.LastSettled == "" {
		return "", failure.NothingToDo("monitor: no truth of the %s is settled yet: run SettleTruth first", a.Name)
	}
	return string(min(rail.Day(span.LastSettled), rail.DayOf(asOf).Add(-1))), nil
}

// token names rows that are written once: the same rows again change nothing.
func (n *measuring) token(what string, rows any) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", rows))
	return fmt.Sprintf("%s/%s/%s/%s/%d/%s", what, n.ref.Digest, n.a.Name, n.day, n.asOf.UnixMilli(), hex.EncodeToString(sum[:8]))
}

// trainDays are the days the package was learned from, the last half year of
// them; none where it cannot be had.
func (n *measuring) trainDays() []rail.Day {
	if n.loaded == nil {
		return nil
	}
	r := n.loaded.Report.TrainDays
	if r.Empty() {
		return nil
	}
	days := rail.Days(rail.Day(r.From), rail.Day(r.To))
	days = slices.DeleteFunc(days, func(d rail.Day) bool { return d >= n.day })
	return days[max(0, len(days)-referenceDays):]
}

// referenceDays bounds the days that are looked back at.
const referenceDays = 182

// lineage fills in what the registry knows of the champion.
func (a *Activities) lineage(ctx context.Context, s *schemas.Signals) error {
	aliases, _, err := a.Registry.Aliases(ctx, s.Model)
	if err != nil {
		return fmt.Errorf("monitor: champion of %s: %w", s.Model, err)
	}
	if aliases.Champion != nil {
		s.ChampionSince = aliases.Champion.Since
	}
	if len(aliases.History) > 0 {
		s.PreviousVersion = aliases.History[0].Package.Version
	}
	return nil
}
