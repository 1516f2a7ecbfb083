package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"puenktlich/activities/collect"
	"puenktlich/activities/serve"
	"puenktlich/api"
	"puenktlich/internal/access"
	"puenktlich/internal/config"
	"puenktlich/internal/livestate"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/spool"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
	"puenktlich/workers"
)

// Rhythms of an API instance.
const (
	followEvery = 10 * time.Second // looks at the alias, in case a request to load was missed
	keysEvery   = 5 * time.Second  // reads the keys: so soon a revocation holds
	leaseFor    = 3                // times the settings' rhythm of leases
	drainFor    = 10 * time.Second // requests under way when told to stop
)

func apiCommand(p program) *cobra.Command {
	return &cobra.Command{Use: "api", Short: "run one instance of the prediction API against servers given by address", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			spareCollector()
			stop, err := a.startAPI(cmd.Context())
			if err != nil {
				return err
			}
			defer stop()
			fmt.Fprintf(p.out, "prediction API at http://%s\n", a.config.Listen)
			<-cmd.Context().Done()
			return nil
		}}
}

// spareCollector trades memory for time where GOGC does not say otherwise: most of
// the heap is the live state, which lives long, and would be walked again after
// every few thousand answers. The heap may grow to four times that.
func spareCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(300)
	}
}

// instance is one API instance and what runs beside it.
type instance struct {
	*adapters
	dir      string
	metrics  *prometheus.Registry
	serving  *serving.Metrics
	champion *serving.Champion
	live     *livestate.Live
	maker    *serving.Forecaster
	past     past
	log      *spool.Log
	keys     *access.Ring
	places   *stationBook
	follow   func(context.Context) error // places, while it runs
	running  sync.WaitGroup
}

// startAPI runs an API instance until stop is called: live state, champion,
// panel, prediction log, the worker of its queue and its lease.
func (a *adapters) startAPI(ctx context.Context) (stop func(), err error) {
	i := &instance{adapters: a, dir: filepath.Join(a.config.DataDir, "api"), metrics: prometheus.NewRegistry()}
	i.metrics.MustRegister(a.metrics) // /metrics answers for the whole process
	i.serving = serving.NewMetrics(i.metrics)
	listener, err := net.Listen("tcp", a.config.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("prediction API: %s is taken: stop what listens there, or set PUENKTLICH_LISTEN or --listen", a.config.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("prediction API: %w", err)
	}
	if err := i.prepare(ctx); err != nil {
		listener.Close()
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	o := serving.Options{Champion: i.champion, State: i.live, Log: i.log, DataSource: sourceName(a.config),
		Instance: a.config.Instance, GroupOf: i.places.groupOf, Metrics: i.serving}
	forecaster := serving.NewForecaster(o)
	i.maker, i.past = forecaster, past{livestate.NewPast(livestate.PastOptions{Store: i.db, Source: o.DataSource}), o}
	panel := serving.NewPanel(serving.PanelOptions{Forecaster: forecaster, Boards: i.live, Clock: a.clock, File: filepath.Join(i.dir, "panel.json"), Logger: a.logger})
	i.live.Start(ctx)
	i.background(ctx, "panel", panel.Run)
	i.background(ctx, "prediction log", i.log.Run)
	i.background(ctx, "champion", func(ctx context.Context) error { return i.champion.Follow(ctx, a.registry, followEvery) })
	i.background(ctx, "lease", i.keepLease)
	i.background(ctx, "stations", i.follow)
	i.background(ctx, "alerts", a.alerts.Run)
	i.background(ctx, "spool alert", i.watchSpool)
	i.background(ctx, "keys", func(ctx context.Context) error { return i.keys.Follow(ctx, keysEvery) })
	server := api.NewServer(i.handler(forecaster), api.DefaultTimes(), a.logger)
	i.running.Go(func() {
		if err := api.Serve(server, listener); !errors.Is(err, http.ErrServerClosed) {
			a.logger.Error("prediction API", "error", err)
		}
	})
	worker, err := workers.StartServe(a.temporal, a.config.Instance, workers.Steps{Serve: &serve.Activities{Loader: i.champion, Follower: serving.Following{Champion: i.champion, Aliases: a.registry}, Instance: a.config.Instance}})
	if err != nil {
		cancel()
		server.Close()
		return nil, err
	}
	return func() {
		worker.Stop()
		drain, done := context.WithTimeout(context.Background(), drainFor)
		defer done()
		if err := server.Shutdown(drain); err != nil {
			a.logger.Warn("stop prediction API", "error", err)
		}
		cancel()
		i.running.Wait()
		<-i.live.Done()
		if err := i.log.Close(); err != nil {
			a.logger.Warn("close prediction log", "error", err)
		}
	}, nil
}

// prepare makes the parts; none of them needs a server to answer.
func (i *instance) prepare(ctx context.Context) error {
	fetch, err := timetablesClient(i.config, i.clock)
	if err != nil {
		return err
	}
	var known bool
	look := func(ctx context.Context) ([]rail.Station, error) { return collected(ctx, i.config, fetch) }
	i.places, known = newStationBook(ctx, filepath.Join(i.dir, "stations.json"), look, i.logger)
	i.follow = func(ctx context.Context) error { return i.places.follow(ctx, known, i.live.SetGroups) }
	i.live = livestate.NewLive(livestate.LiveOptions{Store: i.db, Source: sourceName(i.config), Groups: i.places.names(), GroupOf: i.places.groupOf, Clock: i.clock, Back: i.back(), Logger: i.logger})
	if i.log, err = spool.Open(spool.Options{Dir: filepath.Join(i.dir, "spool"), Store: i.db, Metrics: spool.NewMetrics(i.metrics), Logger: i.logger}); err != nil {
		return err
	}
	i.champion = serving.NewChampion(serving.ChampionOptions{Model: schemas.DefaultModel, Dir: i.dir, Metrics: i.serving, Logger: i.logger,
		Packages: serving.ModelPackages{Store: i.objects, CacheDir: i.packages, Keys: i.trusted},
		Instance: i.config.Instance, Alerts: i.alerts, Clock: i.clock})
	i.keys = access.NewRing(i.book(), filepath.Join(i.dir, "keys.json"), i.logger)
	i.knowKeys(ctx)
	if _, err := i.champion.Restore(ctx); err != nil {
		i.logger.Warn("the champion kept on disk is not served: waiting for the registry's", "error", err)
	}
	return nil
}

// knowKeys reads the keys, those known last where the object store is away.
func (i *instance) knowKeys(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, keysEvery)
	defer cancel()
	err := i.keys.Load(ctx)
	if err == nil {
		return
	}
	restored, failed := i.keys.Restore()
	i.logger.Warn("the API keys cannot be read", "those known last are used", restored, "error", errors.Join(err, failed))
}

// gate lets callers in, as the settings have it.
func gate(c config.Config, keys *access.Ring) *access.Gate {
	o := access.GateOptions{Ring: keys, AnonymousPerSecond: c.AnonymousRate, Now: time.Now}
	switch c.Anonymous {
	case "local":
		o.OpenWhileNoKey = true
	case "read", "predict":
		o.Anonymous = access.Role(c.Anonymous)
	}
	return access.NewGate(o)
}

// back is how long ago a board may begin: in a recording, which ends, a day.
func (i *instance) back() time.Duration {
	if i.config.Source == config.SourceRecording {
		return 24 * time.Hour
	}
	return 3 * time.Hour
}

func (i *instance) background(ctx context.Context, name string, run func(context.Context) error) {
	i.running.Go(func() {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			i.logger.Error("API instance", "part", name, "error", err)
		}
	})
}

