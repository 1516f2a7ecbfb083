package serving_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/forecast"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// aliasesOf answers what a Champion follows.
type aliasesOf func() schemas.Aliases

func (f aliasesOf) Aliases(context.Context, string) (schemas.Aliases, string, error) {
	return f(), "", nil
}

// follow lets a champion look at the aliases once.
func follow(t *testing.T, c *serving.Champion, a schemas.Aliases) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	looked := make(chan struct{}, 2)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Follow(ctx, aliasesOf(func() schemas.Aliases {
			looked <- struct{}{}
			return a
		}), time.Millisecond)
	}()
	<-looked
	<-looked // the second look comes after the first has been acted on
	cancel()
	<-done
}

func trying(mode schemas.Mode, share float64) schemas.Aliases {
	return schemas.Aliases{Model: schemas.DefaultModel, Champion: &schemas.AliasEntry{Package: servingtest.Ref(7)},
		Challenger: &schemas.ChallengerEntry{AliasEntry: schemas.AliasEntry{Package: servingtest.Ref(8)}, Mode: mode, Share: share}}
}

// voicesOf counts the logged rows by version and role.
func voicesOf(rows []schema.Prediction) map[string]int {
	count := map[string]int{}
	for _, row := range rows {
		count[fmt.Sprintf("%d %s", row.Version, row.Role)]++
	}
	return count
}

func tried(t *testing.T, w *world, a schemas.Aliases) (*serving.Champion, *serving.Forecaster) {
	t.Helper()
	return triedOf(t, w, a, &servingtest.Packages{})
}

func triedOf(t *testing.T, w *world, a schemas.Aliases, packages *servingtest.Packages) (*serving.Champion, *serving.Forecaster) {
	t.Helper()
	c := champion(t, t.TempDir(), packages)
	follow(t, c, a)
	return c, serving.NewForecaster(serving.Options{Champion: c, State: w, Log: w, DataSource: "test", Instance: "api-1"})
}

func TestAShadowIsLoggedAndAnswersNobody(t *testing.T) {
	t.Parallel()
	w := newWorld()
	keys := []rail.EventKey{w.add(50, 9), w.add(12, 0)}
	_, f := tried(t, w, trying(schemas.ModeShadow, 0))
	r, err := f.Answer(serving.Request{Events: keys, At: now})
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range r.Forecasts {
		if given.Version != 7 || given.Role != "champion" {
			t.Errorf("answered by %d as %s", given.Version, given.Role)
		}
	}
	if got := voicesOf(w.rows); len(w.rows) != 4 || got["7 champion"] != 2 || got["8 shadow"] != 2 {
		t.Errorf("logged %v", got)
	}
}

// Of 4,000 trips a tenth answer by the canary, within four standard deviations
// of the binomial; a trip's stops agree.
func TestACanaryAnswersItsShareOfTrips(t *testing.T) {
	t.Parallel()
	c := champion(t, t.TempDir(), &servingtest.Packages{})
	follow(t, c, trying(schemas.ModeCanary, 0.1))
	const trips = 4000
	answered := 0
	for i := range trips {
		first := rail.StopID(fmt.Sprintf("%d-2410290548-1", i*7919))
		later := rail.StopID(fmt.Sprintf("%d-2410290548-12", i*7919))
		if c.Trial().Answers(first) != c.Trial().Answers(later) {
			t.Fatalf("trip %d is answered by both", i)
		}
		if c.Trial().Answers(first) {
			answered++
		}
	}
	if spread := 4 * math.Sqrt(trips*0.1*0.9); math.Abs(float64(answered)-trips*0.1) > spread {
		t.Errorf("%d of %d trips, want 400 within %.0f", answered, trips, spread)
	}
}

func TestACanaryAnswersAndTheChampionIsLoggedBeside(t *testing.T) {
	t.Parallel()
	w := newWorld()
	key := w.add(50, 9)
	_, f := tried(t, w, trying(schemas.ModeCanary, 1))
	r, err := f.Answer(serving.Request{Events: []rail.EventKey{key}, At: now, Explain: true})
	if err != nil {
		t.Fatal(err)
	}
	if given := r.Forecasts[0]; given.Version != 8 || given.Role != "canary" || len(given.Reasons) == 0 {
		t.Errorf("answered by %d as %s with reasons %v", given.Version, given.Role, given.Reasons)
	}
	if got := voicesOf(w.rows); len(w.rows) != 2 || got["8 canary"] != 1 || got["7 champion"] != 1 {
		t.Errorf("logged %v", got)
	}
}

