package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"puenktlich/internal/clock"
	"puenktlich/internal/config"
	"puenktlich/internal/rail"
)

// served is the input of the commands that serve the Timetables API alone.
type served struct {
	recordings, listen, start string
	speed                     float64
	seed                      uint64
}

func replayCommand(p program) *cobra.Command {
	var in served
	cmd := &cobra.Command{Use: "replay", Short: "serve the Timetables API from recordings, at a virtual time and speed", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.serveSource(cmd.Context(), config.Config{Source: config.SourceRecording, Recordings: in.recordings}, in)
		}}
	cmd.Flags().StringVar(&in.recordings, "recordings", "", "directory of daily archives (required)")
	_ = cmd.MarkFlagRequired("recordings")
	addServed(cmd, &in)
	return cmd
}

func simulateCommand(p program) *cobra.Command {
	var in served
	cmd := &cobra.Command{Use: "simulate", Short: "serve the Timetables API of a simulated railway", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.serveSource(cmd.Context(), config.Config{Source: config.SourceSimulation, Seed: in.seed}, in)
		}}
	cmd.Flags().Uint64Var(&in.seed, "seed", 1, "seed of the railway")
	addServed(cmd, &in)
	return cmd
}

func addServed(cmd *cobra.Command, in *served) {
	cmd.Flags().StringVar(&in.listen, "listen", "127.0.0.1:8090", "address to serve at")
	cmd.Flags().StringVar(&in.start, "start", "", "virtual time to begin at, RFC 3339 or YYYY-MM-DDTHH:MM in German local time; defaults to the recording's start, or now for a simulation")
	cmd.Flags().Float64Var(&in.speed, "speed", 1, "virtual seconds a second")
}

func (p program) serveSource(ctx context.Context, c config.Config, in served) error {
	n, err := network(c)
	if err != nil {
		return err
	}
	from, to := n.Span()
	if c.Source == config.SourceSimulation {
		from = time.Now()
	}
	start, err := parseMoment(in.start, from)
	if err != nil {
		return err
	}
	at, err := clock.Replay(time.Now, start, to, in.speed)
	if err != nil {
		return err
	}
	url, stop, err := serveNetwork(n, at, in.listen)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(p.out, "%s answers as of %s, at speed %g, for %d stations\n", url, at.Now().In(rail.Berlin).Format(time.RFC3339), in.speed, len(n.Stations()))
	<-ctx.Done()
	return nil
}

// parseMoment reads RFC 3339 or German local time, or takes the fallback.
func parseMoment(s string, fallback time.Time) (time.Time, error) {
	if s == "" {
		return fallback, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation("2006-01-02T15:04", s, rail.Berlin)
	if err != nil {
		return t, fmt.Errorf("time %q: want RFC 3339 or YYYY-MM-DDTHH:MM in German local time", s)
	}
	return t, nil
}

func setupCommand(p program) *cobra.Command {
	return &cobra.Command{Use: "setup", Short: "obtain the servers and libraries that are missing on this machine", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := p.setUp(cmd.Context())
			return err
		}}
}
