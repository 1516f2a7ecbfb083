package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/backtest"
	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/railsim"
	"puenktlich/internal/timetables"
	"puenktlich/schemas"
)

// backtestFlags is the input of the command that replays weeks.
type backtestFlags struct {
	experiment, results, report, dataDir string
	scenarios, seeds                     []string
	recordings, train, test              string
	control, again, hold                 bool
}

func backtestCommand(p program) *cobra.Command {
	var in backtestFlags
	cmd := &cobra.Command{Use: "backtest", Short: "replay weeks of a changing railway through the whole loop, and write what it was worth",
		Long: "For each scenario and seed: starts the whole stack on free ports in a temporary directory, writes and imports the simulated weeks, and lives through them night by night with the workflows of production. " +
			"A run that was written to the results is not made again; the page is written from all results there are.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.backtest(cmd.Context(), in) }}
	flags := cmd.Flags()
	flags.StringVar(&in.experiment, "experiment", "docs/backtest/experiment.yaml", "file that fixes days, scenarios, contenders and what has to be reached")
	flags.StringSliceVar(&in.scenarios, "scenario", nil, "scenarios of the experiment to run; none writes the page alone")
	flags.StringSliceVar(&in.seeds, "seed", nil, "seeds of the railway; defaults to the judging seeds")
	flags.BoolVar(&in.control, "control", false, "run the control of each scenario instead: the quiet railway, frozen model and oracle trained and graded on its days")
	flags.StringVar(&in.recordings, "recordings", "", "directory of daily archives to live through instead of scenarios, with --train and --test for the first model")
	flags.StringVar(&in.train, "train", "", "training days FROM/TO of the first model on recordings, half-open")
	flags.StringVar(&in.test, "test", "", "its test days FROM/TO, half-open; the nights are the days after them")
	flags.StringVar(&in.results, "results", "docs/backtest/results", "directory that keeps a file a run")
	flags.StringVar(&in.report, "report", "docs/backtest.md", "page to write; its drawings lie in the folder of its name")
	flags.StringVar(&in.dataDir, "data-dir", "", "keep each stack's data below here instead of a temporary directory: a run that was killed goes on where it was")
	flags.BoolVar(&in.again, "again", false, "make runs again that are among the results")
	flags.BoolVar(&in.hold, "hold", false, "keep the servers of the last run until Ctrl-C")
	return cmd
}

func (p program) backtest(ctx context.Context, in backtestFlags) error {
	experiment, err := backtest.Read(in.experiment)
	if err != nil {
		return err
	}
	seeds, err := in.wanted(experiment)
	if err != nil {
		return err
	}
	for _, name := range in.scenarios {
		scenario, err := experiment.Scenario(name)
		if err != nil {
			return err
		}
		if in.control && scenario.Name == backtest.Quiet {
			return fmt.Errorf("scenario %s has no control: it is what controls play; name changes", backtest.Quiet)
		}
		if in.control {
			scenario = scenario.Control()
		}
		for _, seed := range seeds {
			if err := p.backtestOne(ctx, in, experiment, scenario, seed); err != nil {
				return fmt.Errorf("%s, seed %d: %w", name, seed, err)
			}
		}
	}
	if in.recordings != "" {
		if err := p.backtestRecordings(ctx, in, experiment); err != nil {
			return fmt.Errorf("%s: %w", in.recordings, err)
		}
	}
	return p.backtestPage(in, experiment)
}

func (in backtestFlags) wanted(e backtest.Experiment) ([]uint64, error) {
	if len(in.seeds) == 0 {
		return e.JudgingSeeds, nil
	}
	var seeds []uint64
	for _, text := range in.seeds {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("--seed %q: want a whole number from 0 on", text)
		}
		seeds = append(seeds, seed)
	}
	return seeds, nil
}

