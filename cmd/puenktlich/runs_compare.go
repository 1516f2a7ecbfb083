package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"puenktlich/internal/experiment"
)

func runsCompareCommand(p program) *cobra.Command {
	var out string
	var asJSON bool
	cmd := &cobra.Command{Use: "compare ID ID...", Short: "put runs side by side: what differs, metrics, drawings", Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return showRuns(cmd.Context(), p, args, func(r experiment.Reader, records []experiment.Record) error {
				if len(records) < 2 {
					return fmt.Errorf("runs compare: %s all name run %s; give another one", strings.Join(args, " and "), records[0].ID)
				}
				comparison := experiment.Compare(records)
				if asJSON {
					if err := p.printJSON(comparison); err != nil {
						return err
					}
				} else if err := p.printComparison(comparison); err != nil {
					return err
				}
				if out == "" {
					return nil
				}
				return p.writeDrawings(cmd.Context(), r, records, out)
			})
		}}
	cmd.Flags().StringVar(&out, "out", "", "directory for drawings as SVG: learning curves, reliability, ROC, skill by horizon, importance")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, as /v1/runs/compare answers it")
	return cmd
}

func (p program) printComparison(c experiment.Comparison) error {
	head := []string{""}
	for _, run := range c.Runs {
		head = append(head, strings.TrimSpace(run.ID+" "+run.Name))
	}
	differ, same := grid{head: append([]string{"DIFFERENT"}, head[1:]...)}, 0
	for _, s := range c.Settings {
		if s.Same {
			same++
			continue
		}
		row := []string{s.Name}
		for _, value := range s.Values {
			row = append(row, experiment.Short(value))
		}
		differ.rows = append(differ.rows, row)
	}
	if len(differ.rows) == 0 {
		differ.rows = [][]string{append([]string{"nothing"}, make([]string, len(c.Runs))...)}
	}
	if err := differ.write(p.out); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "and %d settings that are the same\n\n", same)
	metrics := grid{head: []string{"METRIC"}}
	for i := range c.Runs {
		metrics.number(head[i+1])
		if i > 0 {
			metrics.number("difference")
		}
	}
	metrics.head = append(metrics.head, "BEST")
	for _, row := range c.Metrics {
		metrics.rows = append(metrics.rows, metricCells(c, row))
	}
	return metrics.write(p.out)
}

func metricCells(c experiment.Comparison, row experiment.MetricRow) []string {
	cells := []string{row.Name}
	for i, value := range row.Values {
		cells = append(cells, experiment.Digits(value))
		if i > 0 {
			cells = append(cells, experiment.Signed(row.Differences[i]))
		}
	}
	if row.Best < 0 {
		return append(cells, "")
	}
	return append(cells, c.Runs[row.Best].Name)
}

// writeDrawings writes what can be drawn, and says what cannot and why.
func (p program) writeDrawings(ctx context.Context, r experiment.Reader, records []experiment.Record, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("runs compare: %w", err)
	}
	said := map[string]bool{}
	for _, d := range r.Draw(ctx, records, experiment.English) {
		if d.SVG != nil {
			path := filepath.Join(dir, d.Name+".svg")
			if err := os.WriteFile(path, d.SVG, 0o644); err != nil {
				return fmt.Errorf("runs compare: %w", err)
			}
			fmt.Fprintln(p.err, "wrote", path)
		}
		for _, note := range d.Missing {
			if !said[note] {
				fmt.Fprintf(p.err, "%s: %s\n", d.Name, note)
			}
			said[note] = true
		}
	}
	return nil
}