// failing is a challenger that has no forecast where the railway expects six minutes or
// more.
func failing() *servingtest.Packages {
	return &servingtest.Packages{Artefacts: map[string]forecast.Artefact{servingtest.Ref(8).Digest: servingtest.Overflowing("forecast_delay", 6)}}
}

func TestAChallengerThatFailsIsNobodysFailure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		aliases schemas.Aliases
		logged  map[string]int
		role    string
	}{
		{trying(schemas.ModeShadow, 0), map[string]int{"7 champion": 2, "8 shadow": 1}, "shadow"},
		{trying(schemas.ModeCanary, 1), map[string]int{"7 champion": 2, "8 canary": 1}, "canary"},
	} {
		w := newWorld()
		keys := []rail.EventKey{w.add(50, 9), w.add(12, 0)}
		_, f := triedOf(t, w, tt.aliases, failing())
		r, err := f.Answer(serving.Request{Events: keys, At: now, Explain: true})
		require.NoError(t, err)
		require.Equal(t, []int{0, 1}, r.Index, "both are answered")
		require.Equal(t, 7, r.Forecasts[0].Version, "by the champion where the other fails")
		require.Equal(t, tt.logged, voicesOf(w.rows))
		reports := map[string][2]int{}
		for _, report := range f.TakeHealth() {
			reports[report.Digest+" "+report.Role] = [2]int{report.Forecasts, report.Failed}
		}
		require.Equal(t, [2]int{2, 1}, reports[servingtest.Ref(8).Digest+" "+tt.role])
		require.Equal(t, [2]int{2, 0}, reports[servingtest.Ref(7).Digest+" champion"])
	}
}

// The panel would fail in a second again: it leaves out what a package has no forecast
// of, and the others are forecast.
func TestThePanelGoesOnWhereAPackageFails(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		aliases schemas.Aliases
		logged  map[string]int
	}{
		{trying(schemas.ModeShadow, 0), map[string]int{"7 champion": 2, "8 shadow": 1}},
		{trying(schemas.ModeCanary, 1), map[string]int{"7 champion": 2, "8 canary": 1}},
		{schemas.Aliases{Model: schemas.DefaultModel, Champion: &schemas.AliasEntry{Package: servingtest.Ref(8)}}, map[string]int{"8 champion": 1}},
	} {
		w := newWorld()
		w.add(31, 9)
		w.add(32, 0)
		_, f := triedOf(t, w, tt.aliases, failing())
		p := serving.NewPanel(serving.PanelOptions{Forecaster: f, Boards: w, Clock: w, File: filepath.Join(t.TempDir(), "panel.json"), Logger: slog.New(slog.DiscardHandler)})
		advance(t, w, p, 0)
		advance(t, w, p, 5*time.Minute)
		require.Equal(t, tt.logged, voicesOf(w.rows))
	}
}

func TestAChallengerThatDoesNotHoldIsNotTried(t *testing.T) {
	t.Parallel()
	packages := &servingtest.Packages{Broken: map[string]error{servingtest.Ref(8).Digest: errors.New("golden row 1 does not hold")}}
	c := serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Packages: packages, Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	follow(t, c, trying(schemas.ModeShadow, 0))
	if got := digest(t, c); got != servingtest.Ref(7).Digest || c.Trial() != nil {
		t.Errorf("champion %s, trial %v", got, c.Trial())
	}
	packages.Broken = nil
	follow(t, c, trying(schemas.ModeShadow, 0))
	if c.Trial() == nil {
		t.Error("mended, and still not tried")
	}
	without := trying(schemas.ModeShadow, 0)
	without.Challenger = nil
	follow(t, c, without)
	if c.Trial() != nil {
		t.Error("withdrawn, and still tried")
	}
}
