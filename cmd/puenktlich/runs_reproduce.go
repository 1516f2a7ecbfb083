package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"puenktlich/internal/experiment"
	"puenktlich/schemas"
)

func runsReproduceCommand(p program) *cobra.Command {
	in := schemas.ReproduceInput{}
	cmd := &cobra.Command{Use: "reproduce ID", Short: "make a run again from its record and say whether it agrees", Args: cobra.ExactArgs(1),
		Long: "Prepares the data set of a finished run again, trains and evaluates as its record says, through the workflow ReproduceRun, and compares data set and metrics. The exit code is 1 where they do not agree.",
		RunE: func(cmd *cobra.Command, args []string) error {
			return showRuns(cmd.Context(), p, args, func(_ experiment.Reader, records []experiment.Record) error {
				in.RunID = records[0].ID
				return p.reproduce(cmd.Context(), in)
			})
		}}
	cmd.Flags().StringVar(&in.Actor, "actor", os.Getenv("USER"), "who; the record of the new run keeps it")
	cmd.Flags().StringVar(&in.Reason, "reason", "", "why; the record of the new run keeps it")
	return cmd
}

func (p program) reproduce(ctx context.Context, in schemas.ReproduceInput) error {
	a, err := p.alone(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	result, err := execute[schemas.ReproduceResult](ctx, a, schemas.ReproduceID(in.RunID), schemas.WorkflowReproduceRun, in)
	if err != nil {
		return err
	}
	if err := p.printReproduction(result); err != nil {
		return err
	}
	if !result.Agrees {
		return fmt.Errorf("run %s could not be made again: %d of %d findings differ in run %s", result.Recorded, differing(result.Findings), len(result.Findings), result.Rebuilt)
	}
	return nil
}

func differing(findings []schemas.Agreement) int {
	n := 0
	for _, f := range findings {
		if !f.Agrees {
			n++
		}
	}
	return n
}

func (p program) printReproduction(r schemas.ReproduceResult) error {
	t := grid{head: []string{"", "RECORDED " + r.Recorded, "REBUILT " + r.Rebuilt, ""}, right: map[int]bool{1: true, 2: true}}
	for _, f := range r.Findings {
		verdict := "differs"
		if f.Agrees {
			verdict = "agrees"
		}
		t.rows = append(t.rows, []string{f.Name, experiment.Short(f.Recorded), experiment.Short(f.Rebuilt), verdict})
	}
	if err := t.write(p.out); err != nil {
		return err
	}
	for _, f := range r.Environment {
		fmt.Fprintf(p.out, "what else differs: %s was %q, is %q\n", f.Name, f.Recorded, f.Rebuilt)
	}
	if r.Note != "" {
		fmt.Fprintln(p.out, r.Note)
	}
	if r.Agrees {
		fmt.Fprintf(p.out, "run %s agrees with its record %s within %g\n", r.Rebuilt, r.Recorded, experiment.Tolerance)
	}
	return nil
}
