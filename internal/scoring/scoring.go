// Package scoring judges logged forecasts whose truth is known: every figure of
// a night by version, role, evidence, horizon, product, station and hour, from
// rows that are each seen once. It is pure.
//
// Rows come from a store ordered by event, so that the forecasts of one event
// follow each other. Kinds of evidence are never pooled: a rate among events of
// which a change was seen is another thing than one among all.
package scoring

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"puenktlich/internal/dataset"
	"puenktlich/internal/learn"
	"puenktlich/internal/metric"
	"puenktlich/internal/rail"
	schema "puenktlich/schemas/clickhouse"
)

// Kinds of slices, as model_scores names them.
const (
	SliceAll     = ""
	SliceProduct = "product" // category of the train
	SliceStation = "station" // EVA number
	SliceSection = "section" // kind, EVA number and the station before or after it
	SliceHour    = "hour"    // German local hour of the planned time, 00 to 23
)

// Voice is who forecast, and on what evidence the outcome rests.
type Voice struct {
	Version  uint32
	Digest   string
	Role     schema.Role
	Evidence string
}

// Tally takes forecasts one by one and scores them. It is not safe for
// concurrent use.
type Tally struct {
	baselines *learn.Baselines
	rows      columns
	groups    map[Group]*members
	order     []Group
	sections  map[Group]*Section
	blocks    map[place]int32
	days      map[string]int32
	// Refused counts forecasts that are no probabilities: they are left out.
	Refused int
}

// Group is one cell: whose forecasts, at which horizon (0 = all), of which slice.
type Group struct {
	Voice
	Horizon   int32
	SliceKind string
	Slice     string
}

// Row is a forecast of a Tally.
type Row int32

// members are the rows of a group.
type members struct {
	rows      []int32
	events    int
	lastEvent string
	figures   *Figures // once they were asked for
}

// place is what makes a block where there are few days.
type place struct {
	eva   int64
	day   string
	hours int
}

// Columns of the mean figures. The Brier scores of the baselines follow each
// other in the order of Baselines.
const (
	costBrier = iota
	costLogLoss
	costCRPS
	costExpected // p(1-p), what the forecast itself promises
	costRate
	costCategory
	costForecast
	costCalibrated
	costs
)

type columns struct {
	p     []float64 // P(late)
	late  []bool
	block []int32 // station and three hours of a day
	day   []int32
	cost  [costs][]float64
}

// NewTally makes a Tally. Baselines are those of the days a model was trained
// on; nil leaves out those that are not logged with the forecasts.
func NewTally(baselines *learn.Baselines) *Tally {
	return &Tally{baselines: baselines, groups: map[Group]*members{}, sections: map[Group]*Section{}, blocks: map[place]int32{}, days: map[string]int32{}}
}

// Scored says whether a forecast has a truth to be scored on: it settled, and
// the train ran.
func Scored(j *schema.Judged) bool { return j.Outcome.Settled && !j.Outcome.Cancelled }

// Add takes one forecast that Scored accepts and answers its row, for Of. edges are
// the bucket edges of its package; where they do not fit the logged distribution it
// has no CRPS.
func (t *Tally) Add(j *schema.Judged, edges []int) (Row, bool) {
	p := 1 - j.POnTime
	if !(p >= 0 && p <= 1) {
		t.Refused++
		return 0, false
	}
	row := int32(len(t.rows.p))
	late := !rail.OnTime(int(j.Outcome.DelayMinutes))
	t.rows.p, t.rows.late = append(t.rows.p, p), append(t.rows.late, late)
	hour := j.Planned.In(rail.Berlin).Hour()
	t.rows.day = append(t.rows.day, numbered(t.days, j.EventDay))
	t.rows.block = append(t.rows.block, numbered(t.blocks, place{j.EVA, j.EventDay, hour / 3}))
	t.charge(j, p, late, edges)
	voice := Voice{j.Version, j.Digest, j.Role, j.Outcome.Evidence}
	event := j.StopID + "/" + j.Kind
	t.join(Group{voice, 0, SliceAll, ""}, row, event)
	t.join(Group{voice, j.HorizonMinutes, SliceAll, ""}, row, event)
	t.join(Group{voice, 0, SliceProduct, cmp.Or(j.Category, "?")}, row, event)
	t.join(Group{voice, 0, SliceStation, strconv.FormatInt(j.EVA, 10)}, row, event)
	t.join(Group{voice, 0, SliceHour, fmt.Sprintf("%02d", hour)}, row, event)
	t.travel(voice, j, p, late, event)
	return Row(row), true
}

func (t *Tally) join(g Group, row int32, event string) {
	m := t.groups[g]
	if m == nil {
		m = &members{}
		t.groups[g] = m
		t.order = append(t.order, g)
	}
	m.figures = nil
	if m.rows = append(m.rows, row); m.lastEvent != event {
		m.events, m.lastEvent = m.events+1, event
	}
}

// charge appends what the forecast and the baselines cost on this event; NaN
// where one does not exist.
func (t *Tally) charge(j *schema.Judged, p float64, late bool, edges []int) {
	add := func(column int, v float64) { t.rows.cost[column] = append(t.rows.cost[column], v) }
	add(costBrier, squared(p, late))
	add(costLogLoss, surprise(p, late))
	add(costCRPS, crps(j, edges))
	add(costExpected, p*(1-p))
	row := dataset.Row{Kind: rail.EventKind(j.Kind), Category: j.Category, Horizon: int(j.HorizonMinutes)}
	if own := float64(j.OwnDelay); !math.IsNaN(own) {
		row.DBDelay = int(own)
	}
	if t.baselines != nil && t.baselines.Events > 0 {
		add(costRate, squared(t.baselines.Rate, late))
		add(costCategory, squared(t.baselines.LateByCategory(row), late))
		add(costForecast, squared(t.baselines.LateByForecast(row), late))
	} else {
		add(costRate, math.NaN())
		add(costCategory, math.NaN())
		add(costForecast, math.NaN())
	}
	add(costCalibrated, squared(1-j.PBaseline, late))
}

func crps(j *schema.Judged, edges []int) float64 {
	if len(edges) == 0 || len(edges) != len(j.Cumulative) {
		return math.NaN()
	}
	minutes := make([]float64, len(edges))
	for i, e := range edges {
		minutes[i] = float64(e)
	}
	return metric.CRPS(j.Cumulative, minutes, float64(j.Outcome.DelayMinutes))
}

func squared(p float64, late bool) float64 {
	if late {
		p = 1 - p
	}
	return p * p
}

// surprise is the log loss of one forecast, NaN where it does not exist.
func surprise(p float64, late bool) float64 {
	if p <= 0 || p >= 1 {
		return math.NaN()
	}
	if !late {
		p = 1 - p
	}
	return -math.Log(p)
}

func numbered[K comparable](numbers map[K]int32, key K) int32 {
	n, known := numbers[key]
	if !known {
		n = int32(len(numbers))
		numbers[key] = n
	}
	return n
}

// Groups lists the cells that have rows, in a fixed order.
func (t *Tally) Groups() []Group {
	all := slices.Clone(t.order)
	slices.SortFunc(all, func(a, b Group) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Digest, b.Digest), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Evidence, b.Evidence),
			cmp.Compare(a.SliceKind, b.SliceKind), cmp.Compare(a.Slice, b.Slice), cmp.Compare(a.Horizon, b.Horizon))
	})
	return all
}

// Days counts the event days seen.
func (t *Tally) Days() int { return len(t.days) }
