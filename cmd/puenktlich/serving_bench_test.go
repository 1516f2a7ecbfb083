package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/access"
	"puenktlich/internal/clock"
	"puenktlich/internal/railsim"
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// Cores of the measurement: the server has one, everything else the other.
const serverCore, otherCore = "0", "1"

// measured is one server under load.
type measured struct {
	name    string
	address string
	header  string
	paths   []string
	pid     int
	results []loadResult
	cpu     []float64 // microseconds of the server a request
}

// BenchmarkServing measures single forecasts with everything on (a key, the live
// state, the prediction log and its way to ClickHouse) beside echoes, in turn, so
// that what else the machine does meets all of them. API_PROFILE names a file for
// the server's profile.
func BenchmarkServing(b *testing.B) {
	require.NoError(b, exec.Command("taskset", "-pc", otherCore, strconv.Itoa(os.Getpid())).Run(), "taskset pins this process and what it starts")
	s := startSystem(b)
	s.importHistory()
	do[schemas.LifecycleResult](s, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle, schemas.LifecycleInput{AsOf: s.asOf, Actor: "bootstrap", Reason: "benchmark"})
	_, secret, err := s.book().Create(b.Context(), access.Wanted{Name: "load", Role: access.RolePredict}, time.Now())
	require.NoError(b, err)
	dir := b.TempDir()
	address, pid := s.apiProcess(b, filepath.Join(dir, "server"))
	header := "Authorization: Bearer " + secret + "\r\n"
	plain, explained := s.forecastPaths(b, address, secret)
	all := []*measured{
		{name: "forecast", address: address, header: header, paths: plain, pid: pid},
		{name: "echo, same answer", header: header, paths: plain},
		{name: "echo, one string", header: header, paths: plain},
		{name: "forecast with reasons", address: address, header: header, paths: explained, pid: pid},
		{name: "echo with reasons", header: header, paths: explained},
	}
	for i, kind := range map[int]string{1: "same", 2: "flat", 4: "same"} {
		all[i].address, all[i].pid = startEcho(b, dir, kind, fetch(b, address, all[i].paths[0], secret))
	}
	const connections, seconds, rounds = 64, 2, 5
	for range b.N {
		for range rounds {
			for _, m := range all {
				m.run(b, connections, seconds)
			}
		}
	}
	table := servingTable(all, connections)
	b.Log("\n" + table)
	testenv.Record(b, "single forecasts", table)
	b.ReportMetric(median(all[0].rates())/median(all[1].rates()), "of-echo")
	b.ReportMetric(median(all[0].rates()), "requests/s")
}

// apiProcess starts an API instance as a process of its own on its core.
func (s *system) apiProcess(tb testing.TB, dir string) (address string, pid int) {
	tb.Helper()
	address = freeAddress(tb)
	require.NoError(tb, os.MkdirAll(dir, 0o755))
	running, err := clock.Replay(time.Now, s.asOf, time.Time{}, 1)
	require.NoError(tb, err)
	require.NoError(tb, running.Save(filepath.Join(dir, clockFile)))
	c := s.config
	c.DataDir, c.Listen, c.Instance = dir, address, "load-1"
	if c.SigningKey == "" {
		c.SigningKey = filepath.Join(s.config.DataDir, "signing-key.pem")
	}
	environ := append(os.Environ(), c.Environ()...)
	if name := os.Getenv("API_PROFILE"); name != "" {
		environ = append(environ, "SERVER_PROFILE="+name)
	}
	return address, pinned(tb, address, environ, "api")
}

// pinned starts this program on the server's core until the test ends, and waits
// until it answers.
func pinned(tb testing.TB, address string, environ []string, args ...string) int {
	tb.Helper()
	cmd := exec.Command("taskset", append([]string{"-c", serverCore, os.Args[0]}, args...)...)
	cmd.Env, cmd.Stderr = environ, os.Stderr
	require.NoError(tb, cmd.Start())
	tb.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	require.Eventually(tb, func() bool {
		response, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			return false
		}
		defer response.Body.Close()
		return response.StatusCode != http.StatusServiceUnavailable
	}, time.Minute, 50*time.Millisecond, args)
	return cmd.Process.Pid // taskset becomes the program
}

