package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"puenktlich/api"
	"puenktlich/internal/access"
	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/feature"
	"puenktlich/internal/modelpkg"
	"puenktlich/internal/rail"
	"puenktlich/internal/serving"
	"puenktlich/internal/spool"
	"puenktlich/internal/warehouse"
	"puenktlich/schemas"
)

// serveCommand serves one package alone.
func serveCommand(p program) *cobra.Command {
	var path, keyFile string
	var in reading
	cmd := &cobra.Command{Use: "serve", Short: "serve one model package alone: feature vectors in, forecasts out; no server is needed", Args: cobra.NoArgs,
		Long: "Answers health, metadata and inference routes. Nothing is known of the railway, so callers bring feature vectors. Predictions are kept on disk under DATA_DIR and, where CLICKHOUSE_ADDRESS is set, brought there.\n\nWith --keys callers need an API key of that file, which `puenktlich keys create --file FILE` makes; the file is followed while it serves, and PUENKTLICH_ANONYMOUS says what callers without a key may do. Without --keys whoever reaches the address may ask: there is nothing here but the package and the log of its answers.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(p.environ, nil)
			if err != nil {
				return err
			}
			keys, err := in.trusted(p)
			if err != nil {
				return err
			}
			o, err := openPackage(path, in.maxBytes)
			if err != nil {
				return err
			}
			defer o.close()
			return p.serveAlone(cmd.Context(), c, alone{dir: o.dir, trusted: keys, keyFile: keyFile})
		}}
	cmd.Flags().StringVar(&path, "package", "", "directory or archive of the package (required)")
	_ = cmd.MarkFlagRequired("package")
	cmd.Flags().StringVar(&keyFile, "keys", "", "file of API keys; empty lets everyone in who reaches the address")
	in.add(cmd)
	return cmd
}

// here answers a package of this machine.
type here struct {
	serving.ModelPackages
	dir string
}

// Fetch answers the directory.
func (h here) Fetch(context.Context, schemas.PackageRef) (string, error) { return h.dir, nil }

// blank is a live state that follows nothing.
type blank struct{}

var errFollowsNothing = errors.New("no observations are followed: this instance answers feature vectors alone")

func (blank) Vector(rail.EventKey, time.Time) ([]float32, feature.Knowledge, uint64, bool) {
	return nil, feature.Knowledge{}, 0, false
}
func (blank) Ready() bool                                            { return true } // for all there will ever be
func (blank) Fault() error                                           { return errFollowsNothing }
func (blank) Age() time.Duration                                     { return math.MaxInt64 }
func (blank) From() time.Time                                        { return time.Time{} }
func (blank) Stations() []int64                                      { return nil }
func (blank) Board(int64, time.Time, time.Time) []*rail.PlannedEvent { return nil }
func (blank) Unplanned(rail.EventKey, time.Time) (feature.Unplanned, bool) {
	return feature.Unplanned{}, false
}
func (blank) UnplannedAt(int64, time.Time, time.Time, time.Time) []feature.Unplanned { return nil }
func (blank) Plan(rail.EventKey) (*rail.PlannedEvent, bool)                          { return nil, false }
func (blank) Size() feature.Size                                                     { return feature.Size{} }

// kept is the store of an instance without one: everything stays on disk.
type kept struct{}

func (kept) InsertPredictionRows(context.Context, string, []byte, int) error {
	return errors.New("there is no ClickHouse: predictions stay on disk")
}

// alone is what one package is served by.
type alone struct {
	dir     string // of the package
	trusted []modelpkg.PublicKey
	keyFile string // of API keys; empty for none
}

// gate lets callers in by the keys of the file, which it follows until ctx ends;
// nil lets everyone in.
func (s alone) gate(ctx context.Context, c config.Config, dir string, logger *slog.Logger) (api.Gate, error) {
	if s.keyFile == "" {
		return nil, nil
	}
	if _, err := os.Stat(s.keyFile); err != nil { // one that is mistyped would be a file without keys
		return nil, fmt.Errorf("--keys: %w: `puenktlich keys create --file %s --name NAME` makes it", err, s.keyFile)
	}
	keys := access.NewRing(bookAt(s.keyFile), filepath.Join(dir, "keys.json"), logger)
	if err := keys.Load(ctx); err != nil {
		return nil, fmt.Errorf("--keys %s: %w", s.keyFile, err)
	}
	go keys.Follow(ctx, keysEvery) //nolint:errcheck // ends with its context
	return gate(c, keys), nil
}

// serveAlone serves until ctx ends.
func (p program) serveAlone(ctx context.Context, c config.Config, one alone) error {
	logger := slog.New(slog.NewTextHandler(p.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	packages := here{serving.ModelPackages{Keys: one.trusted}, one.dir}
	ref, err := serving.Rehearse(packages, one.dir)
	if err != nil {
		return fmt.Errorf("the package is not served: %w", err)
	}
	metrics := prometheus.NewRegistry()
	own := filepath.Join(c.DataDir, "serve")
	champion := serving.NewChampion(serving.ChampionOptions{Model: ref.Ref.Model, Packages: packages, Dir: own, Metrics: serving.NewMetrics(metrics), Logger: logger})
	if err := champion.Load(ctx, ref.Ref); err != nil {
		return err
	}
	log, ship, closeLog, err := openLog(c, own, metrics, logger)
	if err != nil {
		return err
	}
	defer closeLog()
	door, err := one.gate(ctx, c, own, logger)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	forecaster := serving.NewForecaster(serving.Options{Champion: champion, State: blank{}, Log: log, DataSource: "vectors", Instance: c.Instance})
	handler := api.New(api.Options{Forecaster: forecaster, Champion: champion, Live: blank{}, Log: log, Clock: clock.Live(time.Now), Model: ref.Ref.Model,
		Source: "vectors", DataSource: "vectors", Instance: c.Instance, Version: version, Metrics: metrics, Logger: logger, Gate: door})
	server := api.NewServer(handler, api.DefaultTimes(), logger)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	shipping, stop := context.WithCancel(ctx)
	defer stop()
	if ship {
		go log.Run(shipping) //nolint:errcheck // ends with its context
	}
	fmt.Fprintf(p.out, "%s@%d served at http://%s, manifest %s\n", ref.Ref.Model, ref.Ref.Version, listener.Addr(), ref.Ref.Digest)
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	drain, done := context.WithTimeout(context.Background(), drainFor)
	defer done()
	if err := server.Shutdown(drain); err != nil && !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("stop serving: %w", err)
	}
	return nil
}

// openLog opens the prediction log; it is shipped where there is a ClickHouse.
func openLog(c config.Config, dir string, metrics *prometheus.Registry, logger *slog.Logger) (log *spool.Log, ship bool, closeAll func(), err error) {
	o := spool.Options{Dir: filepath.Join(dir, "spool"), Store: kept{}, Metrics: spool.NewMetrics(metrics), Logger: logger}
	closeAll = func() {}
	if c.ClickHouseAddress != "" {
		db, err := warehouse.Open(warehouse.Options{Addr: c.ClickHouseAddress, Database: c.ClickHouseDatabase, User: c.ClickHouseUser, Password: c.ClickHousePassword})
		if err != nil {
			return nil, false, nil, err
		}
		o.Store, ship, closeAll = db, true, func() { _ = db.Close() }
	}
	if log, err = spool.Open(o); err != nil {
		closeAll()
		return nil, false, nil, err
	}
	after := closeAll
	return log, ship, func() {
		if err := log.Close(); err != nil {
			logger.Warn("close prediction log", "error", err)
		}
		after()
	}, nil
}
