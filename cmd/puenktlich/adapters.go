package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"puenktlich/internal/alert"
	"puenktlich/internal/champion"
	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/objstore"
	"puenktlich/internal/registry"
	"puenktlich/internal/warehouse"
	"puenktlich/workers"
)

// adapters are the connections of one process to the servers.
type adapters struct {
	config   config.Config
	clock    clock.Clock
	logger   *slog.Logger
	temporal client.Client
	objects  *objstore.Store
	db       *warehouse.DB
	key      *modelpkg.Key // signs; nil where only public keys are configured
	trusted  []modelpkg.PublicKey
	registry registry.Registry
	// alerts are raised by every role, and told by it once more while it runs.
	alerts *alert.Center
	// metrics are of this process: its workers, schedules and alerts.
	metrics *prometheus.Registry
	// packages is where packages are cached on this machine.
	packages string
}

// connect opens every adapter. Nothing but Temporal is asked for an answer: a
// process starts while the others are away.
func connect(ctx context.Context, c config.Config, at clock.Clock, p program) (*adapters, error) {
	a := &adapters{config: c, clock: at, logger: slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn})),
		packages: filepath.Join(c.DataDir, "packages")}
	if err := os.MkdirAll(a.packages, 0o755); err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	var err error
	if a.objects, err = openObjects(c); err != nil {
		return nil, err
	}
	if a.db, err = warehouse.Open(warehouse.Options{Addr: c.ClickHouseAddress, Database: c.ClickHouseDatabase, User: c.ClickHouseUser, Password: c.ClickHousePassword}); err != nil {
		return nil, err
	}
	if a.key, a.trusted, err = packageKeys(c); err != nil {
		return nil, err
	}
	a.registry = registry.Registry{Store: a.objects, NotFound: objstore.ErrNotFound}
	a.metrics = prometheus.NewRegistry()
	a.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.alerts = alert.New(alert.Options{Metrics: alert.NewMetrics(a.metrics), Store: a.db, Clock: at, Webhook: c.AlertWebhook, UI: c.TemporalUI, Namespace: c.TemporalNamespace, Logger: a.logger})
	a.temporal, err = client.DialContext(ctx, client.Options{HostPort: c.TemporalAddress, Namespace: c.TemporalNamespace, MetricsHandler: workers.NewMetrics(a.metrics),
		Logger: log.NewStructuredLogger(a.logger)})
	if err != nil {
		a.db.Close()
		return nil, fmt.Errorf("connect to Temporal at %s: %w", c.TemporalAddress, err)
	}
	return a, nil
}

func openObjects(c config.Config) (*objstore.Store, error) {
	return objstore.New(objstore.Options{Endpoint: c.S3Endpoint, Region: c.S3Region, AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey, Bucket: c.S3Bucket})
}

func (a *adapters) close() {
	a.temporal.Close()
	if err := a.db.Close(); err != nil {
		a.logger.Warn("close ClickHouse", "error", err)
	}
}

func (a *adapters) champions() *champion.Loader {
	return &champion.Loader{Registry: a.registry, Objects: a.objects, Keys: a.trusted, Dir: a.packages}
}

// migrate makes the bucket and the tables.
func (a *adapters) migrate(ctx context.Context) (int, error) {
	if err := a.objects.EnsureBucket(ctx); err != nil {
		return 0, fmt.Errorf("make bucket %s: %w", a.config.S3Bucket, err)
	}
	ran, err := a.db.Migrate(ctx)
	if err != nil {
		return ran, fmt.Errorf("migrate ClickHouse: %w", err)
	}
	return ran, nil
}
