package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// upFlags are settings by name that the command takes as flags too.
type upFlags struct {
	source, recordings, listen, dataDir, start string
	speed                                      float64
}

func upCommand(p program) *cobra.Command {
	var in upFlags
	cmd := &cobra.Command{Use: "up", Short: "start everything on this machine: servers, workers, schedules, prediction API", Args: cobra.NoArgs,
		Long: "Without flags it runs on a simulated railway: its last four weeks are written as recordings, imported, learned from, and it goes on in real time. Ctrl-C stops everything.",
		RunE: func(cmd *cobra.Command, _ []string) error { return p.up(cmd.Context(), in) }}
	flags := cmd.Flags()
	flags.StringVar(&in.source, "source", "", "simulation, recording or live")
	flags.StringVar(&in.recordings, "recordings", "", "directory of daily recording archives")
	flags.StringVar(&in.listen, "listen", "", "address of the prediction API")
	flags.StringVar(&in.dataDir, "data-dir", "", "where everything is kept; defaults to .local")
	flags.StringVar(&in.start, "start", "", "moment at which a recording goes on; what lies before is history. Defaults to noon of its last day")
	flags.Float64Var(&in.speed, "speed", 1, "recorded seconds a second")
	return cmd
}

func (p program) up(ctx context.Context, in upFlags) error {
	began := time.Now()
	c, err := config.Load(p.environ, map[string]string{"SOURCE": in.source, "RECORDINGS": in.recordings, "LISTEN": in.listen, "DATA_DIR": in.dataDir})
	if err != nil {
		return err
	}
	if in.speed != 1 && c.Source != config.SourceRecording {
		return fmt.Errorf("--speed %g: only a recording can run at a speed of its own", in.speed)
	}
	root := c.DataDir
	c.DataDir = filepath.Join(root, instanceDir(c)) // what one source taught never meets another's
	e, err := p.embed(ctx, c, func(n timetables.Network) (clock.Clock, error) { return startClock(c, n, in) })
	if err != nil {
		return err
	}
	defer e.stop()
	if err := e.saveEnvironment(filepath.Join(root, environmentFile)); err != nil {
		return err
	}
	stopAPI, err := e.startAPI(ctx)
	if err != nil {
		return err
	}
	e.stops = append(e.stops, stopAPI)
	go e.watchDisk(ctx, p)
	fmt.Fprintf(p.out, "prediction API at http://%s after %.1f s\n", e.config.Listen, time.Since(began).Seconds())
	if err := e.firstStart(ctx, p, historyDays); err != nil {
		return err
	}
	e.clock.Release()
	if err := e.saveClock(); err != nil {
		return err
	}
	if err := e.keepGoing(ctx, p); err != nil {
		return err
	}
	e.announce(p)
	return e.wait(ctx, p)
}

// instanceDir keeps the data of each source apart.
func instanceDir(c config.Config) string {
	if c.Source == config.SourceRecording {
		return "recording-" + sourceName(c)
	}
	return sourceName(c)
}

// startClock is the time of day, or for a recording the moment it goes on at:
// where an earlier run stopped, else --start, else noon of the last day.
func startClock(c config.Config, n timetables.Network, in upFlags) (clock.Clock, error) {
	if c.Source != config.SourceRecording {
		return clock.Live(time.Now), nil
	}
	path := filepath.Join(c.DataDir, clockFile)
	if in.start == "" {
		if resumed, found, err := clock.Resume(time.Now, path, in.speed); err != nil || found {
			return held(resumed, err)
		}
	}
	_, end := n.Span()
	start, err := parseMoment(in.start, rail.DayOf(end.Add(-time.Minute)).Start().Add(12*time.Hour))
	if err != nil {
		return clock.Clock{}, err
	}
	return held(clock.Replay(time.Now, start, end, in.speed))
}

// held keeps a replay where it begins until everything is ready for it.
func held(c clock.Clock, err error) (clock.Clock, error) {
	if err == nil {
		c.Hold()
	}
	return c, err
}

// environmentFile tells other commands of this checkout where the stack is.
const environmentFile = "stack.env"

func (e *embedded) saveEnvironment(path string) error {
	body := strings.Join(e.config.Environ(), "\n") + "\n"
	return atomicfile.Write(path, 0o600, []byte(body))
}

func (e *embedded) announce(p program) {
	fmt.Fprintf(p.out, "\n  Temporal UI     %s\n  departure board http://%s/\n  forecasts       curl -s 'http://%s/v1/stations/8000105/forecasts?hours=2'\n  data            %s\n\nCtrl-C stops everything.\n",
		e.config.TemporalUI, e.config.Listen, e.config.Listen, e.config.DataDir)
}

// saveEvery bounds how far a replay goes back when it is killed.
const saveEvery = 5 * time.Second

// wait ends with the context or with a server that cannot be kept running. The
// clock of a replay is kept, so that a later start goes on where it stopped.
func (e *embedded) wait(ctx context.Context, p program) error {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	ended := false
	for {
		select {
		case <-ctx.Done():
			fmt.Fprintln(p.out, "stopping")
			return e.saveClock()
		case err := <-e.stack.Failed():
			return err
		case <-ticker.C:
			if err := e.saveClock(); err != nil && e.stack.CheckDisk() == nil {
				return err // on a full disk it is written once there is room
			}
			if e.clock.Ended() && !ended {
				ended = true
				fmt.Fprintf(p.out, "the recorded days have ended at %s: the clock stands still\n", e.clock.Now().In(rail.Berlin).Format("2006-01-02 15:04"))
			}
		}
	}
}

// watchDisk says so once when the disk runs full, and once when there is room
// again; what the servers cannot write until then is tried again.
func (e *embedded) watchDisk(ctx context.Context, p program) {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	for full := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := e.stack.CheckDisk()
		switch {
		case err != nil && !full:
			fmt.Fprintf(p.err, "%v: what cannot be stored until then is tried again\n", err)
		case err == nil && full:
			fmt.Fprintln(p.err, "the disk has room again")
		}
		full = err != nil
	}
}

func (e *embedded) saveClock() error {
	if e.config.Source != config.SourceRecording {
		return nil
	}
	return e.clock.Save(filepath.Join(e.config.DataDir, clockFile))
}
