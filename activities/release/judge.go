package release

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"time"

	"go.temporal.io/sdk/activity"

	"puenktlich/internal/metric"
	"puenktlich/internal/policy"
	"puenktlich/internal/rail"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// Intervals of a judgement.
const (
	judgeResamples = 1000
	judgeSeed      = 1
	// manyDays is from where on days are the blocks; below, days of one
	// season say little about each other, and the interval says so.
	manyDays = 10
)

// JudgeChallenger compares two packages on the panel's forecasts that both made
// since the stage began, of whole days whose truth has settled, and says what
// follows.
func (a *Activities) JudgeChallenger(ctx context.Context, in schemas.JudgeInput) (schemas.Judgement, error) {
	j := schemas.Judgement{Stage: in.Stage, AsOf: in.AsOf, Candidate: in.Candidate, Reference: in.Reference, Service: in.Service, Days: settledDays(in.Since, in.AsOf)}
	if !j.Days.Empty() {
		j.Count = len(rail.Days(rail.Day(j.Days.From), rail.Day(j.Days.To)))
		if err := a.compare(ctx, in, &j); err != nil {
			return j, fmt.Errorf("judge %s@%d: %w", in.Candidate.Model, in.Candidate.Version, err)
		}
	}
	j = policy.Next(j, in.Rollout)
	return j, a.recordJudgement(ctx, in, j)
}

// settledDays are the whole service days after since whose truth has settled
// by asOf.
func settledDays(since, asOf time.Time) schemas.DayRange {
	first := rail.DayOf(since)
	if since.After(first.Start()) {
		first = first.Add(1)
	}
	last := first
	for !last.Start().After(asOf) && !last.End().Add(rail.HistoryDelay).After(asOf) {
		last = last.Add(1)
	}
	if last == first {
		return schemas.DayRange{}
	}
	return schemas.DayRange{From: string(first), To: string(last)}
}

// pair is one event at one horizon, forecast by both.
type pair struct {
	candidate, reference float64 // P(late); NaN where not forecast
	late                 bool
	block                int32
}

// place of a pair.
type place struct {
	event   string
	horizon int32
}

// compare reads what the panel forecast of the days or, where it forecast
// nothing by both, what ScoreBatch did.
func (a *Activities) compare(ctx context.Context, in schemas.JudgeInput, j *schemas.Judgement) error {
	for _, source := range []schema.PredictionSource{schema.FromPanel, schema.FromBatch} {
		query := schema.PredictionQuery{Model: in.Candidate.Model, Source: source, DataSource: a.Name, From: j.Days.From, Until: j.Days.To, SettledUntil: in.AsOf}
		found := pairs{at: map[place]*pair{}, in: in, days: j.Count}
		err := a.Forecasts.PredictionsWithTruth(ctx, query, func(p schema.Prediction, o schema.Outcome) error {
			found.add(ctx, p, o)
			return nil
		})
		if err != nil {
			return err
		}
		if err := found.fill(j); err != nil || j.Pairs > 0 {
			return err
		}
	}
	return nil
}

// pairs are the events that either package forecast, in the order of the store.
type pairs struct {
	at    map[place]*pair
	order []place
	in    schemas.JudgeInput
	days  int
	seen  int
}

func (s *pairs) add(ctx context.Context, p schema.Prediction, o schema.Outcome) {
	if s.seen++; s.seen%5000 == 0 && activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, s.seen)
	}
	ours := p.Digest == s.in.Candidate.Digest || p.Digest == s.in.Reference.Digest
	if !ours || !o.Settled || o.Cancelled || o.Evidence != string(rail.ChangeObserved) {
		return
	}
	at := place{p.StopID + "/" + p.Kind, p.HorizonMinutes}
	held := s.at[at]
	if held == nil {
		held = &pair{math.NaN(), math.NaN(), !rail.OnTime(int(o.DelayMinutes)), blockOf(p, s.days)}
		s.at[at], s.order = held, append(s.order, at)
	}
	if p.Digest == s.in.Candidate.Digest {
		held.candidate = 1 - p.POnTime
	} else {
		held.reference = 1 - p.POnTime
	}
}

// fill scores the complete pairs.
func (s *pairs) fill(j *schemas.Judgement) error {
	var candidate, reference []float64
	var block []int32
	events := map[string]bool{}
	for _, at := range s.order {
		p := s.at[at]
		if math.IsNaN(p.candidate) || math.IsNaN(p.reference) {
			continue
		}
		events[at.event] = true
		candidate, reference = append(candidate, squared(p.candidate, p.late)), append(reference, squared(p.reference, p.late))
		block = append(block, p.block)
	}
	j.Events, j.Pairs, j.Blocks = len(events), len(block), blocksOf(j.Count)
	if len(block) == 0 {
		return nil
	}
	interval, err := metric.PairedDifference(candidate, reference, block, judgeResamples, judgeSeed)
	if err != nil {
		return err
	}
	for i := range candidate {
		j.Brier, j.BrierReference = j.Brier+candidate[i], j.BrierReference+reference[i]
	}
	j.Brier, j.BrierReference = j.Brier/float64(j.Pairs), j.BrierReference/float64(j.Pairs)
	j.Difference = interval.Estimate
	if !math.IsNaN(interval.Low) && !math.IsNaN(interval.High) {
		j.Low, j.High = &interval.Low, &interval.High
	}
	return nil
}

func squared(p float64, late bool) float64 {
	if late {
		return (1 - p) * (1 - p)
	}
	return p * p
}

func blocksOf(days int) string {
	if days >= manyDays {
		return "95 % over service days"
	}
	return "95 % over stations and three hours within these days only"
}

// blockOf numbers the block of a forecast: its day, or its station and three
// hours where there are few days.
func blockOf(p schema.Prediction, days int) int32 {
	name := p.EventDay
	if days < manyDays {
		name = fmt.Sprintf("%s/%d/%d", p.EventDay, p.EVA, p.Planned.In(rail.Berlin).Hour()/3)
	}
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(name))
	return int32(sum.Sum32() & math.MaxInt32)
}

// recordJudgement keeps what decided a stage in the registry's history, once a
// package, stage and moment.
func (a *Activities) recordJudgement(ctx context.Context, in schemas.JudgeInput, j schemas.Judgement) error {
	if j.Next == schemas.NextWait {
		return nil
	}
	details, err := json.Marshal(j)
	if err != nil {
		return fmt.Errorf("record judgement: %w", err)
	}
	event := schema.RegistryEvent{EventID: fmt.Sprintf("judged/%s/%s/%d", in.Candidate.Digest, in.Stage, in.AsOf.Unix()), Model: in.Candidate.Model,
		Version: uint32(in.Candidate.Version), Digest: in.Candidate.Digest, Event: "judged", Mode: string(in.Stage), Actor: "policy",
		Reason: fmt.Sprintf("%s: %s", j.Next, strings.Join(j.Reasons, "; ")), Details: string(details), HappenedAt: in.AsOf, PreviousVersion: uint32(in.Reference.Version)}
	return a.save(ctx, event)
}
