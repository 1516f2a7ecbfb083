package localstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// externalTimeout bounds the wait for a server given by address.
const externalTimeout = time.Minute

// Stack is a running set of servers. Run, Pid, End and Failed are those of its
// Supervisor: further children of the program live and end with the servers.
type Stack struct {
	*Supervisor
	opts      Options
	dir       string
	addresses Addresses
	lock      *os.File // nil when nothing was started here

	stopOnce sync.Once
	stopErr  error
	stopped  chan struct{}
}

// Start starts every server that is not given by address and returns when all
// answer. Where one fails, those already started are stopped again. The caller
// must call Stop.
func Start(ctx context.Context, opts Options) (*Stack, error) {
	s, err := prepare(opts)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop(context.WithoutCancel(ctx)))
	}
	return s, nil
}

// prepare claims what the servers need: parts, directory, disk, secrets, ports.
func prepare(opts Options) (*Stack, error) {
	if opts.DataDir == "" {
		opts.DataDir = ".local"
	}
	dir, err := filepath.Abs(opts.DataDir)
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", opts.DataDir, err)
	}
	s := &Stack{
		Supervisor: NewSupervisor(filepath.Join(dir, "logs"), opts.Out),
		opts:       opts,
		dir:        dir,
		addresses:  opts.External,
		stopped:    make(chan struct{}),
	}
	if !opts.startsAny() {
		return s, nil
	}
	if err := opts.validate(); err != nil {
		return nil, err
	}
	if err := s.claimDir(); err != nil {
		return nil, err
	}
	if err := s.claimRest(); err != nil {
		s.unlock()
		return nil, err
	}
	return s, nil
}

// claimDir makes the data directory and locks it for this process.
func (s *Stack) claimDir() error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return fmt.Errorf("data directory: %w: set %s to a directory that can be written", err, SettingDataDir)
	}
	path := filepath.Join(s.dir, "stack.pid")
	f, err := tryLock(path)
	if errors.Is(err, errLocked) {
		holder, _ := os.ReadFile(path)
		return fmt.Errorf("data directory %s is in use: a stack runs on it as process %s; stop that one (Ctrl-C), or set %s to another directory", s.dir, strings.TrimSpace(string(holder)), SettingDataDir)
	}
	if err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	s.lock = f
	err = errors.Join(f.Truncate(0), second(f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)))
	if err != nil {
		s.unlock()
		return fmt.Errorf("data directory: %w", err)
	}
	return nil
}

func second(_ int, err error) error { return err }

func (s *Stack) unlock() {
	if s.lock != nil {
		release(s.lock)
		s.lock = nil
	}
}

// CheckDisk fails with a sentence while the data directory's disk has less free
// space than Start asks for: servers on a full disk stop writing.
func (s *Stack) CheckDisk() error { return checkFree(s.dir, DataFreeBytes) }

// claimRest checks the disk, loads the secrets and settles the ports.
func (s *Stack) claimRest() error {
	if err := checkFree(s.dir, DataFreeBytes); err != nil {
		return fmt.Errorf("%w, or set %s to a directory on another disk", err, SettingDataDir)
	}
	secrets, err := loadSecrets(s.dir)
	if err != nil {
		return err
	}
	s.opts.Ports, err = s.opts.Ports.claimed(s.opts.External)
	if err != nil {
		return err
	}
	s.setAddresses(secrets)
	return nil
}

// setAddresses fills in those of the servers that are started here.
func (s *Stack) setAddresses(own secrets) {
	a, p := &s.addresses, s.opts.Ports
	if a.Temporal == "" {
		a.Temporal = loopbackAddr(p.Temporal)
		a.TemporalUI = "http://" + loopbackAddr(p.TemporalUI)
	}
	if a.S3Endpoint == "" {
		a.S3Endpoint = "http://" + loopbackAddr(p.S3)
		a.S3AccessKey, a.S3SecretKey = own.S3AccessKey, own.S3SecretKey
	}
	if a.ClickHouseAddr == "" {
		a.ClickHouseAddr = loopbackAddr(p.ClickHouse)
		a.ClickHouseUser, a.ClickHousePassword = EngineUser, own.ClickHousePassword
	}
}

// start runs the children side by side, then waits for the servers elsewhere.
func (s *Stack) start(ctx context.Context) error {
	var children []ChildSpec
	var external []service
	for _, describe := range []func() (service, error){s.clickHouseService, s.s3Service, s.temporalService} {
		svc, err := describe()
		if err != nil {
			return err
		}
		if svc.address != "" {
			external = append(external, svc)
		} else {
			children = append(children, svc.child)
		}
	}
	if err := s.runAll(ctx, children...); err != nil {
		return err
	}
	for _, svc := range external {
		if err := s.awaitExternal(ctx, svc, externalTimeout); err != nil {
			return err
		}
	}
	return nil
}

func (s *Stack) awaitExternal(ctx context.Context, svc service, bound time.Duration) error {
	began := time.Now()
	if err := poll(ctx, bound, svc.ready); err != nil {
		return fmt.Errorf("%s at %s %w: start it, or correct %s", svc.name, svc.address, err, svc.setting)
	}
	s.out.Printf("%s at %s answers, after %.1f s", svc.name, svc.address, time.Since(began).Seconds())
	return nil
}

// Addresses says where the servers answer. They stay the same until Stop.
func (s *Stack) Addresses() Addresses { return s.addresses }

// DataDir is the absolute path of the data directory.
func (s *Stack) DataDir() string { return s.dir }

// Stop ends all children in reverse order of their start and releases the data
// directory. Further calls return the first one's result. See Supervisor.Stop.
func (s *Stack) Stop(ctx context.Context) error {
	s.stopOnce.Do(func() {
		s.stopErr = s.Supervisor.Stop(ctx)
		s.unlock()
		close(s.stopped)
	})
	return s.stopErr
}

// Wait blocks until Stop was called, then returns nil, or until a child was
// given up, then returns why. It takes the error that Failed would deliver.
func (s *Stack) Wait() error {
	select {
	case err := <-s.Failed():
		return err
	case <-s.stopped:
		return nil
	}
}
