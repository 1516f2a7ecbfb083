package oci_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// debianRegistry runs Docker's registry over a directory and answers where.
func debianRegistry(t *testing.T, path string) string {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host := listener.Addr().String()
	require.NoError(t, listener.Close())
	config := filepath.Join(dir, "config.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {level: error}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %s}\n", filepath.Join(dir, "data"), host)
	require.NoError(t, os.WriteFile(config, []byte(text), 0o644))
	var out bytes.Buffer
	command := exec.Command(path, "serve", config)
	command.Stdout, command.Stderr = &out, &out
	require.NoError(t, command.Start())
	t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	require.Eventually(t, func() bool {
		response, err := http.Get("http://" + host + "/v2/")
		if err == nil {
			_ = response.Body.Close()
		}
		return err == nil && response.StatusCode == http.StatusOK
	}, 30*time.Second, 50*time.Millisecond, "%s", &out)
	return host
}
