package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/stretchr/testify/require"

	"puenktlich/internal/feature"
	"puenktlich/internal/serving/servingtest"
)

// unpacked is the root file system of an image, and how it is to be run.
type unpacked struct {
	root   string
	config *v1.ConfigFile
}

// unpackImage applies the layers of the first image of a layout with tar.
func unpackImage(t *testing.T, dir string) unpacked {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	require.NoError(t, err)
	head, err := index.IndexManifest()
	require.NoError(t, err)
	require.Len(t, head.Manifests, 2, "image and ModelPack artefact")
	image, err := index.Image(head.Manifests[0].Digest)
	require.NoError(t, err)
	u := unpacked{root: t.TempDir()}
	u.config, err = image.ConfigFile()
	require.NoError(t, err)
	layers, err := image.Layers()
	require.NoError(t, err)
	for _, l := range layers {
		body, err := l.Uncompressed()
		require.NoError(t, err)
		command := exec.CommandContext(t.Context(), "tar", "-x", "-p", "--numeric-owner", "-C", u.root)
		command.Stdin = body
		out, err := command.CombinedOutput()
		require.NoError(t, err, string(out))
		require.NoError(t, body.Close())
	}
	require.NoError(t, os.Chmod(u.root, 0o755))
	return u
}

// command is the entry point: as root in a root of its own and as the image's
// user, else through the image's own loader.
func (u unpacked) command(t *testing.T) *exec.Cmd {
	t.Helper()
	entry := u.config.Config.Entrypoint
	command := exec.Command(entry[0], entry[1:]...)
	command.Env = append(slices.Clone(u.config.Config.Env), "PUENKTLICH_LISTEN=127.0.0.1:0")
	if os.Getuid() == 0 {
		for dir := u.root; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
			require.NoError(t, os.Chmod(dir, 0o755)) // another user passes here
		}
		command.SysProcAttr = &syscall.SysProcAttr{Chroot: u.root, Credential: &syscall.Credential{Uid: 10001, Gid: 10001}}
		command.Dir = u.config.Config.WorkingDir
		return command
	}
	t.Log("the image runs through its own loader, not in a root of its own: that takes root")
	loaders, err := filepath.Glob(filepath.Join(u.root, "lib*", "ld-linux*"))
	require.NoError(t, err)
	libraries, err := filepath.Glob(filepath.Join(u.root, "lib", "*", "libc.so.6"))
	require.NoError(t, err)
	require.Len(t, append(loaders, libraries...), 2, "loader and C library")
	for i, argument := range entry {
		if filepath.IsAbs(argument) {
			entry[i] = filepath.Join(u.root, argument)
		}
	}
	command = exec.Command(loaders[0], append([]string{"--library-path", filepath.Dir(libraries[0])}, entry...)...)
	for _, pair := range u.config.Config.Env {
		command.Env = append(command.Env, strings.Replace(pair, "=/", "="+u.root+"/", 1))
	}
	command.Env = append(command.Env, "PUENKTLICH_LISTEN=127.0.0.1:0")
	return command
}

var servedAt = regexp.MustCompile(`served at (http://[0-9.:]+), manifest ([0-9a-f]{64})`)

// start runs the image until the test ends and answers where it listens, and the
// package it says it serves.
func (u unpacked) start(t *testing.T) (address, digest string) {
	t.Helper()
	command := u.command(t)
	var said bytes.Buffer
	command.Stderr = &said
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("told to stop, the image ends with %v: %s", err, &said)
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err, "%s", &said)
	found := servedAt.FindStringSubmatch(line)
	require.NotNil(t, found, line)
	return found[1], found[2]
}

// ask sends a request and answers status and body.
func ask(t *testing.T, method, address string, body []byte) (int, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, answer
}

