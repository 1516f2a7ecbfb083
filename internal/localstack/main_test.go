package localstack

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"puenktlich/internal/localstack/chengine"
)

// childMode selects what the test binary does when it starts itself.
const childMode = "LOCALSTACK_TEST_CHILD"

func TestMain(m *testing.M) {
	switch os.Getenv(childMode) {
	case "parent":
		os.Exit(parentOfSleeper())
	case "engine":
		os.Exit(engine(os.Args[1:]))
	default:
		os.Exit(m.Run())
	}
}

// parentOfSleeper supervises one child, prints its process id and waits to be
// killed.
func parentOfSleeper() int {
	s := NewSupervisor(os.Getenv("LOCALSTACK_TEST_DIR"), nil)
	// The variable must not reach the child: it is not this test binary.
	if err := s.Run(context.Background(), ChildSpec{Name: "sleeper", Command: []string{"sleep", "600"}}); err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println(s.Pid("sleeper"))
	select {}
}

// engine runs the ClickHouse engine with the arguments that Start appends.
func engine(args []string) int {
	var opts chengine.Options
	flags := flag.NewFlagSet("engine", flag.ExitOnError)
	flags.StringVar(&opts.Listen, "listen", "", "")
	flags.StringVar(&opts.DataDir, "data", "", "")
	flags.StringVar(&opts.LibraryPath, "lib", "", "")
	flags.StringVar(&opts.User, "user", "", "")
	_ = flags.Parse(args)
	opts.Password = os.Getenv(EnginePasswordVariable)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	if err := chengine.Serve(ctx, opts, func(string) {}); err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// engineCommand runs this test binary as the engine.
func engineCommand() []string {
	return []string{"/usr/bin/env", childMode + "=engine", os.Args[0]}
}

// lines collects progress lines.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// eventually fails the test unless ok within ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	err := poll(t.Context(), 10*time.Second, func(context.Context) error {
		if !ok() {
			return fmt.Errorf("%s: not yet", what)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func mustContain(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("missing %q in:\n%s", part, text)
		}
	}
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