func startEcho(tb testing.TB, dir, kind string, body []byte) (address string, pid int) {
	tb.Helper()
	file, err := os.CreateTemp(dir, "answer")
	require.NoError(tb, err)
	_, err = file.Write(body)
	require.NoError(tb, err)
	require.NoError(tb, file.Close())
	address = freeAddress(tb)
	return address, pinned(tb, address, os.Environ(), "echo", address, file.Name(), kind)
}

// forecastPaths are requests for each event of the coming hours, without and with
// reasons.
func (s *system) forecastPaths(tb testing.TB, address, secret string) (plain, explained []string) {
	tb.Helper()
	var b struct {
		Stops []struct {
			StopID string `json:"stop_id"`
			Event  string
		}
	}
	require.NoError(tb, json.Unmarshal(fetch(tb, address, fmt.Sprintf("/v1/stations/%d/forecasts?hours=6", railsim.Hub), secret), &b))
	require.Greater(tb, len(b.Stops), 50)
	for _, stop := range b.Stops[10:] { // those not about to pass
		path := "/v1/forecasts?event=" + stop.Event + "&stop_id=" + url.QueryEscape(stop.StopID)
		plain, explained = append(plain, path+"&explain=false"), append(explained, path+"&explain=true")
	}
	return plain, explained
}

func fetch(tb testing.TB, address, path, secret string) []byte {
	tb.Helper()
	request, err := http.NewRequest(http.MethodGet, "http://"+address+path, nil)
	require.NoError(tb, err)
	request.Header.Set("Authorization", "Bearer "+secret)
	response, err := http.DefaultClient.Do(request)
	require.NoError(tb, err)
	defer response.Body.Close()
	var body bytes.Buffer
	_, err = body.ReadFrom(response.Body)
	require.NoError(tb, err)
	require.Equal(tb, http.StatusOK, response.StatusCode, body.String())
	return body.Bytes()
}

func (m *measured) run(tb testing.TB, connections int, seconds float64) {
	tb.Helper()
	before := cpuOf(tb, m.pid)
	result := underLoad(tb, loadOrder{Address: m.address, Header: m.header, Paths: m.paths, Connections: connections, Seconds: seconds})
	require.Zero(tb, result.Failed, "%s: %s", m.name, result.Example)
	m.cpu = append(m.cpu, float64((cpuOf(tb, m.pid)-before).Microseconds())/float64(result.Requests))
	m.results = append(m.results, result)
}

// underLoad runs the load generator to its end.
func underLoad(tb testing.TB, order loadOrder) (result loadResult) {
	tb.Helper()
	in, err := json.Marshal(order)
	require.NoError(tb, err)
	cmd := exec.Command("taskset", "-c", otherCore, os.Args[0], "load")
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	require.NoError(tb, err)
	require.NoError(tb, json.Unmarshal(out, &result))
	return result
}

// cpuOf is the processor time a process has had.
func cpuOf(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	require.NoError(tb, err)
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+2:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(tb, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(tb, err)
	return time.Duration(user+system) * 10 * time.Millisecond // of 100 Hz
}

func (m *measured) rates() []float64 {
	var all []float64
	for _, r := range m.results {
		all = append(all, float64(r.Requests)/r.Seconds)
	}
	return all
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

func servingTable(all []*measured, connections int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %d connections | requests/s | of the echo | p50 | p99 | processor a request | of the echo | bytes |\n|---|--:|--:|--:|--:|--:|--:|--:|\n", connections)
	for i, m := range all {
		against := all[1]
		if i > 2 {
			against = all[4]
		}
		var p50, p99 []float64
		for _, r := range m.results {
			p50, p99 = append(p50, float64(r.P50)/1000), append(p99, float64(r.P99)/1000)
		}
		fmt.Fprintf(&b, "| %s | %.0f | %.0f %% | %.2f ms | %.2f ms | %.0f µs | %.2f | %d |\n", m.name, median(m.rates()), 100*median(m.rates())/median(against.rates()),
			median(p50), median(p99), median(m.cpu), median(m.cpu)/median(against.cpu), m.results[0].Bytes)
	}
	return b.String()
}
