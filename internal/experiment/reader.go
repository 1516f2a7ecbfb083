package experiment

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Store is what is recorded of runs.
type Store interface {
	ListRuns(ctx context.Context, q schema.RunQuery) ([]schema.Run, error)
	FinalMetrics(ctx context.Context, q schema.MetricQuery) ([]schema.FinalMetric, error)
	MetricNames(ctx context.Context) ([]string, error)
	FindRuns(ctx context.Context, prefix string, limit int) ([]schema.Run, error)
	NearRuns(ctx context.Context, text string, limit int) ([]schema.Run, error)
	RunParams(ctx context.Context, runIDs ...string) ([]schema.RunParam, error)
	RunMetrics(ctx context.Context, runIDs ...string) ([]schema.RunMetric, error)
}

// Objects is what runs have left behind.
type Objects interface {
	Get(ctx context.Context, key string) (body []byte, etag string, err error)
	// ListRefs lists keys below a prefix, the oldest first; no hashes.
	ListRefs(ctx context.Context, prefix string) ([]schemas.ObjectRef, error)
}

// Reader reads recorded runs. All fields are required.
type Reader struct {
	Store   Store
	Objects Objects
	// NotFound is what Objects fails with where there is no such object.
	NotFound error
	// Away tells errors of a store that does not answer from others.
	Away func(error) bool
}

// ErrUnavailable: what is recorded of runs cannot be read at the moment.
var ErrUnavailable = errors.New("the record of the runs cannot be read: ClickHouse does not answer")

// failed names an operation that failed at the store.
func (r Reader) failed(operation string, err error) error {
	if err == nil {
		return nil
	}
	if r.Away(err) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w (%w)", ErrUnavailable, err)
	}
	return fmt.Errorf("%s: %w", operation, err)
}

// AllMetrics stands in Filter.Metrics for every metric there is.
const AllMetrics = "all"

// Filter selects, sorts and cuts a list. Empty fields select all.
type Filter struct {
	Model   string
	Status  schema.RunStatus
	Dataset string // beginning of a data set's ID
	Since   time.Time
	// Sort is a metric, the best value first; empty lists the newest first.
	Sort    string
	Reverse bool // the worst value first
	Limit   int  // 0 lists all
	// Metrics are those shown. Nil chooses some, AllMetrics takes every one.
	Metrics []string
}

// UnknownMetricError: no run has this metric.
type UnknownMetricError struct {
	Name  string
	Known []string
}

func (e *UnknownMetricError) Error() string {
	return fmt.Sprintf("no run has a metric %q; there are %q", e.Name, e.Known)
}

// List reads the runs of a filter.
func (r Reader) List(ctx context.Context, f Filter) (Listing, error) {
	names, err := r.Store.MetricNames(ctx)
	if err != nil {
		return Listing{}, r.failed("list runs", err)
	}
	shown, err := f.shown(names)
	if err != nil {
		return Listing{}, err
	}
	query := schema.RunQuery{Model: f.Model, Status: f.Status, Dataset: f.Dataset, Since: f.Since, Limit: f.Limit}
	if f.Sort != "" {
		query.Order, query.Metric, query.Descending = schema.ByMetric, f.Sort, HigherIsBetter(f.Sort) != f.Reverse
	}
	runs, err := r.Store.ListRuns(ctx, query)
	if err != nil {
		return Listing{}, r.failed("list runs", err)
	}
	listing := Listing{Metrics: shown, Known: names, Runs: make([]Summary, len(runs))}
	at := make(map[string]map[string]Number, len(runs))
	for i, run := range runs {
		listing.Runs[i] = summaryOf(run)
		at[run.RunID] = listing.Runs[i].Metrics
	}
	if len(runs) == 0 || len(shown) == 0 {
		return listing, nil
	}
	finals, err := r.Store.FinalMetrics(ctx, schema.MetricQuery{RunIDs: keys(at), Names: shown})
	for _, m := range finals {
		at[m.RunID][m.Name] = Number(m.Value)
	}
	return listing, r.failed("list runs", err)
}

// shown are the metrics of a list: those asked for, or a few.
func (f Filter) shown(known []string) ([]string, error) {
	for _, name := range append(slices.Clone(f.Metrics), f.Sort) {
		if name != "" && name != AllMetrics && !slices.Contains(known, name) {
			return nil, &UnknownMetricError{name, known}
		}
	}
	switch {
	case slices.Contains(f.Metrics, AllMetrics):
		return known, nil
	case f.Metrics != nil:
		return f.Metrics, nil
	}
	return headline(known, f.Sort), nil
}

func keys[V any](m map[string]V) []string {
	all := make([]string, 0, len(m))
	for key := range m {
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}