// backtestOne makes one run, unless it is among the results.
func (p program) backtestOne(ctx context.Context, in backtestFlags, e backtest.Experiment, scenario backtest.Scenario, seed uint64) error {
	name := fmt.Sprintf("%s-%d", scenario.Name, seed)
	file := filepath.Join(in.results, name+".json")
	if _, err := os.Stat(file); err == nil && !in.again {
		fmt.Fprintf(p.out, "%s: is among the results\n", name)
		return nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	plan := e.Plan(scenario, modelWord(name))
	options := railsim.Options{Seed: seed, Stations: e.Stations, Scenario: railsim.Scenario(scenario.Railway()), ScenarioFrom: plan.Change}
	railway, err := railsim.New(options)
	if err != nil {
		return err
	}
	run := backtest.Run{Scenario: scenario.Name, Seed: seed, Change: plan.Change, Experiment: e.Digest(), Code: codeVersion()}
	dir := ""
	if in.dataDir != "" {
		dir = filepath.Join(in.dataDir, name)
	}
	err = p.withReplay(ctx, replay{dir: dir, network: railway, at: plan.Until.Start(), seed: seed, source: config.SourceSimulation}, func(e *embedded) error {
		archives := filepath.Join(e.config.DataDir, "recordings")
		if archives, err = filepath.Abs(archives); err != nil {
			return err
		}
		if err := railway.WriteArchives(ctx, railsim.Archives{Dir: archives, From: plan.From.Start(), To: plan.Until.Start(), Every: simulatedPolls}); err != nil {
			return err
		}
		if run.Report, err = p.livedThrough(ctx, e, archives, plan.Input, plan.Change); err != nil {
			return err
		}
		if err := keepRun(file, run); err != nil {
			return err
		}
		printOutcomes(p.out, run)
		return p.held(ctx, in.hold, e)
	})
	return err
}

// modelWord makes a word of a scenario's name that models can be called after.
func modelWord(name string) string {
	word := []rune(name)
	for i, r := range word {
		if r == '_' {
			word[i] = '-'
		}
	}
	return string(word)
}

// replay is a stack whose clock stands at the end of what is replayed.
type replay struct {
	dir     string // empty: a temporary one
	network timetables.Network
	at      time.Time
	seed    uint64
	source  config.SourceKind
	more    map[string]string // settings
}

// withReplay runs something on a stack of its own.
func (p program) withReplay(ctx context.Context, r replay, do func(*embedded) error) (err error) {
	settings := map[string]string{"SOURCE": string(r.source), "DATA_DIR": r.dir, "TEMPORAL_PORT": "0", "TEMPORAL_UI_PORT": "0", "S3_PORT": "0", "CLICKHOUSE_PORT": "0",
		"SHADOW_DAYS": "0", "CANARY_DAYS": "0", "WATCH_DAYS": "0"}
	for name, value := range r.more {
		settings[name] = value
	}
	c, err := config.Load(p.environ, settings)
	if err != nil {
		return err
	}
	if c.Seed = r.seed; r.dir == "" {
		if c.DataDir, err = os.MkdirTemp("", "puenktlich-backtest-"); err != nil {
			return fmt.Errorf("temporary directory: %w", err)
		}
		defer os.RemoveAll(c.DataDir)
	}
	e, err := p.embedNetwork(ctx, c, r.network, func(timetables.Network) (clock.Clock, error) { return clock.Replay(time.Now, r.at, r.at, 1) })
	if err != nil {
		return err
	}
	defer e.stop()
	return do(e)
}

// livedThrough imports the observations and replays the nights.
func (p program) livedThrough(ctx context.Context, e *embedded, archives string, in schemas.BacktestInput, change rail.Day) (schemas.BacktestReport, error) {
	var report schemas.BacktestReport
	imported, err := execute[schemas.ImportResult](ctx, e.adapters, "import/"+in.Name, schemas.WorkflowImportHistory, schemas.ImportInput{Directory: archives})
	if err != nil {
		return report, err
	}
	fmt.Fprintf(p.out, "%s: %d days imported, %d planned events, %d changes; watch %s\n", in.Name, imported.Archives, imported.Counts.Planned, imported.Counts.Changes, e.config.TemporalUI)
	watched, stop := context.WithCancel(ctx)
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		watchNights(watched, e, schemas.BacktestID(in.Name), &nightPrinter{out: p.out, contenders: in.Contenders, change: change})
	}()
	result, err := execute[schemas.BacktestResult](ctx, e.adapters, schemas.BacktestID(in.Name), schemas.WorkflowBacktestPolicy, in)
	stop()
	<-shown
	if err != nil {
		return report, err
	}
	body, err := e.objects.GetContent(ctx, result.Report)
	if err == nil {
		err = json.Unmarshal(body, &report)
	}
	if err != nil {
		return report, fmt.Errorf("read the report of %s: %w", in.Name, err)
	}
	return report, nil
}

// keepRun writes a run in one step, so that a killed command leaves whole files alone.
func keepRun(file string, run backtest.Run) error {
	body, err := json.MarshalIndent(run, "", " ")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return atomicfile.Write(file, 0o644, append(body, '\n'))
}

// held keeps the servers until the command is told to stop.
func (p program) held(ctx context.Context, hold bool, e *embedded) error {
	if hold {
		fmt.Fprintf(p.out, "the servers stay until Ctrl-C: %s shows every workflow of these weeks\n", e.config.TemporalUI)
		<-ctx.Done()
	}
	return nil
}

// backtestPage writes the page from all results.
func (p program) backtestPage(in backtestFlags, e backtest.Experiment) error {
	files, err := filepath.Glob(filepath.Join(in.results, "*.json"))
	if err != nil {
		return err
	}
	page := backtest.Page{Experiment: e, Pictures: trimExtension(filepath.Base(in.report))}
	for _, file := range files {
		var run backtest.Run
		body, err := os.ReadFile(file)
		if err == nil {
			err = json.Unmarshal(body, &run)
		}
		if err != nil {
			return fmt.Errorf("result %s: %w", file, err)
		}
		page.Runs = append(page.Runs, run)
	}
	folder := filepath.Join(filepath.Dir(in.report), page.Pictures)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	for name, svg := range page.Drawings() {
		if err := os.WriteFile(filepath.Join(folder, name), svg, 0o644); err != nil {
			return fmt.Errorf("write the page: %w", err)
		}
		fmt.Fprintf(p.out, "drawing written to %s\n", filepath.Join(folder, name))
	}
	if err := os.WriteFile(in.report, []byte(page.Markdown()), 0o644); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	fmt.Fprintf(p.out, "page written to %s, from %d runs\n", in.report, len(page.Runs))
	return nil
}

func trimExtension(name string) string { return name[:len(name)-len(filepath.Ext(name))] }
