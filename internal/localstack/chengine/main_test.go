package chengine_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/localstack/chengine"
)

// The test binary runs itself again as the engine: the library must not be
// loaded into the process that tests it.
const (
	childEnv  = "PUENKTLICH_TEST_ENGINE"
	dirEnv    = "PUENKTLICH_TEST_ENGINE_DIR"
	listenEnv = "PUENKTLICH_TEST_ENGINE_LISTEN"
	memoryCap = 2 << 30
	user      = "puenktlich"
	token     = "only-for-tests"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		os.Exit(child())
	}
	code := m.Run()
	if sharedProcess != nil {
		sharedProcess.stop()
		os.RemoveAll(sharedProcess.dir)
	}
	os.Exit(code)
}

// child serves until its standard input ends, so that it never outlives the tests.
func child() int {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	opts := chengine.Options{
		LibraryPath: libraryPath(), DataDir: os.Getenv(dirEnv), Listen: os.Getenv(listenEnv),
		User: user, Password: token, MaxMemoryBytes: memoryCap,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if err := chengine.Serve(ctx, opts, func(addr string) { fmt.Println("ready " + addr) }); err != nil {
		fmt.Println("error " + err.Error())
		return 1
	}
	return 0
}

func libraryPath() string {
	if path := os.Getenv("PUENKTLICH_LIBCHDB"); path != "" {
		return path
	}
	cache := os.Getenv("PUENKTLICH_CACHE")
	if cache == "" {
		cache = filepath.Join(os.Getenv("HOME"), ".cache", "puenktlich")
	}
	return filepath.Join(cache, "lib", "libchdb-26.7.3.so")
}

// process is an engine in a process of its own.
type process struct {
	dir, addr string
	cmd       *exec.Cmd
	stdin     io.Closer
	exited    chan struct{}
}

// start runs an engine on dir; extra settings are NAME=value of the environment.
func start(dir string, extra ...string) (*process, error) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childEnv+"=1", dirEnv+"="+dir), extra...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{dir: dir, cmd: cmd, stdin: stdin, exited: make(chan struct{})}
	line, _ := bufio.NewReader(stdout).ReadString('\n')
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	if addr, ok := strings.CutPrefix(strings.TrimSpace(line), "ready "); ok {
		p.addr = addr
		return p, nil
	}
	p.stop()
	return nil, fmt.Errorf("engine did not start: %s", strings.TrimPrefix(line, "error "))
}

// stop asks the engine to end and reports whether it did so by itself.
func (p *process) stop() bool {
	p.stdin.Close()
	select {
	case <-p.exited:
		return p.cmd.ProcessState.Success()
	case <-time.After(30 * time.Second):
		p.kill()
		return false
	}
}

// kill is kill -9.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// sharedProcess is written once, inside sharedEngine.
var sharedProcess *process

var sharedEngine = sync.OnceValues(func() (*process, error) {
	dir, err := os.MkdirTemp("", "chengine-test-")
	if err != nil {
		return nil, err
	}
	sharedProcess, err = start(dir)
	return sharedProcess, err
})

// engine is the one engine that most tests share.
func engine(t *testing.T) *process {
	t.Helper()
	p, err := sharedEngine()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// own starts an engine for one test alone.
func own(t *testing.T, dir string, extra ...string) *process {
	t.Helper()
	p, err := start(dir, extra...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.stop() })
	return p
}
