package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// lookEvery is how often a training is asked for its table.
const lookEvery = time.Second

func trainCommand(p program) *cobra.Command {
	var input, watch string
	cmd := &cobra.Command{Use: "train", Short: "train a model, or search for one, and show the candidates while it runs",
		Long: "Starts TrainModel with an input in JSON, by default {}, and shows its candidates until it ends. Interrupted, it leaves the training running.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.train(cmd.Context(), input, watch) }}
	cmd.Flags().StringVar(&input, "input", "", "file with the input of TrainModel as JSON, - for standard input; by default {}")
	cmd.Flags().StringVar(&watch, "watch", "", "workflow ID of a training to show instead of starting one")
	cmd.MarkFlagsMutuallyExclusive("input", "watch")
	return cmd
}

func (p program) train(ctx context.Context, input, watch string) error {
	in, err := readTrainInput(input)
	if err != nil {
		return err
	}
	a, err := p.alone(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	id := watch
	if id == "" {
		id = "train/" + time.Now().UTC().Format("20060102-150405")
		if _, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: string(schemas.QueueControl),
			StaticSummary: "train, or search for a model"}, schemas.WorkflowTrainModel, in); err != nil {
			return fmt.Errorf("start %s: %w", id, err)
		}
		fmt.Fprintf(p.out, "%s started\n", id)
	}
	return p.follow(ctx, a, id)
}

// readTrainInput refuses what TrainModel does not know.
func readTrainInput(name string) (schemas.TrainInput, error) {
	var in schemas.TrainInput
	if name == "" {
		return in, nil
	}
	file := io.ReadCloser(os.Stdin)
	if name != "-" {
		var err error
		if file, err = os.Open(name); err != nil {
			return in, fmt.Errorf("read input of the training: %w", err)
		}
		defer func() { _ = file.Close() }()
	}
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return in, fmt.Errorf("read input of the training %s: %w", name, err)
	}
	return in, nil
}

// follow shows a training until it ends.
func (p program) follow(ctx context.Context, a *adapters, id string) error {
	over := make(chan error, 1)
	go func() { over <- a.temporal.GetWorkflow(ctx, id, "").Get(ctx, nil) }()
	view := &tableView{out: p.out, live: isTerminal(p.out)}
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		var err error
		ended := false
		select {
		case err = <-over:
			ended = true
		case <-tick.C:
		}
		if ctx.Err() != nil {
			fmt.Fprintf(p.out, "the training goes on: puenktlich train --watch %s\n", id)
			return nil
		}
		if table, found := a.candidates(ctx, id); found {
			view.show(table)
		}
		if ended {
			return ending(id, err)
		}
	}
}

// candidates asks for the table; a training that has not begun to choose has
// none.
func (a *adapters) candidates(ctx context.Context, id string) (schemas.SearchTable, bool) {
	var table schemas.SearchTable
	value, err := a.temporal.QueryWorkflow(ctx, id, "", schemas.QueryCandidates)
	return table, err == nil && value.Get(&table) == nil && len(table.Candidates) > 0
}

// ending is the workflow's own sentence.
func ending(id string, err error) error {
	var said *temporal.ApplicationError
	if errors.As(err, &said) {
		return fmt.Errorf("%s: %s", id, said.Message())
	}
	return err
}

// isTerminal says whether lines can be drawn over.
func isTerminal(out io.Writer) bool {
	file, is := out.(*os.File)
	if !is {
		return false
	}
	about, err := file.Stat()
	return err == nil && about.Mode()&os.ModeCharDevice != 0
}

// tableView shows a table that changes: drawn over itself on a terminal, else
// each changed table below the one before.
type tableView struct {
	out   io.Writer
	live  bool
	shown string
}

func (v *tableView) show(table schemas.SearchTable) {
	text := tableText(table)
	if text == v.shown {
		return
	}
	if lines := strings.Count(v.shown, "\n"); v.live && lines > 0 {
		fmt.Fprintf(v.out, "\x1b[%dA\x1b[J", lines) // up, and clear below
	}
	fmt.Fprint(v.out, text)
	v.shown = text
}

// tableText is the table in columns.
func tableText(table schemas.SearchTable) string {
	var text bytes.Buffer
	if table.Rung > 0 {
		fmt.Fprintf(&text, "rung %d of %d, %d waiting\n", table.Rung, table.Rungs, table.Waiting)
	}
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "CANDIDATE\tALGORITHM\tFEATURES\tDEPTH\tRATE\tROUNDS\tBRIER\tLOG LOSS\t")
	for _, c := range table.Candidates {
		fmt.Fprintf(columns, "%s\t%s\t%s\t%d\t%g\t", c.Candidate.Name, c.Candidate.How(), c.Candidate.Sees(), c.Candidate.MaxDepth, c.Candidate.LearningRate)
		if c.RunID == "" {
			fmt.Fprintf(columns, "\t\t\t%s\n", oneLineOf(c))
			continue
		}
		fmt.Fprintf(columns, "%d\t%.4f\t%.4f\t%s\n", c.Rounds, c.Brier, c.LogLoss, oneLineOf(c))
	}
	_ = columns.Flush() // a buffer takes everything
	if table.Note != "" {
		fmt.Fprintln(&text, table.Note)
	}
	return text.String()
}

// oneLineOf says what a row's numbers do not.
func oneLineOf(c schemas.CandidateResult) string {
	switch {
	case c.FailReason != "":
		return strings.ReplaceAll(c.FailReason, "\n", " ")
	case c.Dropped != "":
		return c.Dropped
	case c.RunID == "":
		return "waiting"
	case !c.Candidate.Servable():
		return "to compare with"
	}
	return ""
}
