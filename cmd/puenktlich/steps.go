package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"go.temporal.io/sdk/worker"

	"puenktlich/activities/backtest"
	"puenktlich/activities/collect"
	"puenktlich/activities/evaluate"
	"puenktlich/activities/experiment"
	"puenktlich/activities/monitor"
	"puenktlich/activities/prepare"
	"puenktlich/activities/release"
	"puenktlich/activities/score"
	"puenktlich/activities/train"
	"puenktlich/internal/config"
	"puenktlich/internal/learn/xgb"
	"puenktlich/internal/livestate"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
	"puenktlich/workers"
)

// steps wires every activity to the adapters.
func (a *adapters) steps() (workers.Steps, error) {
	name := sourceName(a.config)
	fetch, err := timetablesClient(a.config, a.clock)
	if err != nil {
		return workers.Steps{}, err
	}
	every := func(ctx context.Context) ([]rail.Station, error) { return collected(ctx, a.config, fetch) }
	gate, err := gatePolicy(a.config)
	if err != nil {
		return workers.Steps{}, err
	}
	book, err := rulebook.Load(a.config.Policy)
	if err != nil {
		return workers.Steps{}, err
	}
	group := stationsOf(every)
	origin := provenance(a.config)
	return workers.Steps{
		Collect: &collect.Activities{Source: fetch, Stations: group, Raw: a.objects, Cursors: cursors{a.objects, name}, Store: a.db,
			Clock: a.clock, Name: name, Past: a.config.Source != config.SourceLive, Every: pollEvery,
			FullEvery: a.config.FullEvery, CallsPerMinute: a.config.CallsPerMinute, AllStations: countOf(every),
			Begin: spanStart(a.config, fetch), Recordings: a.config.Recordings, Provenance: origin},
		Prepare: &prepare.Activities{Store: a.db, Objects: a.objects, Clock: a.clock, Name: name, Provenance: origin, CodeVersion: codeVersion(),
			Histories: livestate.NewHistoryCache(a.db)},
		Train:    &train.Activities{Library: a.xgboost(), Objects: a.objects, NotFound: objstore.ErrNotFound, Corrupt: objstore.ErrCorrupt, Runs: a.db, Clock: a.clock, CodeVersion: codeVersion()},
		Evaluate: &evaluate.Activities{Objects: a.objects, Champions: a.champions(), Store: a.db, Clock: a.clock, NotFound: objstore.ErrNotFound, Name: name, CodeVersion: codeVersion(), Gate: gate},
		Release: &release.Activities{Objects: a.objects, Registry: a.registry, Journal: a.db, Promoter: promoter{a.temporal}, Forecasts: a.db, Name: name, Clock: a.clock, Rollout: rollout(a.config),
			Alerts: a.alerts, Key: a.key, Trusted: a.trusted, Provenance: []schemas.Provenance{origin}, Dir: a.packages, CodeVersion: codeVersion()},
		Score: &score.Activities{Store: a.db, Champions: a.champions(), Clock: a.clock, Name: name, Group: schemas.DefaultGroup, Objects: a.objects, Dir: filepath.Join(a.config.DataDir, "score")},
		Monitor: &monitor.Activities{Store: a.db, Champions: a.champions(), Registry: a.registry, Promoter: promoter{a.temporal}, Objects: a.objects, Alerts: a.alerts,
			Clock: a.clock, Name: name, Policy: book},
		Backtest:   &backtest.Activities{Store: a.db, Objects: a.objects, Registry: a.registry, Runs: watchedRuns{a.temporal}, Name: name},
		Experiment: &experiment.Activities{Reader: experiments(a.db, a.objects), Packages: a.registry},
	}, nil
}

// rollout is the configured one.
func rollout(c config.Config) schemas.Rollout {
	return schemas.Rollout{ShadowDays: c.ShadowDays, CanaryDays: c.CanaryDays, CanaryShare: c.CanaryShare, WatchDays: c.WatchDays,
		MinEvents: c.MinEvents, MaxLoss: c.MaxLoss, PatienceDays: c.PatienceDays, Approval: schemas.Approval(c.Approval),
		MaxErrorRate: c.MaxErrorRate, MaxP99Millis: c.MaxP99Millis, MinForecasts: c.MinForecasts, ApprovalDays: c.ApprovalDays}
}

// gatePolicy reads the configured limits of a promotion.
func gatePolicy(c config.Config) (schemas.GatePolicy, error) {
	gate := schemas.DefaultGate()
	if c.Gate == "" {
		return gate, nil
	}
	body, err := os.ReadFile(c.Gate)
	if err != nil {
		return gate, fmt.Errorf("%sGATE: %w", config.Prefix, err)
	}
	if err := json.Unmarshal(body, &gate); err != nil {
		return gate, fmt.Errorf("%sGATE: read %s: %w", config.Prefix, c.Gate, err)
	}
	return gate, nil
}

// xgboost opens the library when the first training needs it, once.
func (a *adapters) xgboost() func() (*xgb.Library, error) {
	return sync.OnceValues(func() (*xgb.Library, error) {
		path := a.config.LibXGBoost
		if path == "" {
			located, err := xgb.Locate()
			if err != nil {
				return nil, err
			}
			path = located
		}
		return xgb.Open(path)
	})
}

// stationsOf answers a group's stations, asking the source once it answers.
func stationsOf(all func(ctx context.Context) ([]rail.Station, error)) func(context.Context, string) ([]rail.Station, error) {
	var mu sync.Mutex
	var groups map[string][]rail.Station
	return func(ctx context.Context, group string) ([]rail.Station, error) {
		mu.Lock()
		defer mu.Unlock()
		if groups == nil {
			stations, err := all(ctx)
			if err != nil {
				return nil, err
			}
			groups = stationGroups(stations)
		}
		stations, found := groups[group]
		if !found {
			return nil, fmt.Errorf("no station group %q: there are %d, from %q on", group, len(groups), schemas.DefaultGroup)
		}
		return stations, nil
	}
}

// countOf counts stations.
func countOf(all func(ctx context.Context) ([]rail.Station, error)) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		stations, err := all(ctx)
		return len(stations), err
	}
}

// startWorkers runs pools in this process until stop is called.
func (a *adapters) startWorkers(queues []schemas.Queue) (stop func(), err error) {
	if a.key == nil && slices.Contains(queues, schemas.QueueRelease) {
		return nil, fmt.Errorf("the pool %s signs packages: set %sSIGNING_KEY", schemas.QueueRelease, config.Prefix)
	}
	steps, err := a.steps()
	if err != nil {
		return nil, err
	}
	var running []worker.Worker
	telling, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = a.alerts.Run(telling) }) // it logs what it cannot tell
	if slices.Contains(queues, schemas.QueueControl) {
		seen := &watch{a: a}
		a.metrics.MustRegister(seen)
		wait.Go(func() { seen.run(telling) })
	}
	stop = func() {
		cancel()
		for _, w := range running {
			wait.Go(w.Stop)
		}
		wait.Wait()
	}
	for _, queue := range queues {
		w, err := workers.Start(a.temporal, queue, steps)
		if err != nil {
			stop()
			return nil, err
		}
		running = append(running, w)
	}
	return stop, nil
}

// spanStart is where a recording begins; a simulation and a live source are
// collected from now on.
func spanStart(c config.Config, client interface {
	Span(ctx context.Context) (from, to time.Time, err error)
}) time.Time {
	if c.Source != config.SourceRecording {
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	from, _, err := client.Span(ctx)
	if err != nil {
		return time.Time{} // the source is away: collection then begins at AsOf
	}
	return from
}
