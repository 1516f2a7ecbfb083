package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	sdk "go.temporal.io/api/sdk/v1"
	"go.temporal.io/sdk/client"

	"puenktlich/schemas"
)

// scoreFlags are the arguments of a batch.
type scoreFlags struct {
	file, asOf string
	input      schemas.ScoreBatchInput
}

func scoreCommand(p program) *cobra.Command {
	var in scoreFlags
	cmd := &cobra.Command{Use: "score", Short: "forecast a whole day, or a file of feature vectors, and watch it",
		Long: "Starts ScoreBatch on the running stack and shows how far it is. Without --file it forecasts a day, the newest one unless --day names another. --file is a local Parquet or Arrow file, which is uploaded, or the key of one in the object store; the results lie beside it. Stopping this command does not stop the run; the same command joins it again.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if in.input.AsOf, err = parseMoment(in.asOf, time.Time{}); err != nil {
				return err
			}
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			return p.score(cmd.Context(), a, in)
		}}
	flags := cmd.Flags()
	flags.StringVar(&in.input.Model, "model", schemas.DefaultModel, "model whose champion forecasts")
	flags.StringVar(&in.input.Day, "day", "", "day YYYY-MM-DD; empty takes the newest one with a timetable")
	flags.StringVar(&in.file, "file", "", "Parquet or Arrow file of feature vectors on this machine, or its key in the object store")
	flags.Int64Var(&in.input.PartRows, "part-rows", 0, "rows of a file that one activity forecasts; 0 takes the default")
	flags.StringVar(&in.asOf, "as-of", "", "moment up to which is forecast, such as 2024-11-01T12:00:00Z; empty means now")
	cmd.MarkFlagsMutuallyExclusive("day", "file")
	return cmd
}

// upload brings a local file to the store, under its content's name; what is no
// local file is a key.
func upload(ctx context.Context, a *adapters, file string) (string, error) {
	source, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return "", fmt.Errorf("file to score: %w", err)
	}
	defer source.Close()
	digest := sha256.New()
	if _, err := io.Copy(digest, source); err != nil {
		return "", fmt.Errorf("file to score %s: %w", file, err)
	}
	key := fmt.Sprintf("%s%s/%s", schemas.BatchPrefix, hex.EncodeToString(digest.Sum(nil))[:16], filepath.Base(file))
	if _, err := a.objects.PutFile(ctx, key, file); err != nil {
		return "", err
	}
	return key, nil
}

// scoreID names the one run for a day or a file.
func scoreID(in schemas.ScoreBatchInput) string {
	switch {
	case in.File != "":
		sum := sha256.Sum256([]byte(in.Model + "\x00" + in.File))
		return "score/" + filepath.Base(in.File) + "/" + hex.EncodeToString(sum[:4])
	case in.Day != "":
		return "score/" + in.Day
	}
	return "score/newest"
}

func (p program) score(ctx context.Context, a *adapters, in scoreFlags) error {
	if in.file != "" {
		var err error
		if in.input.File, err = upload(ctx, a, in.file); err != nil {
			return err
		}
	}
	id := scoreID(in.input)
	watched, stop := context.WithCancel(ctx)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		watchCard(watched, a.temporal, id, p.out)
	}()
	result, err := execute[schemas.ScoreBatchResult](ctx, a, id, schemas.WorkflowScoreBatch, in.input)
	stop()
	<-shown
	if ctx.Err() != nil {
		fmt.Fprintln(p.out, "the run goes on without this command; the same command shows it again")
		return ctx.Err()
	}
	if err != nil {
		return err
	}
	printScored(p.out, result)
	return nil
}

func printScored(out io.Writer, r schemas.ScoreBatchResult) {
	fmt.Fprintf(out, "%d forecasts by %s@%d in %d parts", r.Predictions, r.Package.Model, r.Package.Version, r.Parts)
	switch {
	case r.Input != nil:
		fmt.Fprintf(out, ", of %d rows of %s\nlisted in %s\n", r.Input.Rows, r.Input.Key, r.Output.Key)
	default:
		fmt.Fprintf(out, ", of %d events of %s\n", r.Events, r.Day)
	}
	if r.Note != "" {
		fmt.Fprintln(out, r.Note)
	}
}

// metadataQuery answers the card of any run.
const metadataQuery = "__temporal_workflow_metadata"

// cardEvery is the pause between two looks at a run.
const cardEvery = 2 * time.Second

// watchCard prints the last line of a run's card whenever it changed.
func watchCard(ctx context.Context, c client.Client, id string, out io.Writer) {
	tick := time.NewTicker(cardEvery)
	defer tick.Stop()
	last := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var metadata sdk.WorkflowMetadata
		value, err := c.QueryWorkflow(ctx, id, "", metadataQuery)
		if err != nil || value.Get(&metadata) != nil {
			continue // not begun, or no worker at present
		}
		lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(metadata.CurrentDetails, "\u00a0", " ")), "\n")
		if line := lines[len(lines)-1]; line != last && line != "" {
			fmt.Fprintln(out, line)
			last = line
		}
	}
}
