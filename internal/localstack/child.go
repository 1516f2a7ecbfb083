package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// killTimeout bounds the wait for a process that was sent SIGKILL.
const killTimeout = 5 * time.Second

var errStopping = errors.New("stopping")

// child is one supervised process through all its lives.
type child struct {
	spec ChildSpec
	log  *childLog
	sup  *Supervisor

	started chan error    // gets the first life's outcome: nil when ready
	stop    chan struct{} // closed when the child shall not run any more
	done    chan struct{} // closed when supervise has returned

	mu  sync.Mutex
	cmd *exec.Cmd // of the present life, nil between lives
}

func newChild(spec ChildSpec, log *childLog, sup *Supervisor) *child {
	return &child{spec: spec, log: log, sup: sup, started: make(chan error, 1), stop: make(chan struct{}), done: make(chan struct{})}
}

// supervise starts the process, waits for its end and starts it again, until it
// is stopped or given up. It keeps its thread for itself: on Linux the process
// is killed when the thread that started it ends, so that thread must live as
// long as the process does, and no longer than ours.
func (c *child) supervise() {
	runtime.LockOSThread()
	defer close(c.done)
	defer func() { _ = c.log.file.Close() }()
	restarts := c.sup.policy.begin()
	for first := true; ; first = false {
		ready, err := c.live(first)
		if c.isStopping() {
			return
		}
		if first && !ready {
			c.started <- err
			return
		}
		wait, giveUp := restarts.failure(time.Now())
		if giveUp {
			c.sup.giveUp(fmt.Errorf("%s failed %d times within %v, the last time: %w", c.spec.Name, restarts.limit, restarts.window, err))
			return
		}
		c.sup.out.Printf("%s %v: starting it again in %v, its log is %s", c.spec.Name, err.Cause, wait, c.log.path)
		select {
		case <-c.stop:
			return
		case <-time.After(wait):
		}
	}
}

// live runs the process once. err says why it ended, with the end of its log.
func (c *child) live(first bool) (ready bool, err *ChildError) {
	from := c.log.size()
	cmd, startErr := c.spawn()
	if startErr != nil {
		return false, &ChildError{c.spec.Name, fmt.Errorf("could not be started: %w", startErr), c.log.tail(from)}
	}
	ctx, ended := context.WithCancel(context.Background())
	outcome := make(chan error, 1)
	go func() { outcome <- c.awaitReady(ctx, cmd, first) }()
	waitErr := cmd.Wait()
	c.mu.Lock()
	c.cmd = nil
	c.mu.Unlock()
	ended()
	readyErr := <-outcome
	return readyErr == nil, &ChildError{c.spec.Name, endCause(waitErr, readyErr), c.log.tail(from)}
}

// ChildError says why a child process ended and what it wrote last.
type ChildError struct {
	Name    string
	Cause   error
	LogTail string // where its log lies and its last lines
}

func (e *ChildError) Error() string {
	return fmt.Sprintf("%s %v; %s", e.Name, e.Cause, e.LogTail)
}

func (e *ChildError) Unwrap() error { return e.Cause }

// endCause is the reason of a life's end: too slow to get ready, or the exit.
func endCause(waitErr, readyErr error) error {
	var late notReadyError
	if errors.As(readyErr, &late) {
		return late
	}
	if waitErr == nil {
		return errors.New("ended with exit status 0")
	}
	return fmt.Errorf("ended with %w", waitErr)
}

// spawn starts the process on the calling thread, unless the child is stopping.
func (c *child) spawn() (*exec.Cmd, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.isStopping() {
		return nil, errStopping
	}
	cmd := exec.Command(c.spec.Command[0], c.spec.Command[1:]...)
	cmd.Dir = c.spec.Dir
	cmd.Env = append(os.Environ(), c.spec.Env...)
	cmd.Stdout, cmd.Stderr = c.log.file, c.log.file
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.cmd = cmd
	return cmd, nil
}

// awaitReady says when the child is ready. One that is not in time is killed.
func (c *child) awaitReady(ctx context.Context, cmd *exec.Cmd, first bool) error {
	began := time.Now()
	err := poll(ctx, c.spec.ReadyTimeout, c.spec.Ready)
	if err != nil {
		var late notReadyError
		if errors.As(err, &late) {
			killGroup(cmd)
		}
		return err
	}
	c.sup.out.Printf("%s", readyLine(c.spec, first, time.Since(began)))
	if first {
		c.started <- nil
	}
	return nil
}

func readyLine(spec ChildSpec, first bool, took time.Duration) string {
	line := fmt.Sprintf("%s ready in %.1f s", spec.Name, took.Seconds())
	if !first {
		line = fmt.Sprintf("%s ready again in %.1f s", spec.Name, took.Seconds())
	}
	if spec.ReadyNote != "" {
		line += ", " + spec.ReadyNote
	}
	return line
}

func (c *child) awaitStart(ctx context.Context) error {
	select {
	case err := <-c.started:
		return err
	case <-ctx.Done():
		return fmt.Errorf("%s: start: %w", c.spec.Name, ctx.Err())
	}
}

func (c *child) isStopping() bool {
	select {
	case <-c.stop:
		return true
	default:
		return false
	}
}

func (c *child) pid() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// end stops the child and returns when its process is gone.
func (c *child) end(ctx context.Context) error {
	c.mu.Lock()
	if !c.isStopping() {
		close(c.stop)
	}
	cmd := c.cmd
	c.mu.Unlock()
	if cmd == nil {
		<-c.done
		return nil
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, c.spec.StopTimeout)
	defer cancel()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	}
	c.sup.out.Printf("%s did not end in time: killing it", c.spec.Name)
	return c.kill(cmd)
}

func (c *child) kill(cmd *exec.Cmd) error {
	killGroup(cmd)
	select {
	case <-c.done:
		return nil
	case <-time.After(killTimeout):
		return fmt.Errorf("%s: process %d is still there %v after SIGKILL", c.spec.Name, cmd.Process.Pid, killTimeout)
	}
}

// killGroup kills the child and what it may have started.
func killGroup(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
