package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/experiment"
	schema "puenktlich/schemas/clickhouse"
)

// defaultRuns is how many runs are listed where nothing else is asked for.
const defaultRuns = 50

func runsListCommand(p program) *cobra.Command {
	var f experiment.Filter
	var since, status string
	var asJSON bool
	cmd := &cobra.Command{Use: "list", Short: "list runs, the newest or the best first", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if f.Since, err = parseSince(since); err != nil {
				return err
			}
			if f.Status, err = parseStatus(status); err != nil {
				return err
			}
			if f.Limit < 0 {
				return fmt.Errorf("--limit %d: want at least 1, or 0 for all", f.Limit)
			}
			return p.withExperiments(func(r experiment.Reader) error {
				listing, err := r.List(cmd.Context(), f)
				if err != nil {
					return fmt.Errorf("runs list: %w", err)
				}
				if asJSON {
					return p.printJSON(listing)
				}
				return p.printListing(listing, f)
			})
		}}
	flags := cmd.Flags()
	flags.StringVar(&f.Model, "model", "", "only runs of this model")
	flags.StringVar(&status, "status", "", "only runs in this state: running, finished, failed or killed")
	flags.StringVar(&f.Dataset, "dataset", "", "only runs on the data set whose id begins so")
	flags.StringVar(&since, "since", "", "only runs started at or after a day or a moment of domain time")
	flags.StringVar(&f.Sort, "sort", "", "a metric: its best value first; without, the newest first")
	flags.BoolVar(&f.Reverse, "reverse", false, "with --sort, the worst value first")
	flags.IntVar(&f.Limit, "limit", defaultRuns, "at most so many runs; 0 lists all")
	flags.StringSliceVar(&f.Metrics, "metrics", nil, "metrics to show, or all; without, a few that say most")
	flags.BoolVar(&asJSON, "json", false, "write JSON, as /v1/runs answers it")
	return cmd
}

func parseStatus(text string) (schema.RunStatus, error) {
	known := []schema.RunStatus{"", schema.RunRunning, schema.RunFinished, schema.RunFailed, schema.RunKilled}
	if !slices.Contains(known, schema.RunStatus(text)) {
		return "", fmt.Errorf("--status %q: want one of %q", text, known[1:])
	}
	return schema.RunStatus(text), nil
}

func (p program) printListing(l experiment.Listing, f experiment.Filter) error {
	if len(l.Runs) == 0 {
		_, err := fmt.Fprintln(p.out, "no run matches")
		return err
	}
	t := grid{head: []string{"RUN", "NAME", "STATUS", "STARTED (UTC)", "DATA SET"}, right: map[int]bool{}}
	for _, name := range l.Metrics {
		t.number(strings.ToUpper(name))
	}
	t.number("TIME")
	t.number("MEMORY")
	t.head = append(t.head, "BY")
	for _, run := range l.Runs {
		row := []string{run.ID, run.Name, string(run.Status), run.StartedAt.Format("2006-01-02 15:04"), experiment.Short(run.Dataset)}
		for _, name := range l.Metrics {
			value, found := run.Metrics[name]
			if !found {
				row = append(row, "")
				continue
			}
			row = append(row, experiment.Digits(value))
		}
		t.rows = append(t.rows, append(row, duration(run.DurationSeconds), memory(run.PeakMemoryBytes), run.Actor))
	}
	if err := t.write(p.out); err != nil {
		return err
	}
	if f.Limit > 0 && len(l.Runs) == f.Limit {
		fmt.Fprintf(p.out, "\nthe first %d; --limit 0 lists all\n", f.Limit)
	}
	return nil
}

// duration is short: tenths below a minute.
func duration(seconds float64) string {
	switch {
	case seconds <= 0:
		return ""
	case seconds < 60:
		return fmt.Sprintf("%.1fs", seconds)
	}
	return (time.Duration(seconds) * time.Second).String()
}

func memory(bytes uint64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
