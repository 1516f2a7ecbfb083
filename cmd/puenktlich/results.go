package main

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/activities/train"
	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/dataset"
	"puenktlich/internal/feature"
	"puenktlich/internal/learn"
	"puenktlich/internal/rail"
	"puenktlich/internal/study"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
	"puenktlich/workflows"
)

// resultsRun is the input of the command that writes docs/results.md.
type resultsRun struct {
	recordings, ablate, held []string
	keep, out, looks, why    string
	trips                    int // percent of them
}

func resultsCommand(p program) *cobra.Command {
	var in resultsRun
	cmd := &cobra.Command{Use: "results", Short: "write what the model is worth on recorded days: skill, ablation, learning curve, speed",
		Long: "Collects, settles and prepares each directory of recordings as the lifecycle does, then forecasts every day by a model of the days before it. " +
			"Days that are held out are tested on only with --look, which says why and is kept in the log.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.results(cmd.Context(), in) }}
	flags := cmd.Flags()
	flags.StringSliceVar(&in.recordings, "recordings", nil, "directories of daily archives (required)")
	flags.StringSliceVar(&in.ablate, "ablate", nil, "those of them, by base name, whose feature groups, learning curve and speed are wanted")
	flags.StringSliceVar(&in.held, "held-out", nil, "days YYYY-MM-DD no choice may rest on")
	flags.StringVar(&in.keep, "keep", "", "directory that keeps the prepared data sets, read again where their features fit")
	flags.IntVar(&in.trips, "trips", 100, "percent of the trips that are kept, by a hash of their names, to bound the time that big recordings take")
	flags.StringVar(&in.why, "look", "", "test on the held-out days too, and log this reason")
	flags.StringVar(&in.looks, "looks", "docs/looks.json", "log of looks at held-out days")
	flags.StringVar(&in.out, "out", "docs/results.md", "file to write")
	_ = cmd.MarkFlagRequired("recordings")
	return cmd
}

func (p program) results(ctx context.Context, in resultsRun) error {
	held, err := in.check()
	if err != nil {
		return err
	}
	document := study.Document{Command: in.command(), Caveats: map[string]string{}}
	if document.Looks, err = study.ReadLooks(in.looks); err != nil {
		return err
	}
	steps, err := p.studySteps()
	if err != nil {
		return err
	}
	for _, dir := range in.recordings {
		name := filepath.Base(filepath.Clean(dir))
		table, err := p.kept(ctx, dir, in.keep)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		table = someTrips(table, in.trips)
		question := study.Question{Name: name, Table: table, HeldOut: held, Look: in.why != "", Groups: slices.Contains(in.ablate, name)}
		answer, err := steps.Ask(ctx, question)
		if err != nil {
			return err
		}
		document.Answers = append(document.Answers, answer)
		document.Looks = append(document.Looks, answer.Looks(time.Now(), in.why)...)
		document.Caveats[name] = caveat(table, in.trips)
		if question.Groups && document.Speed == nil {
			speed, err := steps.Race(ctx, question, steps.Trainer.Library)
			if err != nil {
				return err
			}
			document.Speed = &speed
		}
	}
	if in.why != "" {
		if err := study.WriteLooks(in.looks, document.Looks); err != nil {
			return err
		}
	}
	if err := os.WriteFile(in.out, []byte(document.Markdown()), 0o644); err != nil {
		return fmt.Errorf("write results: %w", err)
	}
	fmt.Fprintf(p.out, "results written to %s\n", in.out)
	return nil
}

// command is how to write the same again.
func (in resultsRun) command() string {
	parts := []string{"puenktlich results --recordings " + strings.Join(in.recordings, ",")}
	for _, flag := range []struct {
		name   string
		values []string
	}{{"ablate", in.ablate}, {"held-out", in.held}} {
		if len(flag.values) > 0 {
			parts = append(parts, "--"+flag.name+" "+strings.Join(flag.values, ","))
		}
	}
	if in.trips < 100 {
		parts = append(parts, fmt.Sprintf("--trips %d", in.trips))
	}
	return strings.Join(parts, " ")
}

// check reads the held-out days, and refuses what would be overlooked.
func (in resultsRun) check() (held []rail.Day, err error) {
	for _, text := range in.held {
		day, err := rail.ParseDay(text)
		if err != nil {
			return nil, fmt.Errorf("--held-out: %w", err)
		}
		held = append(held, day)
	}
	for _, name := range in.ablate {
		if !slices.ContainsFunc(in.recordings, func(dir string) bool { return filepath.Base(filepath.Clean(dir)) == name }) {
			return nil, fmt.Errorf("--ablate %s: none of the recordings %v has that name", name, in.recordings)
		}
	}
	if in.trips < 1 || in.trips > 100 {
		return nil, fmt.Errorf("--trips %d: want 1 to 100 percent", in.trips)
	}
	if in.why != "" && len(held) == 0 {
		return nil, errors.New("--look: no day is held out: name them with --held-out")
	}
	return held, nil
}

// caveat says of labels without a watched event that they are conditional.
func caveat(table *dataset.Table, trips int) string {
	some := ""
	if trips < 100 {
		some = fmt.Sprintf(" Trained and tested on %d %% of the trips, drawn by a hash of their names, to bound the time.", trips)
	}
	for _, row := range table.Rows {
		if row.Evidence == rail.PolledWithoutChange {
			return "Polled without a gap: of an event without an observed change it is known that none was announced. Scores count the events with an observed change." + some
		}
	}
	return "**Labels are conditional:** polls were too far apart to tell an event without a change from one whose change was missed. " +
		"Only events with an observed change count, which are later than all events are; these figures must not be pooled with others." + some
}

// someTrips keeps a share of the trips, the same ones on every day they run.
func someTrips(table *dataset.Table, percent int) *dataset.Table {
	if percent == 100 {
		return table
	}
	return table.Filter(func(r dataset.Row) bool {
		name, _, _ := strings.Cut(string(r.Stop), "-")
		if ref, err := r.Stop.Parse(); err == nil {
			name = ref.TripHash
		}
		h := fnv.New32a()
		_, _ = h.Write([]byte(name))
		return int(h.Sum32()%100) < percent
	})
}

// studySteps are those of production, without servers.
func (p program) studySteps() (study.Steps, error) {
	steps := study.Steps{Stopwatch: time.Now, Candidates: candidates, Progress: func(what string) { fmt.Fprintln(p.out, what) }}
	c, err := config.Load(p.environ, nil)
	if err != nil {
		return steps, err
	}
	steps.Trainer.Library, err = (&adapters{config: c}).xgboost()()
	return steps, err
}

// kept is the data set of a recording: out of the directory that keeps it, else
// prepared and kept there.
func (p program) kept(ctx context.Context, recordings, dir string) (*dataset.Table, error) {
	if dir == "" {
		return p.recorded(ctx, recordings)
	}
	path := filepath.Join(dir, filepath.Base(filepath.Clean(recordings))+"-"+feature.Version()+".parquet")
	body, err := os.ReadFile(path)
	if err == nil {
		fmt.Fprintf(p.out, "reading %s\n", path)
		return dataset.Decode(body)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read kept data set: %w", err)
	}
	table, err := p.recorded(ctx, recordings)
	if err != nil {
		return nil, err
	}
	if body, err = table.Encode(); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, body, 0o644); err != nil {
		return nil, fmt.Errorf("keep data set: %w", err)
	}
	return table, nil
}

