package monitor

import (
	"context"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"sync"

	"puenktlich/internal/dataset"
	"puenktlich/internal/drift"
	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Numbers of the classifier that tells the day from the training days.
const (
	apartRows = 400 // of each side: what a fit costs grows with them
	apartDays = 5   // the newest training days, each told from the others
	fewApart  = 50  // rows, below them nothing is said
)

// ordinaryDays is a sample of the training days of one package, and how well each
// is told from the others.
type ordinaryDays struct {
	pool *dataset.Table
	aucs []float64
	gone string // why there is no sample
}

// keptPackages bounds what daysOf keeps: a sample is some 400 rows.
const keptPackages = 8

// daysOf keeps the samples of the packages measured last, which several models
// take turns in.
type daysOf struct {
	mu   sync.Mutex
	kept []keptDays // used last at the end
}

type keptDays struct {
	digest string
	days   *ordinaryDays
}

// find answers the sample of a package, and makes it the last used.
func (d *daysOf) find(digest string) (*ordinaryDays, bool) {
	at := slices.IndexFunc(d.kept, func(k keptDays) bool { return k.digest == digest })
	if at < 0 {
		return nil, false
	}
	found := d.kept[at]
	d.kept = append(slices.Delete(d.kept, at, at+1), found)
	return found.days, true
}

func (d *daysOf) keep(digest string, days *ordinaryDays) {
	d.kept = append(d.kept, keptDays{digest, days})
	d.kept = slices.Delete(d.kept, 0, max(0, len(d.kept)-keptPackages))
}

// classify fits a classifier that tells the day's forecasts from rows of the
// training days by their features.
func (n *measuring) classify(ctx context.Context) error {
	if n.loaded == nil || len(n.forecasts) == 0 {
		n.board.missing(schemas.SignalClassifierAUC, "%d forecasts of %s%s", len(n.forecasts), n.day, because(n.gone))
		return nil
	}
	days, err := n.ordinary(ctx)
	if err != nil {
		return err
	}
	if days.gone != "" {
		n.board.missing(schemas.SignalClassifierAUC, "%s", days.gone)
		return nil
	}
	now := dataset.New(days.pool.Version, days.pool.Names, days.pool.Units)
	q := n.vectors()
	q.Sample = apartRows
	err = n.a.Store.Vectors(ctx, q, func(v *schema.Vector) error {
		if len(v.Features) == len(now.Names) && finite(v.Features) {
			now.Append(dataset.Row{Trip: tripOf(v.StopID), EventDay: n.day}, v.Features)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(now.Rows) < fewApart {
		n.board.missing(schemas.SignalClassifierAUC, "%d forecasts of %s, at least %d are needed", len(now.Rows), n.day, fewApart)
		return nil
	}
	apart, err := learn.TellApart(ctx, days.pool, now)
	if err != nil {
		n.board.missing(schemas.SignalClassifierAUC, "the classifier cannot be fitted: %v", err)
		return nil
	}
	n.apart(apart, days.aucs)
	return nil
}

// apart makes the signal. Its limit is a day's in a hundred, by the training days,
// each told from the others: the logarithm of the AUC's odds is taken to be normal.
func (n *measuring) apart(apart learn.Separation, ordinary []float64) {
	values := make([][]float64, 1)
	for _, auc := range ordinary {
		values[0] = append(values[0], odds(auc))
	}
	limit := drift.Thresholds(values)[0].Limit(limitAlpha)
	limit /= 1 + limit
	n.board.measured(schemas.SignalClassifierAUC, apart.AUC, apart.Rows, "one side of a fold is empty")
	n.board.limited(schemas.SignalClassifierAUC, limit, true)
	var by []string
	for _, w := range apart.Features[:min(3, len(apart.Features))] {
		by = append(by, w.Feature)
	}
	n.board.note(schemas.SignalClassifierAUC, "by %s; a training day is told from the others with %s", strings.Join(by, ", "), figures(ordinary))
	n.stat(subjectDays, "", "auc", apart.AUC, limit, apart.AUC > limit, uint64(apart.Rows))
	for _, w := range apart.Features[:min(10, len(apart.Features))] {
		n.stat(subjectDays, w.Feature, "weight", w.Weight, math.NaN(), false, uint64(apart.Rows))
	}
}

func odds(auc float64) float64 { return auc / max(1-auc, 1e-9) }

func figures(values []float64) string {
	var parts []string
	for _, v := range values {
		parts = append(parts, fmt.Sprintf("%.2f", v))
	}
	return strings.Join(parts, ", ")
}

// ordinary is the sample of the package's training days, read once a package.
func (n *measuring) ordinary(ctx context.Context) (*ordinaryDays, error) {
	n.a.apart.mu.Lock()
	defer n.a.apart.mu.Unlock()
	if days, found := n.a.apart.find(n.ref.Digest); found {
		return days, nil
	}
	days, err := n.sampleDays(ctx)
	if err != nil {
		return nil, err
	}
	n.a.apart.keep(n.ref.Digest, days)
	return days, nil
}

func (n *measuring) sampleDays(ctx context.Context) (*ordinaryDays, error) {
	trained := n.loaded.Trained
	ref := trained.Dataset
	if trained.Recalibrated != nil {
		ref = trained.Recalibrated.TrainedOn
	}
	days := n.trainDays()
	if ref.Manifest.Key == "" || len(days) == 0 {
		return &ordinaryDays{gone: "the package does not name the data set it was trained on"}, nil
	}
	days = days[max(0, len(days)-apartDays):]
	out := &ordinaryDays{pool: dataset.New(feature.Version(), n.loaded.Model.Features(), nil)}
	var parts []*dataset.Table
	for _, day := range days {
		table, _, err := dataset.Load(ctx, n.a.Objects, ref, schemas.DayRange{From: string(day), To: string(day.Add(1))})
		switch {
		case dataset.Unfit(err):
			return &ordinaryDays{gone: fmt.Sprintf("training days cannot be read: %v", err)}, nil
		case err != nil:
			return nil, fmt.Errorf("training day %s: %w", day, err)
		}
		part := thin(table, apartRows)
		parts = append(parts, part)
		appendTo(out.pool, thin(table, apartRows/len(days)))
	}
	for i, part := range parts {
		others := dataset.New(out.pool.Version, out.pool.Names, nil)
		for k, other := range parts {
			if k != i {
				appendTo(others, thin(other, apartRows/max(1, len(parts)-1)))
			}
		}
		if len(part.Rows) < fewApart || len(others.Rows) < fewApart {
			continue
		}
		apart, err := learn.TellApart(ctx, others, part)
		if err == nil && !math.IsNaN(apart.AUC) {
			out.aucs = append(out.aucs, apart.AUC)
		}
	}
	if len(out.pool.Rows) < fewApart {
		out.gone = fmt.Sprintf("%d rows of the training days, at least %d are needed", len(out.pool.Rows), fewApart)
	}
	return out, nil
}

func appendTo(to, from *dataset.Table) {
	for i, row := range from.Rows {
		to.Append(row, from.Vector(i))
	}
}

// thin keeps about so many rows, by a hash of what they are, the same each time.
func thin(table *dataset.Table, rows int) *dataset.Table {
	if len(table.Rows) <= rows {
		return table
	}
	most := uint64(math.MaxUint32) * uint64(rows) / uint64(len(table.Rows))
	return table.Filter(func(r dataset.Row) bool {
		sum := fnv.New32a()
		_, _ = fmt.Fprintf(sum, "%s/%d", r.Key(), r.Horizon)
		return uint64(mix(sum.Sum32())) < most
	})
}

// mix spreads the bits of a hash whose high bits are few texts' alone (the
// finaliser of MurmurHash3).
func mix(h uint32) uint32 {
	h = (h ^ h>>16) * 0x85ebca6b
	h = (h ^ h>>13) * 0xc2b2ae35
	return h ^ h>>16
}

func tripOf(stop string) string {
	ref, err := rail.StopID(stop).Parse()
	if err != nil {
		return stop
	}
	return ref.Trip()
}

func finite(values []float32) bool {
	for _, v := range values {
		if math.IsInf(float64(v), 0) {
			return false
		}
	}
	return true
}
