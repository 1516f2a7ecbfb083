package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAPackageServedAloneTakesKeysOfAFile: without a key nobody is answered, with one
// of the file whoever has its role; what happens to the file holds within seconds.
func TestAPackageServedAloneTakesKeysOfAFile(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	file := filepath.Join(b.root, "keys.json")
	b.fails("makes it", "serve", "--package", b.dir, "--key", b.open, "--keys", file)
	predict := strings.TrimSpace(b.works("keys", "create", "--file", file, "--name", "app", "--role", "predict"))
	read := strings.TrimSpace(b.works("keys", "create", "--file", file, "--name", "eyes", "--role", "read"))
	cmd := exec.Command(os.Args[0], "serve", "--package", b.dir, "--key", b.open, "--keys", file)
	cmd.Env = append(os.Environ(), "PUENKTLICH_LISTEN=127.0.0.1:0", "PUENKTLICH_DATA_DIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		require.NoError(t, cmd.Wait())
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	address := servedAt.FindStringSubmatch(line)[1]
	example, err := os.ReadFile(filepath.Join(b.dir, "serving_input_example.json"))
	require.NoError(t, err)
	status := func(key string) int {
		request, err := http.NewRequest(http.MethodPost, address+"/invocations", strings.NewReader(string(example)))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		if key != "" {
			request.Header.Set("Authorization", "Bearer "+key)
		}
		response, err := http.DefaultClient.Do(request)
		require.NoError(t, err)
		defer response.Body.Close()
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		return response.StatusCode
	}
	require.Equal(t, http.StatusUnauthorized, status(""))
	require.Equal(t, http.StatusUnauthorized, status(predict+"x"))
	require.Equal(t, http.StatusForbidden, status(read))
	require.Equal(t, http.StatusOK, status(predict))
	b.works("keys", "revoke", "app", "--file", file)
	require.Eventually(t, func() bool { return status(predict) == http.StatusUnauthorized }, 30*time.Second, 100*time.Millisecond)
	require.Contains(t, b.works("keys", "list", "--file", file), "revoked")
}
