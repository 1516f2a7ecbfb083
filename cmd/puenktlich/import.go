package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"gopkg.in/yaml.v3"

	"puenktlich/internal/history"
	"puenktlich/schemas"
)

// importFlags are the arguments of an import.
type importFlags struct {
	path, mapping, until, retrieved string
	input                           schemas.ImportInput
}

func importCommand(p program) *cobra.Command {
	var in importFlags
	cmd := &cobra.Command{Use: "import DIR|FILE", Short: "import recordings, public releases or CSV files, and watch it",
		Long: "Starts ImportHistory on the running stack and shows how far it is. The files are read by the collect workers, from their disks. Stopping this command does not stop the import; the same command joins it again.",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			in.path = args[0]
			input, err := in.read()
			if err != nil {
				return err
			}
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			return p.importHistory(cmd.Context(), a, input)
		}}
	flags, origin := cmd.Flags(), &in.input.Provenance
	flags.StringVar(&in.input.Group, "group", schemas.DefaultGroup, "station group to import into")
	flags.StringVar(&in.until, "until", "", "leave out what was polled then or later, such as 2024-11-01T00:00:00Z")
	flags.Int64Var(&in.input.WindowRows, "window-rows", 0, "rows that one activity imports; 0 takes the default")
	flags.StringVar(&in.mapping, "mapping", "", "YAML or JSON file that says which column of a CSV file is which")
	flags.StringVar(&origin.Source, "source", "", "name of the source; needed for CSV files")
	flags.StringVar(&origin.Licence, "licence", "", "licence of the data; needed for CSV files")
	flags.StringVar(&origin.Publisher, "publisher", "", "who published the files")
	flags.StringVar(&origin.URL, "url", "", "where they were published")
	flags.StringVar(&in.retrieved, "retrieved", "", "when they were fetched, such as 2024-11-02T08:00:00Z")
	flags.StringVar(&origin.Terms, "terms", "", "what the licence does not say")
	flags.StringVar(&origin.Attribution, "attribution", "", "who is to be named where the data is used")
	flags.BoolVar(&origin.PersonalData, "personal-data", false, "the data speaks of persons")
	return cmd
}

// read makes a workflow's input of the arguments.
func (in importFlags) read() (schemas.ImportInput, error) {
	input := in.input
	path, err := filepath.Abs(in.path)
	if err != nil {
		return input, fmt.Errorf("import %s: %w", in.path, err)
	}
	if input.Directory = path; !isDir(path) {
		input.Directory, input.File = "", path
	}
	if input.Until, err = parseMoment(in.until, time.Time{}); err != nil {
		return input, err
	}
	if input.Provenance.RetrievedAt, err = parseMoment(in.retrieved, time.Time{}); err != nil {
		return input, err
	}
	if in.mapping != "" {
		input.Mapping, err = readMapping(in.mapping)
	}
	return input, err
}

// isDir is false for what is not on this machine, too: the workers' disks count.
func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// readMapping reads YAML, of which JSON is a part.
func readMapping(path string) (json.RawMessage, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	body, err := json.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", path, err)
	}
	if _, err := history.ParseMapping(body); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return body, nil
}

// importID names the one import of a path into a group.
func importID(in schemas.ImportInput) string {
	path := in.Directory + in.File
	digest := sha256.Sum256([]byte(in.Group + "\x00" + path))
	return fmt.Sprintf("import/%s/%s", filepath.Base(path), hex.EncodeToString(digest[:4]))
}

func (p program) importHistory(ctx context.Context, a *adapters, in schemas.ImportInput) error {
	id := importID(in)
	run, err := a.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: string(schemas.QueueControl),
		StaticSummary: purpose(schemas.WorkflowImportHistory), WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING}, schemas.WorkflowImportHistory, in)
	if err != nil {
		return fmt.Errorf("%s: %w", id, err)
	}
	fmt.Fprintf(p.out, "%s: importing %s into %s\n", id, in.Directory+in.File, in.Group)
	watched, stop := context.WithCancel(ctx)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		watchImport(watched, a.temporal, id, &progressLine{out: p.out})
	}()
	var result schemas.ImportResult
	err = run.Get(ctx, &result)
	stop()
	<-shown
	var said *temporal.ApplicationError
	switch {
	case ctx.Err() != nil:
		fmt.Fprintln(p.out, "the import goes on without this command; the same command shows it again")
		return ctx.Err()
	case errors.As(err, &said):
		if said.HasDetails() && said.Details(&result) == nil {
			printImported(p.out, result)
		}
		return fmt.Errorf("%s: %s", id, said.Message())
	case err != nil:
		return fmt.Errorf("%s: %w", id, err)
	}
	printImported(p.out, result)
	return nil
}

func printImported(out io.Writer, r schemas.ImportResult) {
	fmt.Fprintf(out, "%d files, %d rows, %.1f MB: %d responses (%d failed, %d missing), %d planned events, %d changes, %d quarantined\n", r.Archives, r.Rows,
		float64(r.Bytes)/1e6, r.Counts.Responses, r.Counts.Failed, r.Counts.Missing, r.Counts.Planned, r.Counts.Changes, r.Counts.Quarantined)
	if r.Note != "" {
		fmt.Fprintln(out, strings.ReplaceAll(r.Note, "; ", "\n"))
	}
	if r.MoreNotes > 0 {
		fmt.Fprintf(out, "and notes on %d more files\n", r.MoreNotes)
	}
}

// importLook is the pause between two looks at a running import.
const importLook = time.Second

// watchImport shows what the heartbeats of a run say until ctx ends.
func watchImport(ctx context.Context, c client.Client, id string, line *progressLine) {
	defer line.end()
	tick := time.NewTicker(importLook)
	defer tick.Stop()
	for {
		if p, ok := beating(ctx, c, id); ok {
			line.show(time.Now(), p)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// beating is the last heartbeat of a run's activity under way.
func beating(ctx context.Context, c client.Client, id string) (p schemas.ImportProgress, ok bool) {
	described, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return p, false // looked at again; the run itself tells how it ends
	}
	for _, activity := range described.GetPendingActivities() {
		if converter.GetDefaultDataConverter().FromPayloads(activity.GetHeartbeatDetails(), &p) == nil && p.SizeBytes > 0 {
			return p, true
		}
	}
	return p, false
}
