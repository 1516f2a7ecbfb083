package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/schemas"
)

// server is an API process that can be killed and started anew on its data.
type server struct {
	s       *system
	address string
	environ []string
	cmd     *exec.Cmd
}

func (s *system) newServer(instance string) *server {
	dir := s.t.TempDir()
	require.NoError(s.t, s.clock.Save(filepath.Join(dir, clockFile)))
	c := s.config
	c.DataDir, c.Listen, c.Instance, c.SigningKey = dir, freeAddress(s.t), instance, filepath.Join(s.config.DataDir, "signing-key.pem")
	one := &server{s: s, address: c.Listen, environ: append(os.Environ(), c.Environ()...)}
	s.t.Cleanup(func() {
		if one.cmd != nil {
			_ = one.cmd.Process.Signal(syscall.SIGTERM)
			_ = one.cmd.Wait()
		}
	})
	return one
}

func (o *server) start() {
	o.s.t.Helper()
	o.cmd = exec.Command(os.Args[0], "api")
	o.cmd.Env, o.cmd.Stderr = o.environ, os.Stderr
	require.NoError(o.s.t, o.cmd.Start())
	require.Eventually(o.s.t, func() bool {
		response, err := http.Get("http://" + o.address + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode == http.StatusOK
	}, time.Minute, 50*time.Millisecond)
}

func (o *server) kill() {
	o.s.t.Helper()
	require.NoError(o.s.t, o.cmd.Process.Kill())
	_ = o.cmd.Wait() // it was killed
}

// awaitLeases waits until the model's workflow knows so many instances.
func (s *system) awaitLeases(n int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		status, err := promoter{s.temporal}.status(s.t.Context(), schemas.DefaultModel)
		return err == nil && len(status.Leases) == n
	}, 30*time.Second, 100*time.Millisecond)
}

// served is the digest of the package that an instance answers with.
func (s *system) served(one *server) string {
	s.t.Helper()
	var model struct{ Serving struct{ Digest string } }
	if s.get(one.address, "/v1/models/"+schemas.DefaultModel, &model) != http.StatusOK {
		return ""
	}
	return model.Serving.Digest
}
