package localstack

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func newTestSupervisor(t *testing.T) (*Supervisor, *lines) {
	t.Helper()
	out := &lines{}
	s := NewSupervisor(t.TempDir(), out)
	s.policy.first = time.Millisecond
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	return s, out
}

func shell(name, script string) ChildSpec {
	return ChildSpec{Name: name, Command: []string{"/bin/sh", "-c", script}}
}

// gone reports whether no process of that id runs; one that ended and waits to
// be collected by its parent has ended.
func gone(pid int) bool {
	if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
		return true
	}
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestRunReportsAnEarlyEnd(t *testing.T) {
	t.Parallel()
	never := func(context.Context) error { return errors.New("no answer") }
	tests := map[string]struct {
		spec ChildSpec
		want []string
	}{
		"exit": {
			ChildSpec{Command: []string{"/bin/sh", "-c", "echo first; echo cannot open the book >&2; exit 3"}, Ready: never},
			[]string{"exit status 3", "cannot open the book", "first", "exit.log"},
		},
		"silent exit": {
			ChildSpec{Command: []string{"/bin/sh", "-c", "exit 0"}, Ready: never},
			[]string{"exit status 0", "it wrote nothing to"},
		},
		"no such program": {
			ChildSpec{Command: []string{"/nowhere/at/all"}, Ready: never},
			[]string{"could not be started", "/nowhere/at/all"},
		},
		"never ready": {
			ChildSpec{Command: []string{"/bin/sh", "-c", "echo waiting; exec sleep 600"}, Ready: never, ReadyTimeout: 300 * time.Millisecond},
			[]string{"was not ready within 300ms (no answer)", "waiting"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := newTestSupervisor(t)
			tt.spec.Name = strings.ReplaceAll(name, " ", "-")
			err := s.Run(t.Context(), tt.spec)
			if err == nil {
				t.Fatal("no error")
			}
			mustContain(t, err.Error(), append(tt.want, tt.spec.Name)...)
			if pid := s.Pid(tt.spec.Name); pid != 0 {
				t.Errorf("process %d is still supervised", pid)
			}
		})
	}
}

func TestEarlyEndQuotesThisStartAlone(t *testing.T) {
	t.Parallel()
	s, _ := newTestSupervisor(t)
	never := func(context.Context) error { return errors.New("no answer") }
	for _, word := range []string{"yesterday", "today"} {
		spec := shell("book", "echo "+word+"; exit 1")
		spec.Ready = never
		err := s.Run(t.Context(), spec)
		mustContain(t, err.Error(), word)
		if word == "today" && strings.Contains(err.Error(), "yesterday") {
			t.Errorf("an earlier start's output is quoted: %v", err)
		}
	}
}

func TestRunEndsTheChildWhenTheContextEnds(t *testing.T) {
	t.Parallel()
	s, _ := newTestSupervisor(t)
	ctx, cancel := context.WithCancel(t.Context())
	var pid int
	spec := shell("slow", "exec sleep 600")
	spec.Ready = func(context.Context) error {
		pid = s.Pid("slow")
		cancel()
		return errors.New("not yet")
	}
	if err := s.Run(ctx, spec); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want a cancellation", err)
	}
	if pid == 0 || !gone(pid) {
		t.Errorf("process %d still runs", pid)
	}
}

func TestAKilledChildIsStartedAgain(t *testing.T) {
	t.Parallel()
	s, out := newTestSupervisor(t)
	spec := shell("worker", `test "$COLOUR" = green && exec sleep 600`)
	spec.Env = []string{"COLOUR=green"}
	if err := s.Run(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	first := s.Pid("worker")
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another process", func() bool { pid := s.Pid("worker"); return pid != 0 && pid != first })
	eventually(t, "ready line", func() bool { return strings.Contains(out.String(), "ready again") })
	mustContain(t, out.String(), "worker ready in", "worker ended with signal: killed: starting it again in 1ms", "worker.log")
}

func TestAChildThatKeepsEndingIsGivenUp(t *testing.T) {
	t.Parallel()
	s, out := newTestSupervisor(t)
	if err := s.Run(t.Context(), shell("weak", "echo broken spring; exit 7")); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-s.Failed():
		mustContain(t, err.Error(), "weak failed 5 times within 1m0s", "exit status 7", "broken spring")
	case <-time.After(10 * time.Second):
		t.Fatalf("not given up; progress:\n%s", out)
	}
	if got := strings.Count(out.String(), "starting it again"); got != 4 {
		t.Errorf("started again %d times, want 4:\n%s", got, out)
	}
}

