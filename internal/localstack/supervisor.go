package localstack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// ChildSpec describes a child process.
type ChildSpec struct {
	// Name is unique within a supervisor; it names the log file.
	Name string
	// Command is the program and its arguments. Secrets go into Env.
	Command []string
	// Env is added to the parent's environment.
	Env []string
	// Dir is the working directory. Defaults to the parent's.
	Dir string
	// Ready is called until it returns nil, after each start; its context ends
	// with the process. Nil means ready as soon as the process runs.
	Ready func(ctx context.Context) error
	// ReadyTimeout bounds each wait for Ready. Defaults to one minute.
	ReadyTimeout time.Duration
	// ReadyNote is added to the line that says the child is ready.
	ReadyNote string
	// StopTimeout is how long a child may take to end after SIGTERM before it is
	// killed. Defaults to ten seconds.
	StopTimeout time.Duration
}

func (s ChildSpec) withDefaults() ChildSpec {
	if s.ReadyTimeout == 0 {
		s.ReadyTimeout = time.Minute
	}
	if s.StopTimeout == 0 {
		s.StopTimeout = 10 * time.Second
	}
	return s
}

// Supervisor runs child processes, starts those again that end by themselves,
// and ends all in reverse order. It is safe for concurrent use.
type Supervisor struct {
	logDir string
	out    *progress
	policy restartPolicy
	failed chan error

	mu       sync.Mutex
	children []*child // in order of start
	stopping bool
}

// NewSupervisor returns a supervisor whose children write to <logDir>/<name>.log
// and whose progress lines go to out; nil discards them.
func NewSupervisor(logDir string, out io.Writer) *Supervisor {
	return &Supervisor{logDir: logDir, out: newProgress(out), policy: defaultRestarts, failed: make(chan error, 1)}
}

// Run starts a child and returns when it is ready. A child that ends or is not
// ready in time is an error with the last lines of its log, and is not running
// afterwards; so it is when ctx ends before. Once ready, the child runs until
// Stop and is started again should it end.
func (s *Supervisor) Run(ctx context.Context, spec ChildSpec) error {
	return s.runAll(ctx, spec)
}

// runAll starts children side by side; they count as started in the order given.
func (s *Supervisor) runAll(ctx context.Context, specs ...ChildSpec) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	errs := make([]error, len(specs))
	var wg sync.WaitGroup
	for i, spec := range specs {
		c, err := s.add(spec)
		if err != nil {
			errs[i] = err
			cancel()
			continue
		}
		wg.Go(func() {
			if errs[i] = s.begin(ctx, c); errs[i] != nil {
				cancel()
			}
		})
	}
	wg.Wait()
	return rootCause(errs)
}

// rootCause drops the cancellations that another child's failure caused.
func rootCause(errs []error) error {
	if own := slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err == nil || errors.Is(err, context.Canceled) }); len(own) > 0 {
		return errors.Join(own...)
	}
	return errors.Join(errs...)
}

func (s *Supervisor) begin(ctx context.Context, c *child) error {
	go c.supervise()
	err := c.awaitStart(ctx)
	if err == nil {
		return nil
	}
	s.remove(c)
	return errors.Join(err, c.end(context.WithoutCancel(ctx)))
}

func (s *Supervisor) add(spec ChildSpec) (*child, error) {
	if spec.Name == "" || len(spec.Command) == 0 {
		return nil, fmt.Errorf("child %q: a name and a command are required", spec.Name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return nil, fmt.Errorf("%s: the supervisor is stopping", spec.Name)
	}
	if s.find(spec.Name) != nil {
		return nil, fmt.Errorf("%s: a child of that name is running", spec.Name)
	}
	log, err := openChildLog(s.logDir, spec.Name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec.Name, err)
	}
	c := newChild(spec.withDefaults(), log, s)
	s.children = append(s.children, c)
	return c, nil
}

// find needs the lock.
func (s *Supervisor) find(name string) *child {
	for _, c := range s.children {
		if c.spec.Name == name {
			return c
		}
	}
	return nil
}

func (s *Supervisor) remove(c *child) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.children = slices.DeleteFunc(s.children, func(other *child) bool { return other == c })
}

// Pid is the process id of a child, 0 when it is not running at the moment.
func (s *Supervisor) Pid(name string) int {
	s.mu.Lock()
	c := s.find(name)
	s.mu.Unlock()
	if c == nil {
		return 0
	}
	return c.pid()
}

// End stops one child: SIGTERM, then SIGKILL when its StopTimeout or ctx ends.
func (s *Supervisor) End(ctx context.Context, name string) error {
	s.mu.Lock()
	c := s.find(name)
	s.mu.Unlock()
	if c == nil {
		return fmt.Errorf("%s: no child of that name is running", name)
	}
	s.remove(c)
	return c.end(ctx)
}

// Failed delivers one error when a child was given up. The others run on.
func (s *Supervisor) Failed() <-chan error { return s.failed }

func (s *Supervisor) giveUp(err error) {
	select {
	case s.failed <- err:
	default: // The first one is what the caller acts on.
	}
}

// Stop ends all children, the last started first: SIGTERM, then SIGKILL when a
// child's StopTimeout or ctx ends. No child runs when it returns nil.
func (s *Supervisor) Stop(ctx context.Context) error {
	s.mu.Lock()
	s.stopping = true
	children := slices.Clone(s.children)
	s.children = nil
	s.mu.Unlock()
	var errs []error
	for _, c := range slices.Backward(children) {
		errs = append(errs, c.end(ctx))
	}
	return errors.Join(errs...)
}
