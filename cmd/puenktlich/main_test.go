package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/testenv"
)

// TestMain lets the test binary be the program itself: servers and workers that
// `up` and `lifecycle` start are re-executions of it.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "load" {
		if err := generateLoad(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 4 && os.Args[1] == "echo" {
		fmt.Fprintln(os.Stderr, "echo:", serveEcho(os.Args[2], os.Args[3], os.Args[4]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") && !testenv.Serves() {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		profiled := profile(os.Getenv("SERVER_PROFILE"))
		code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
		profiled()
		stop()
		os.Exit(code)
	}
	if !testenv.Serves() {
		// From the checkout's root, where tools/ and docs/ lie: here, so that the
		// tests that need it can run beside each other.
		if err := os.Chdir("../.."); err != nil {
			fmt.Fprintln(os.Stderr, "test:", err)
			os.Exit(1)
		}
	}
	testenv.Main(m)
}

// profile writes where a process under load spent its time, for those who look
// for it: BenchmarkServing says how.
func profile(name string) (end func()) {
	if name == "" {
		return func() {}
	}
	file, err := os.Create(name)
	if err == nil {
		err = pprof.StartCPUProfile(file)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "profile:", err)
		return func() {}
	}
	return pprof.StopCPUProfile
}

// command runs one command line and answers exit code and output.
func command(t testing.TB, environ []string, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	code := run(t.Context(), args, environ, &out, &out)
	return code, out.String()
}

func TestWrongInputIsOneSentence(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, want string
		environ    []string
		args       []string
	}{
		{"unknown setting", "PUENKTLICH_SORCE: no such setting", []string{"PUENKTLICH_SORCE=x"}, []string{"up"}},
		{"recording without directory", "needs PUENKTLICH_RECORDINGS", nil, []string{"up", "--source", "recording"}},
		{"live without keys", "needs PUENKTLICH_CLIENT_ID and PUENKTLICH_API_KEY", nil, []string{"up", "--source", "live"}},
		{"speed of a simulation", "only a recording can run at a speed of its own", nil, []string{"up", "--speed", "60"}},
		{"worker without addresses", "set PUENKTLICH_CLICKHOUSE_ADDRESS, PUENKTLICH_S3_ENDPOINT, PUENKTLICH_TEMPORAL_ADDRESS", []string{"PUENKTLICH_DATA_DIR=/nowhere"}, []string{"worker"}},
		{"unknown pool", "--pool tarin: want all or some of", nil, []string{"worker", "--pool", "tarin"}},
		{"range the wrong way round", `--train "2024-11-01/2024-10-28": want FROM/TO`, nil, []string{"lifecycle", "--train", "2024-11-01/2024-10-28", "--test", "2024-11-01/2024-11-02"}},
		{"unknown flag", "unknown flag: --sourc", nil, []string{"up", "--sourc", "x"}},
		{"recordings that are not there", "/nowhere", nil, []string{"replay", "--recordings", "/nowhere"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, out := command(t, tt.environ, tt.args...)
			require.Equal(t, 1, code)
			require.Contains(t, out, tt.want)
			require.NotContains(t, out, "goroutine", "no panic")
		})
	}
}

func TestSettingsAreListedWithTheirMeaning(t *testing.T) {
	t.Parallel()
	code, out := command(t, nil, "settings")
	require.Equal(t, 0, code)
	require.Contains(t, out, "PUENKTLICH_SOURCE")
	require.Contains(t, out, "Defaults to simulation.")
}