func (i *instance) handler(forecaster *serving.Forecaster) http.Handler {
	return api.New(api.Options{Forecaster: forecaster, Champion: i.champion, Live: i.live, Past: i.past, Log: i.log, Clock: i.clock, Model: schemas.DefaultModel,
		Source: string(i.config.Source), DataSource: sourceName(i.config), Instance: i.config.Instance, Version: version, Record: i.db, Registry: i.registry, RegistryEvents: i.db.RegistryEvents, Experiments: experiments(i.db, i.objects), Stations: i.places.stations, Metrics: i.metrics, Logger: i.logger, Gate: gate(i.config, i.keys), Operator: operator{i.adapters},
		Reports: i.report,
		Stored: func(ctx context.Context, id string) (schema.Prediction, bool, error) {
			stored, err := i.db.PredictionByID(ctx, id)
			if errors.Is(err, warehouse.ErrNotFound) {
				return stored, false, nil
			}
			return stored, err == nil, err
		},
		Collection: func(ctx context.Context) ([]schema.StationHealth, error) {
			return i.db.StationHealth(ctx, schema.HealthQuery{Source: sourceName(i.config), Now: i.clock.Now(), Reach: collect.HealthReach,
				Forgets: collect.Forgets(i.config.Source != config.SourceLive, pollEvery)})
		}})
}

// keepLease tells the model's workflow, which it starts where it does not run,
// that this instance serves.
func (i *instance) keepLease(ctx context.Context) error {
	ticker := time.NewTicker(i.config.LeaseEvery)
	defer ticker.Stop()
	for {
		lease := schemas.Lease{Instance: i.config.Instance, Expires: time.Now().Add(leaseFor * i.config.LeaseEvery), Health: i.maker.TakeHealth()}
		if loaded, err := i.champion.Current(); err == nil {
			lease.Digest = loaded.Ref.Digest
		}
		_, err := i.temporal.SignalWithStartWorkflow(ctx, schemas.ModelID(schemas.DefaultModel), schemas.SignalLease, lease,
			client.StartWorkflowOptions{TaskQueue: string(schemas.QueueControl), StaticSummary: "the one writer of " + schemas.DefaultModel + "'s aliases"},
			schemas.WorkflowModel, schemas.ModelInput{Model: schemas.DefaultModel})
		if err != nil {
			i.maker.ReturnHealth(lease.Health)
		}
		if err != nil && ctx.Err() == nil {
			i.logger.Warn("lease not renewed: promotions will not wait for this instance", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// report reads the page of the last verdict on a day.
func (a *adapters) report(ctx context.Context, day string) ([]byte, bool, error) {
	next := string(rail.Day(day).Add(1))
	verdicts, err := a.db.FindVerdicts(ctx, schema.VerdictQuery{Model: schemas.DefaultModel, DataSource: sourceName(a.config), From: day, Until: next})
	if err != nil {
		return nil, false, err
	}
	for _, v := range verdicts { // the newest that has one
		if v.Report == "" {
			continue
		}
		page, _, err := a.objects.Get(ctx, v.Report)
		if errors.Is(err, objstore.ErrNotFound) {
			continue
		}
		return page, err == nil, err
	}
	return nil, false, nil
}
