package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// errNoProgram says that a program set-up wanted to run is not installed.
var errNoProgram = errors.New("program not found")

// runner runs the package managers and the Go command.
type runner interface {
	// look returns the absolute path of a program on PATH, errNoProgram if absent.
	look(name string) (string, error)
	// run executes name in dir with env added and returns its standard output.
	// The error carries the last lines of its standard error.
	run(ctx context.Context, c command) ([]byte, error)
}

type command struct {
	dir  string
	env  []string
	name string
	args []string
}

type execRunner struct{}

func (execRunner) look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, errNoProgram)
	}
	return path, nil
}

func (execRunner) run(ctx context.Context, c command) ([]byte, error) {
	cmd := exec.CommandContext(ctx, c.name, c.args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), c.env...)
	// A grandchild that keeps the pipe open must not hold set-up after a cancel.
	cmd.WaitDelay = 5 * time.Second
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil {
		return out, nil
	}
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%s: %w", c.name, ctx.Err())
	}
	return nil, fmt.Errorf("%s %s: %w\n%s", c.name, strings.Join(c.args, " "), err, indent(lastLines(stderr.String(), 8)))
}

// lastLines returns the last n lines of text that are not blank.
func lastLines(text string, n int) []string {
	var kept []string
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, " \r\n\t"); line != "" {
			kept = append(kept, line)
		}
	}
	return kept[max(0, len(kept)-n):]
}

func indent(lines []string) string {
	return "  " + strings.Join(lines, "\n  ")
}
