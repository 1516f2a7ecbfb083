package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/experiment"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/warehouse"
)

func runsCommand(p program) *cobra.Command {
	cmd := &cobra.Command{Use: "runs", Short: "look into recorded experiment runs, compare them, make them again"}
	cmd.AddCommand(runsListCommand(p), runsShowCommand(p), runsCompareCommand(p), runsReproduceCommand(p))
	return cmd
}

// codeVersion is the release, or for a build of a checkout its revision.
func codeVersion() string {
	build, found := debug.ReadBuildInfo()
	if version != "dev" || !found {
		return version
	}
	if made := build.Main.Version; made != "" && made != "(devel)" {
		return made
	}
	return version
}

// experiments reads runs from the two stores.
func experiments(db *warehouse.DB, objects *objstore.Store) experiment.Reader {
	return experiment.Reader{Store: db, Objects: objects, NotFound: objstore.ErrNotFound, Away: func(err error) bool {
		return errors.Is(err, warehouse.ErrUnavailable) || errors.Is(err, warehouse.ErrOverloaded) || errors.Is(err, objstore.ErrUnavailable)
	}}
}

// withExperiments opens the two stores, and nothing else: runs can be looked at
// while Temporal is away.
func (p program) withExperiments(use func(experiment.Reader) error) error {
	c, _, err := p.standalone()
	if err != nil {
		return err
	}
	objects, err := objstore.New(objstore.Options{Endpoint: c.S3Endpoint, Region: c.S3Region, AccessKey: c.S3AccessKey, SecretKey: c.S3SecretKey, Bucket: c.S3Bucket})
	if err != nil {
		return err
	}
	db, err := warehouse.Open(warehouse.Options{Addr: c.ClickHouseAddress, Database: c.ClickHouseDatabase, User: c.ClickHouseUser, Password: c.ClickHousePassword})
	if err != nil {
		return err
	}
	defer db.Close()
	return use(experiments(db, objects))
}

// printJSON writes a value as an indented document.
func (p program) printJSON(value any) error {
	body, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err = fmt.Fprintln(p.out, string(body))
	return err
}

// parseSince reads a day, which begins at midnight German time, or a moment.
func parseSince(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := rail.ParseDay(text); err == nil {
		return day.Start(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return at, fmt.Errorf("--since %q: want a day, YYYY-MM-DD, or a moment like 2024-11-01T10:00:00Z", text)
	}
	return at, nil
}

// showRuns reads records for a command.
func showRuns(ctx context.Context, p program, ids []string, use func(experiment.Reader, []experiment.Record) error) error {
	return p.withExperiments(func(r experiment.Reader) error {
		records, err := r.Show(ctx, ids...)
		if err != nil {
			return fmt.Errorf("runs: %w", err)
		}
		return use(r, records)
	})
}
