package learn

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/dataset"
	"puenktlich/internal/forecast"
)

// of are settings that suit an algorithm.
func of(a Algorithm) Settings {
	switch {
	case a.Rounds():
		s := quick
		s.Algorithm = a
		return s
	case a == Logistic:
		return Settings{Algorithm: a, Lambda: 1}
	}
	return Settings{Algorithm: a}
}

// Every learner tells how far it is, stops when told to, and gives the same
// answer again.
func TestEveryLearner(t *testing.T) {
	t.Parallel()
	table := synthetic(3, 300)
	for _, a := range Algorithms() {
		t.Run(string(a), func(t *testing.T) {
			t.Parallel()
			if err := of(a).Validate(); err != nil {
				t.Fatal(err)
			}
			with, shares := trainer(t), []float64{}
			with.Progress = func(_ string, share float64) { shares = append(shares, share) }
			one, err := with.CrossValidate(t.Context(), Whole(table), of(a))
			if err != nil {
				t.Fatal(err)
			}
			again, err := with.CrossValidate(t.Context(), Whole(table), of(a))
			if err != nil || !slices.Equal(one.OnTime, again.OnTime) || len(one.OnTime) != 2*285 || !one.Finished {
				t.Errorf("%d and %d predictions, %v; want the same 570, finished", len(one.OnTime), len(again.OnTime), err)
			}
			if len(shares) == 0 || slices.Min(shares) < 0 || slices.Max(shares) > 1 {
				t.Errorf("shares of progress %v, want some in [0,1]", shares)
			}
			brier, logLoss := one.Scores()
			if math.IsNaN(brier) || math.IsInf(logLoss, 0) || slices.ContainsFunc(one.OnTime, func(p float64) bool { return !(p >= 0 && p <= 1) }) {
				t.Errorf("Brier %v, log loss %v; want finite", brier, logLoss)
			}
			if a.Learns() != (brier < 0.15) {
				t.Errorf("Brier %v: the signal is in the features alone", brier)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if _, err := with.CrossValidate(ctx, Whole(table), of(a)); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
}

// A feature that is hidden teaches nothing, and the model keeps its width.
func TestHiddenFeatures(t *testing.T) {
	t.Parallel()
	table, s := synthetic(3, 300), quick
	s.Visible = func(name string) bool { return name == "noise" }
	with := trainer(t)
	oof, err := with.CrossValidate(t.Context(), Whole(table), s)
	if err != nil {
		t.Fatal(err)
	}
	if brier, _ := oof.Scores(); brier < 0.23 {
		t.Errorf("Brier %v without the signal; want no better than the base rate's 0.25", brier)
	}
	a, err := with.Refit(t.Context(), Whole(table), s, oof)
	if err != nil || len(a.Features) != 2 {
		t.Fatalf("features %v, %v; want both", a.Features, err)
	}
	model, err := forecast.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	for noise := range 5 {
		high, errHigh := model.Forecast([]float32{5, float32(noise) - 2}, 60)
		low, errLow := model.Forecast([]float32{-5, float32(noise) - 2}, 60)
		if errHigh != nil || errLow != nil || high.Late() != low.Late() {
			t.Errorf("the hidden signal moves the forecast from %v to %v", low.Late(), high.Late())
		}
	}
	if x := table.Vector(0)[0]; x != x && table.Vector(1)[0] != table.Vector(1)[0] {
		t.Error("hiding changed the data set itself")
	}
	s.Visible = func(string) bool { return false }
	if _, err := with.CrossValidate(t.Context(), Whole(table), s); err == nil || !strings.Contains(err.Error(), "has none of the 2 features") {
		t.Errorf("nothing visible: %v", err)
	}
}

// severed fails at its second batch, in one reading after some good ones.
type severed struct {
	Source
	readings, good int
	err            error
}

func (s *severed) Batches() func() (*dataset.Table, error) {
	s.readings++
	if s.readings <= s.good {
		return s.Source.Batches()
	}
	return func() (*dataset.Table, error) { return nil, s.err }
}

// Whenever reading fails, the error is one of storage, and says what the source
// said.
func TestStorageErrorsAreTold(t *testing.T) {
	t.Parallel()
	broken := errors.New("s3 is unavailable")
	for _, a := range []Algorithm{Buckets, Binary, Logistic, Rate} {
		for good := range 5 {
			source := &severed{Source: Whole(synthetic(3, 60)), good: good, err: broken}
			_, err := trainer(t).CrossValidate(t.Context(), source, of(a))
			if source.readings <= good {
				continue // read less often
			}
			if !errors.As(err, new(*StorageError)) || !errors.Is(err, broken) {
				t.Errorf("%s, reading %d: %v", a, good+1, err)
			}
		}
	}
	if _, err := (Data{source: Whole(synthetic(1, 3))}).batches(t.Context())(); errors.Is(err, io.EOF) {
		t.Error("a source with rows ends at once")
	}
}

func TestRungsAreWholeSegments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ until, rounds, want int }{{0, 300, 300}, {1, 300, 50}, {50, 300, 50}, {51, 300, 100}, {299, 300, 300}, {100, 70, 70}} {
		s := Settings{Rounds: test.rounds, Until: test.until, SegmentRounds: 50}
		if got := s.rounds(); got != test.want {
			t.Errorf("until %d of %d: %d rounds, want %d", test.until, test.rounds, got, test.want)
		}
	}
}