// An image made without a daemon, its layers unpacked, serves its package with
// nothing else around: no server, no libraries but its own, not as root.
func TestImageServesItself(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	dir, again := filepath.Join(b.root, "layout"), filepath.Join(b.root, "again")
	first := b.works("package", "export", b.dir, "--key", b.open, "--oci", dir)
	second := b.works("package", "export", b.dir, "--key", b.open, "--oci", again)
	digests := regexp.MustCompile(`sha256:[0-9a-f]{64}`)
	require.Len(t, digests.FindAllString(first, -1), 2)
	require.Equal(t, digests.FindAllString(first, -1), digests.FindAllString(second, -1), "made twice, image and artefact are the same")
	u := unpackImage(t, dir)
	address, digest := u.start(t)
	require.Equal(t, u.config.Config.Labels["puenktlich.package.digest"], digest)
	for _, path := range []string{"/healthz", "/readyz", "/v1/models", "/v1/models/punctuality", "/metrics"} {
		status, body := ask(t, http.MethodGet, address+path, nil)
		require.Equal(t, http.StatusOK, status, "%s: %s", path, body)
	}
	var about struct{ Serving struct{ Digest string } }
	_, body := ask(t, http.MethodGet, address+"/v1/models/punctuality", nil)
	require.NoError(t, json.Unmarshal(body, &about))
	require.Equal(t, digest, about.Serving.Digest)
	forecastsByVectors(t, address, b.dir)
	logged, err := filepath.Glob(filepath.Join(u.root, "data", "serve", "spool", "*"))
	require.NoError(t, err)
	require.Greater(t, len(logged), 1, "what was forecast lies on disk")
}

// forecastsByVectors asks by the protocols of standard clients: with the example
// in the package, of which nothing is known, and with a train that is announced
// to be nine minutes late. The tiny model's answers one computes by hand.
func forecastsByVectors(t *testing.T, address, dir string) {
	t.Helper()
	example, err := os.ReadFile(filepath.Join(dir, "serving_input_example.json"))
	require.NoError(t, err)
	late := feature.Names()
	vector := make([]any, len(late))
	vector[slices.Index(late, "forecast_delay")] = 9
	split, err := json.Marshal(map[string]any{"dataframe_split": map[string]any{
		"columns": append([]string{"horizon_minutes"}, late...), "data": [][]any{append([]any{30}, vector...)}}})
	require.NoError(t, err)
	for body, want := range map[string]float64{string(example): servingtest.Confident, string(split): 1 - servingtest.Confident} {
		status, answer := ask(t, http.MethodPost, address+"/invocations", []byte(body))
		require.Equal(t, http.StatusOK, status, string(answer))
		var told struct {
			Predictions []struct {
				OnTime    float64 `json:"p_on_time"`
				Cancelled float64 `json:"p_cancelled"`
			}
		}
		require.NoError(t, json.Unmarshal(answer, &told), string(answer))
		require.Len(t, told.Predictions, 1)
		require.InDelta(t, want, told.Predictions[0].OnTime, 1e-6)
		require.InDelta(t, 0.02, told.Predictions[0].Cancelled, 1e-9)
	}
	status, answer := ask(t, http.MethodGet, address+"/v2/models/punctuality/ready", nil)
	require.Equal(t, http.StatusOK, status, string(answer))
	require.Contains(t, string(answer), `"ready":true`)
	status, answer = ask(t, http.MethodPost, address+"/invocations", []byte(`{"dataframe_split":{}}`))
	require.Equal(t, http.StatusBadRequest, status, string(answer))
}

// What was altered inside an image is not served.
func TestAlteredImageIsNotServed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "CARD.md"), []byte("better"), 0o644))
	b.fails("CARD.md", "package", "export", b.dir, "--key", b.open, "--oci", filepath.Join(b.root, "layout"))
	b.fails("CARD.md", "serve", "--package", b.dir, "--key", b.open)
	require.NoDirExists(t, filepath.Join(b.root, "layout"))
	other := newBench(t)
	b.fails("the package is not served: verify package", "serve", "--package", other.dir, "--key", b.open)
}