// recorded collects, settles and prepares a recording as the lifecycle does, in
// a stack of its own, and reads the data set.
func (p program) recorded(ctx context.Context, dir string) (*dataset.Table, error) {
	c, err := config.Load(p.environ, map[string]string{"SOURCE": string(config.SourceRecording), "RECORDINGS": dir,
		"TEMPORAL_PORT": "0", "TEMPORAL_UI_PORT": "0", "S3_PORT": "0", "CLICKHOUSE_PORT": "0"})
	if err != nil {
		return nil, err
	}
	if c.DataDir, err = os.MkdirTemp("", "puenktlich-"); err != nil {
		return nil, fmt.Errorf("temporary directory: %w", err)
	}
	defer os.RemoveAll(c.DataDir)
	var from, to time.Time
	e, err := p.embed(ctx, c, func(n timetables.Network) (clock.Clock, error) {
		from, to = n.Span()
		return clock.Replay(time.Now, to, to, 1)
	})
	if err != nil {
		return nil, err
	}
	defer e.stop()
	ref, err := p.prepareRecorded(ctx, e, from, to)
	if err != nil {
		return nil, err
	}
	table, _, err := dataset.Load(ctx, e.objects, ref, schemas.DayRange{})
	return table, err
}

// prepareRecorded goes from polls to a data set of every day.
func (p program) prepareRecorded(ctx context.Context, e *embedded, from, to time.Time) (schemas.DatasetRef, error) {
	for group := range stationGroups(e.network.Stations()) {
		collected, err := execute[schemas.CollectResult](ctx, e.adapters, schemas.CollectID(group), schemas.WorkflowCollect,
			schemas.CollectInput{Group: group, AsOf: to, From: from})
		if err != nil {
			return schemas.DatasetRef{}, err
		}
		fmt.Fprintf(p.out, "collected %s: %d responses, %d planned events, %d changes\n", group, collected.Counts.Responses, collected.Counts.Planned, collected.Counts.Changes)
	}
	if _, err := execute[schemas.SettleResult](ctx, e.adapters, "settle/results", schemas.WorkflowSettleTruth, schemas.SettleInput{AsOf: to}); err != nil {
		return schemas.DatasetRef{}, err
	}
	return execute[schemas.DatasetRef](ctx, e.adapters, "prepare/results", schemas.WorkflowPrepareDataset, schemas.PrepareInput{AsOf: to})
}

// candidates are those that production tries.
func candidates(events int) []learn.Settings {
	var all []learn.Settings
	for _, c := range workflows.DefaultCandidates(events) {
		settings, err := train.Settings(c, workflows.DefaultSeed, 0)
		if err != nil {
			panic("default candidate " + c.Name + ": " + err.Error()) // held by a test
		}
		all = append(all, settings)
	}
	return all
}
