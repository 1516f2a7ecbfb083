// Command puenktlich answers "Is my train on time?": it runs every role of the
// system, alone or all together.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"puenktlich/internal/localstack"
)

// version is set when a release is built.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run executes one command line and answers the exit code.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	root := rootCommand(program{environ: environ, out: stdout, err: stderr})
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil || ctx.Err() != nil && !errors.As(err, new(*localstack.ChildError)) {
		return 0 // told to stop: what was cut off by it is no failure
	}
	fmt.Fprintln(stderr, "puenktlich:", err)
	return 1
}

// program is what every command needs of its surroundings.
type program struct {
	environ []string
	out     io.Writer
	err     io.Writer
}

func rootCommand(p program) *cobra.Command {
	root := &cobra.Command{
		Use: "puenktlich", Short: "Is my train on time?", Version: version,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(
		setupCommand(p), upCommand(p), lifecycleCommand(p), trainCommand(p),
		workerCommand(p), apiCommand(p), migrateCommand(p), scheduleCommand(p), firstStartCommand(p), replayCommand(p),
		simulateCommand(p), importCommand(p), modelsCommand(p), keysCommand(p), packageCommand(p), datasetCommand(p), scoreCommand(p),
		backtestCommand(p), resultsCommand(p), runsCommand(p), settingsCommand(p), engineCommand(p), whyCommand(p), scoresCommand(p),
		serveCommand(p),
		verdictsCommand(p), policyCommand(p),
	)
	return root
}
