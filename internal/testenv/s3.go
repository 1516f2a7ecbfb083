package testenv

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"puenktlich/internal/localstack"
)

const (
	s3AccessKey = "tester"
	s3SecretKey = "for-tests-on-loopback"
	s3Region    = "eu-central-1"
)

// S3Options convert to objstore.Options.
type S3Options struct {
	Endpoint  string
	Region    string
	AccessKey string
	SecretKey string
	Bucket    string
}

var buckets atomic.Uint64

// S3 answers where the gateway is, with a bucket of the test's own that does
// not exist yet.
func S3(t testing.TB) S3Options {
	t.Helper()
	addr, err := s3.address()
	if err != nil {
		t.Fatal(err)
	}
	return S3Options{
		Endpoint:  "http://" + addr,
		Region:    s3Region,
		AccessKey: s3AccessKey,
		SecretKey: s3SecretKey,
		Bucket:    fmt.Sprintf("test-%d", buckets.Add(1)),
	}
}

// serveS3 runs the gateway over dir until ctx ends. The gateway is a program
// that does not watch its parent; this process does it for it.
func serveS3(ctx context.Context, dir string) error {
	program, err := gateway()
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		return err
	}
	addr, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, program, "--port", addr, "--access", s3AccessKey, "--secret", s3SecretKey,
		"--region", s3Region, "--health", "/health", "--quiet", "posix", data)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	if err := waitHealthy(ctx, "http://"+addr+"/health", ended); err != nil {
		return err
	}
	ready(addr)
	if err := <-ended; ctx.Err() == nil {
		return fmt.Errorf("the gateway ended by itself: %w", err)
	}
	return nil
}

func waitHealthy(ctx context.Context, url string, ended <-chan error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("the gateway ended before it was ready: %w", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			if healthy(ctx, url) {
				return nil
			}
		}
	}
}

func healthy(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	_ = response.Body.Close()
	return response.StatusCode == http.StatusOK
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

// gateway is the path of versitygw: the one last built into the cache, else
// the one on PATH.
func gateway() (string, error) {
	cache, err := localstack.DefaultCacheDir(os.Getenv)
	if err != nil {
		return "", err
	}
	if latest, err := os.ReadFile(filepath.Join(cache, "bin", "latest")); err == nil {
		path := filepath.Join(cache, "bin", filepath.Base(strings.TrimSpace(string(latest))), "versitygw")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("versitygw")
	if err != nil {
		return "", fmt.Errorf("the S3 gateway versitygw is neither in %s nor on PATH: run `make setup`", cache)
	}
	return path, nil
}
