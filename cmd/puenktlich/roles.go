package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/localstack/chengine"
	"puenktlich/schemas"
)

// standalone loads the configuration of a single role, which runs against
// servers given by address.
func (p program) standalone() (config.Config, clock.Clock, error) {
	c, err := config.Load(append(savedEnvironment(p.environ), p.environ...), nil)
	if err != nil {
		return c, clock.Clock{}, err
	}
	var missing []string
	for name, value := range map[string]string{"TEMPORAL_ADDRESS": c.TemporalAddress, "S3_ENDPOINT": c.S3Endpoint, "CLICKHOUSE_ADDRESS": c.ClickHouseAddress} {
		if value == "" {
			missing = append(missing, config.Prefix+name)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		return c, clock.Clock{}, fmt.Errorf("this role runs against servers given by address: set %s, or use `puenktlich up`, which starts them all", strings.Join(missing, ", "))
	}
	at, err := domainClock(c)
	return c, at, err
}

// alone connects a single role; the caller closes.
func (p program) alone(ctx context.Context) (*adapters, error) {
	c, at, err := p.standalone()
	if err != nil {
		return nil, err
	}
	return connect(ctx, c, at, p)
}

// savedEnvironment is where a stack that `up` started in this directory is; the
// process's own environment comes after it and wins.
func savedEnvironment(environ []string) []string {
	root := lookup(environ, config.Prefix+"DATA_DIR")
	if root == "" {
		root = ".local"
	}
	body, err := os.ReadFile(filepath.Join(root, environmentFile))
	if err != nil {
		return nil // nothing was started here: every address must be given
	}
	return strings.Split(strings.TrimSpace(string(body)), "\n")
}

// domainClock reads the clock of the replay this process belongs to; without
// one, domain time is the time of day.
func domainClock(c config.Config) (clock.Clock, error) {
	at, found, err := clock.Read(time.Now, filepath.Join(c.DataDir, clockFile))
	if err != nil || found {
		return at, err
	}
	return clock.Live(time.Now), nil
}

const clockFile = "clock.json"

func workerCommand(p program) *cobra.Command {
	var pools []string
	cmd := &cobra.Command{Use: "worker", Short: "run worker pools against servers given by address", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			queues, err := parsePools(pools)
			if err != nil {
				return err
			}
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			unserve, err := a.serveMetrics(a.config.MetricsListen)
			if err != nil {
				return err
			}
			defer unserve()
			stop, err := a.startWorkers(queues)
			if err != nil {
				return err
			}
			defer stop()
			fmt.Fprintf(p.out, "worker ready: %v\n", queues)
			<-cmd.Context().Done()
			return nil
		}}
	cmd.Flags().StringSliceVar(&pools, "pool", []string{"all"}, "pools to run: all, control, collect, prepare, train, release, score")
	return cmd
}

func parsePools(names []string) ([]schemas.Queue, error) {
	if slices.Equal(names, []string{"all"}) {
		return schemas.Queues(), nil
	}
	var queues []schemas.Queue
	for _, name := range names {
		if !slices.Contains(schemas.Queues(), schemas.Queue(name)) {
			return nil, fmt.Errorf("--pool %s: want all or some of %v", name, schemas.Queues())
		}
		queues = append(queues, schemas.Queue(name))
	}
	return queues, nil
}

func migrateCommand(p program) *cobra.Command {
	return &cobra.Command{Use: "migrate", Short: "make the bucket, the tables and the search attributes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			ran, err := a.migrate(cmd.Context())
			if err != nil {
				return err
			}
			fmt.Fprintf(p.out, "%d migrations ran\n", ran)
			return a.registerSearchAttributes(cmd.Context())
		}}
}

func settingsCommand(p program) *cobra.Command {
	return &cobra.Command{Use: "settings", Short: "list every setting, its default and its meaning", Args: cobra.NoArgs,
		Run: func(*cobra.Command, []string) { fmt.Fprint(p.out, config.Describe()) }}
}

// engineCommand is the child process of the embedded ClickHouse engine.
func engineCommand(p program) *cobra.Command {
	var o chengine.Options
	cmd := &cobra.Command{Use: "engine", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Password = lookup(p.environ, "PUENKTLICH_ENGINE_PASSWORD")
			return chengine.Serve(cmd.Context(), o, func(addr string) { fmt.Fprintln(p.out, "engine ready at", addr) })
		}}
	cmd.Flags().StringVar(&o.Listen, "listen", "", "host:port")
	cmd.Flags().StringVar(&o.DataDir, "data", "", "data directory")
	cmd.Flags().StringVar(&o.LibraryPath, "lib", "", "libchdb.so")
	cmd.Flags().StringVar(&o.User, "user", "default", "user")
	return cmd
}

// lookup is the last value of a variable in an environment.
func lookup(environ []string, name string) string {
	value := ""
	for _, pair := range environ {
		if n, v, _ := strings.Cut(pair, "="); n == name {
			value = v
		}
	}
	return value
}