func TestRestartPolicyWaits(t *testing.T) {
	t.Parallel()
	second := time.Second
	start := time.Date(2024, 10, 29, 8, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		at     []time.Duration // failures, from start
		wait   time.Duration   // after the last
		giveUp bool
	}{
		"one":                     {[]time.Duration{0}, second / 4, false},
		"two":                     {[]time.Duration{0, second}, second / 2, false},
		"four":                    {[]time.Duration{0, 1, 2, 3}, 2 * second, false},
		"five in a minute":        {[]time.Duration{0, 1, 2, 3, 60 * second}, 0, true},
		"five in over a minute":   {[]time.Duration{0, 11 * second, 21 * second, 31 * second, 61 * second}, 2 * second, false},
		"again after a long time": {[]time.Duration{0, 1, 2, 3600 * second}, second / 4, false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := defaultRestarts.begin()
			var wait time.Duration
			var giveUp bool
			for _, at := range tt.at {
				wait, giveUp = r.failure(start.Add(at))
			}
			if wait != tt.wait || giveUp != tt.giveUp {
				t.Errorf("wait %v, give up %v; want %v, %v", wait, giveUp, tt.wait, tt.giveUp)
			}
		})
	}
}

func TestStopEndsChildrenInReverseOrder(t *testing.T) {
	t.Parallel()
	s, _ := newTestSupervisor(t)
	order := t.TempDir() + "/order"
	for _, name := range []string{"first", "second", "third"} {
		ready := t.TempDir() + "/ready"
		spec := shell(name, `trap 'echo `+name+` >> `+order+`; exit 0' TERM; touch `+ready+`; while :; do sleep 0.02; done`)
		spec.Ready = func(context.Context) error { _, err := os.Stat(ready); return err }
		if err := s.Run(t.Context(), spec); err != nil {
			t.Fatal(err)
		}
	}
	pids := []int{s.Pid("first"), s.Pid("second"), s.Pid("third")}
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := readFile(t, order), "third\nsecond\nfirst\n"; got != want {
		t.Errorf("ended in the order %q, want %q", got, want)
	}
	for _, pid := range pids {
		if !gone(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
	if err := s.Run(t.Context(), shell("late", "sleep 600")); err == nil {
		t.Error("a child was started after Stop")
	}
}

func TestStopKillsAChildThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	s, out := newTestSupervisor(t)
	ready := t.TempDir() + "/ready"
	spec := shell("stubborn", `trap '' TERM; touch `+ready+`; while :; do sleep 0.02; done`)
	spec.StopTimeout = 200 * time.Millisecond
	spec.Ready = func(context.Context) error { _, err := os.Stat(ready); return err }
	if err := s.Run(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	pid := s.Pid("stubborn")
	if err := s.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !gone(pid) {
		t.Errorf("process %d still runs", pid)
	}
	mustContain(t, out.String(), "stubborn did not end in time: killing it")
}

func TestEndStopsOneChild(t *testing.T) {
	t.Parallel()
	s, _ := newTestSupervisor(t)
	for _, name := range []string{"one", "two"} {
		if err := s.Run(t.Context(), shell(name, "exec sleep 600")); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Run(t.Context(), shell("one", "exec sleep 600")); err == nil {
		t.Error("a second child of the same name was started")
	}
	one := s.Pid("one")
	if err := s.End(t.Context(), "one"); err != nil {
		t.Fatal(err)
	}
	if !gone(one) || s.Pid("two") == 0 {
		t.Errorf("one gone: %v, two runs as %d", gone(one), s.Pid("two"))
	}
	if err := s.End(t.Context(), "one"); err == nil {
		t.Error("ending it twice is no error")
	}
}

func TestChildrenDieWithAKilledParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends the children of a killed parent")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), childMode+"=parent", "LOCALSTACK_TEST_DIR="+t.TempDir())
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	killErr := parent.Process.Kill()
	_ = parent.Wait()
	if err != nil || killErr != nil {
		t.Fatal(err, killErr)
	}
	child, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	eventually(t, "end of the child", func() bool { return gone(child) })
}
