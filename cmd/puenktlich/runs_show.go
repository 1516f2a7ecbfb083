package main

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/experiment"
)

func runsShowCommand(p program) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "show ID", Short: "show the record of a run; the beginning of its id suffices", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return showRuns(cmd.Context(), p, args, func(_ experiment.Reader, records []experiment.Record) error {
				if asJSON {
					return p.printJSON(records[0])
				}
				return p.printRecord(records[0])
			})
		}}
	cmd.Flags().BoolVar(&asJSON, "json", false, "write JSON, as /v1/runs/{id} answers it")
	return cmd
}

func (p program) printRecord(r experiment.Record) error {
	fmt.Fprintf(p.out, "run %s, %s: %s\n", r.ID, r.Name, r.Status)
	if r.Error != "" {
		fmt.Fprintf(p.out, "  %s\n", r.Error)
	}
	fmt.Fprintln(p.out)
	facts := grid{head: []string{"RECORD", ""}}
	for _, pair := range standing(r) {
		if pair[1] != "" {
			facts.rows = append(facts.rows, pair[:])
		}
	}
	if err := facts.write(p.out); err != nil {
		return err
	}
	for _, part := range []struct {
		head   string
		values map[string]string
	}{{"PARAMETER", r.Params}, {"ENVIRONMENT", r.Environment}} {
		if err := p.printValues(part.head, part.values); err != nil {
			return err
		}
	}
	metrics := grid{head: []string{"METRIC"}}
	metrics.number("VALUE")
	metrics.number("STEPS")
	for _, name := range slices.Sorted(maps.Keys(r.Series)) {
		steps := ""
		if n := len(r.Series[name]); n > 1 {
			steps = fmt.Sprint(n)
		}
		metrics.rows = append(metrics.rows, []string{name, experiment.Digits(r.Metrics[name]), steps})
	}
	left := grid{head: []string{"ARTEFACT", "", "KEY"}}
	for _, a := range r.Artifacts {
		left.rows = append(left.rows, []string{a.Name, string(a.State), a.Key})
	}
	for _, table := range []grid{metrics, left} {
		if len(table.rows) == 0 {
			continue
		}
		fmt.Fprintln(p.out)
		if err := table.write(p.out); err != nil {
			return err
		}
	}
	return nil
}

// standing are name and value of what stands in the record itself.
func standing(r experiment.Record) [][2]string {
	ended := ""
	if r.EndedAt != nil {
		ended = r.EndedAt.Format(time.RFC3339)
	}
	return [][2]string{
		{"model", r.Model}, {"algorithm", r.Algorithm}, {"seed", fmt.Sprint(r.Seed)}, {"started (domain time)", r.StartedAt.Format(time.RFC3339)}, {"ended (domain time)", ended},
		{"computed for", duration(r.DurationSeconds)}, {"peak memory", memory(r.PeakMemoryBytes)}, {"by", r.Actor}, {"because", r.Reason},
		{"workflow", r.WorkflowID}, {"data set", r.Dataset}, {"data set's manifest", r.DatasetSHA256}, {"features", r.FeatureVersion}, {"code", r.CodeVersion},
	}
}

func (p program) printValues(head string, values map[string]string) error {
	if len(values) == 0 {
		return nil
	}
	fmt.Fprintln(p.out)
	t := grid{head: []string{head, ""}}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		t.rows = append(t.rows, []string{name, values[name]})
	}
	return t.write(p.out)
}
