package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
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
	"puenktlich/internal/testenv"
	"puenktlich/schemas"
)

// Callers that ask at once: as many as keep the server at work while the disk writes,
// and more than it has room for in its caches.
const fewCallers, manyCallers = 64, 256

// Cores of the measurement: the server has one, everything else the other.
const serverCore, otherCore = "0", "1"

// measured is one server under one kind of load.
type measured struct {
	name    string
	echo    *measured // it is compared with, measured right before and after; nil for none
	address string
	pid     int
	log     string // address of the server whose prediction log is to be empty before
	order   loadOrder
	rows    int // that each request asks for
	results []loadResult
	cpu     []float64 // microseconds of the server a request
	// again counts measurements that were repeated, disturbed those kept all the same,
	// for the machine's cores were given to others meanwhile.
	again, disturbed int
}

// BenchmarkServing measures single forecasts and batches of 100 with everything on
// (a key, the live state, the prediction log and its way to ClickHouse), each single one
// between two measurements of an echo, for what else the machine does changes from minute
// to minute. Batches come after them: a hundred thousand rows a second keep ClickHouse busy for a while.
// API_PROFILE names a file for the server's profile, LOAD_ONLY a part of the names of
// those that are run.
func BenchmarkServing(b *testing.B) {
	all := loads(b)
	const seconds, rounds, batchRounds = 1, 11, 5
	for range b.N {
		for range rounds {
			for _, m := range all {
				if m.order.Body == nil {
					m.run(b, seconds)
				}
			}
		}
		for range batchRounds {
			for _, m := range all {
				if m.order.Body != nil {
					m.run(b, seconds)
				}
			}
		}
	}
	table := servingTable(all)
	fmt.Println(table) // a log of a benchmark is cut
	testenv.Record(b, "forecasts over HTTP", table)
	for _, m := range all {
		if m.echo != nil {
			b.ReportMetric(median(m.ofEcho(measured.rates)), fmt.Sprintf("%s-%d/echo", strings.ReplaceAll(m.name, " ", "-"), m.order.Connections))
		}
	}
}

// loads starts everything, trains a champion, and has the loads that are wanted.
func loads(b *testing.B) []*measured {
	b.Helper()
	require.NoError(b, exec.Command("taskset", "-apc", otherCore, strconv.Itoa(os.Getpid())).Run(), "taskset pins this process and what it starts")
	s := startSystem(b)
	s.importHistory()
	do[schemas.LifecycleResult](s, schemas.LifecycleID(schemas.DefaultModel), schemas.WorkflowRunLifecycle, schemas.LifecycleInput{AsOf: s.asOf, Actor: "bootstrap", Reason: "benchmark"})
	_, secret, err := s.book().Create(b.Context(), access.Wanted{Name: "load", Role: access.RolePredict}, time.Now())
	require.NoError(b, err)
	standBack(b)
	return wantedOf(s.kindsOfLoad(b, secret), os.Getenv("LOAD_ONLY"))
}

// wantedOf are the loads with a part in their names.
func wantedOf(all []*measured, part string) []*measured {
	return slices.DeleteFunc(all, func(m *measured) bool { return !strings.Contains(m.name, part) })
}

// kindsOfLoad starts the servers and says what is asked of them.
func (s *system) kindsOfLoad(b *testing.B, secret string) []*measured {
	dir := b.TempDir()
	address, pid := s.apiProcess(b, filepath.Join(dir, "server"))
	plain, explained := s.forecastPaths(b, address, secret, s.asOf.Add(-10*time.Minute))
	const few = 10
	past := s.asOf.Add(-time.Second)
	echoes := map[string]measured{}
	for _, kind := range []string{"same", "flat"} {
		for name, paths := range map[string][]string{"": plain, " with reasons": explained} {
			echo := measured{name: "echo, one string" + name, order: loadOrder{Paths: paths}}
			echo.address, echo.pid = startEcho(b, dir, kind, fetch(b, address, paths[0], secret))
			echoes[kind+name] = echo
		}
	}
	var all []*measured
	for _, connections := range []int{fewCallers, manyCallers} {
		of := func(m measured, echo string) {
			if m.order.Connections = connections; echo != "" {
				beside := echoes[echo]
				beside.order.Connections, beside.order.Address, m.echo = connections, beside.address, &beside
			}
			all = append(all, &m)
		}
		of(measured{name: fmt.Sprintf("forecast, %d events", few), order: loadOrder{Paths: plain[:few]}}, "same")
		of(measured{name: fmt.Sprintf("forecast, %d events", len(plain)), order: loadOrder{Paths: plain}}, "same")
		of(measured{name: fmt.Sprintf("with reasons, %d events", few), order: loadOrder{Paths: explained[:few]}}, "same with reasons")
		of(measured{name: fmt.Sprintf("with reasons, %d events", len(plain)), order: loadOrder{Paths: explained}}, "same with reasons")
		if connections == manyCallers { // who asks about the past would have to go too far back
			continue
		}
		of(echoes["flat"], "")
		of(echoes["flat with reasons"], "")
		of(measured{name: "forecast, never asked before", order: loadOrder{Paths: plain, At: past}}, "same")
		of(measured{name: "with reasons, never asked before", order: loadOrder{Paths: explained, At: past}}, "same with reasons")
	}
	for _, m := range append(all, batchesOf100(b, plain)...) {
		if m.order.Body != nil {
			m.order.Connections = 8
			all = append(all, m)
		}
		if m.address == "" {
			m.address, m.pid, m.order.Header = address, pid, "Authorization: Bearer "+secret+"\r\n"
		}
		m.order.Address, m.rows, m.log = m.address, max(m.rows, 1), address
	}
	return all
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

// forecastPaths are requests for each event of the coming hours at all stations that
// was known at a moment, without and with reasons. Those about to pass are left out.
func (s *system) forecastPaths(tb testing.TB, address, secret string, known time.Time) (plain, explained []string) {
	tb.Helper()
	var places struct{ Stations []struct{ EVA int64 } }
	require.NoError(tb, json.Unmarshal(fetch(tb, address, "/v1/stations", secret), &places))
	for _, place := range places.Stations {
		var b struct {
			Stops []struct {
				StopID  string `json:"stop_id"`
				Event   string
				Planned time.Time
			}
		}
		from := url.QueryEscape(known.Format(time.RFC3339)) // of the past a board says what was known then
		require.NoError(tb, json.Unmarshal(fetch(tb, address, fmt.Sprintf("/v1/stations/%d/forecasts?hours=6&from=%s", place.EVA, from), secret), &b))
		for _, stop := range b.Stops {
			if stop.Planned.Before(s.asOf.Add(time.Hour)) {
				continue
			}
			path := "/v1/forecasts?event=" + stop.Event + "&stop_id=" + url.QueryEscape(stop.StopID)
			plain, explained = append(plain, path+"&explain=false"), append(explained, path+"&explain=true")
		}
	}
	require.Greater(tb, len(plain), 50)
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

// run measures after a lead of the same load, which begins once all was shipped: what a
// server does a second later, such as shipping to ClickHouse, is then that of the load
// itself and not of the one before it. The echo is asked right before and after.
func (m *measured) run(tb testing.TB, seconds float64) {
	tb.Helper()
	const lead = 1.5
	beside := func() {
		waitUntilShipped(tb, m.log)
		if m.echo != nil {
			m.echo.measure(tb, seconds)
		}
	}
	beside()
	m.load(tb, lead)
	m.measure(tb, seconds)
	beside()
}

// measure measures again what was measured while the machine's cores were given to
// others, a few times.
func (m *measured) measure(tb testing.TB, seconds float64) {
	tb.Helper()
	const attempts, most = 5, 0.02
	for attempt := 1; ; attempt++ {
		stolen := stolenTime(tb)
		m.measureOnce(tb, seconds)
		disturbed := (stolenTime(tb) - stolen).Seconds() > most*seconds
		if !disturbed || attempt == attempts {
			if disturbed {
				m.disturbed++
			}
			return
		}
		m.again++
		m.cpu, m.results = m.cpu[:len(m.cpu)-1], m.results[:len(m.results)-1]
	}
}

func (m *measured) measureOnce(tb testing.TB, seconds float64) {
	tb.Helper()
	before := cpuOf(tb, m.pid)
	result := m.load(tb, seconds)
	m.cpu = append(m.cpu, float64((cpuOf(tb, m.pid)-before).Microseconds())/float64(result.Requests))
	m.results = append(m.results, result)
}

// waitUntilShipped returns when nothing waits in a server's prediction log.
func waitUntilShipped(tb testing.TB, address string) {
	tb.Helper()
	require.Eventually(tb, func() bool {
		response, err := http.Get("http://" + address + "/metrics")
		require.NoError(tb, err)
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		require.NoError(tb, err)
		return bytes.Contains(body, []byte("\npuenktlich_spool_records 0\n"))
	}, time.Minute, 100*time.Millisecond)
}

func (m *measured) load(tb testing.TB, seconds float64) loadResult {
	tb.Helper()
	m.order.Seconds = seconds
	result := underLoad(tb, m.order)
	require.Zero(tb, result.Failed, "%s: %s", m.name, result.Example)
	if !m.order.At.IsZero() { // the next run asks about moments before those of this one
		cycles := result.Requests/len(m.order.Paths)/m.order.Connections + 2
		m.order.At = m.order.At.Add(-time.Duration(cycles*m.order.Connections) * time.Second)
	}
	return result
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

func (m measured) rates() []float64 {
	var all []float64
	for _, r := range m.results {
		all = append(all, float64(r.Requests)/r.Seconds)
	}
	return all
}

func (m measured) cost() []float64 { return m.cpu }

// ofEcho compares each round with the echo's mean right before and after it, ascending.
func (m measured) ofEcho(figure func(measured) []float64) []float64 {
	ratios, echo := slices.Clone(figure(m)), figure(*m.echo)
	for i := range ratios {
		ratios[i] /= (echo[2*i] + echo[2*i+1]) / 2
	}
	slices.Sort(ratios)
	return ratios
}

func median(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// servingTable has medians over the rounds; in brackets the quartiles.
func servingTable(all []*measured) string {
	var b strings.Builder
	b.WriteString("| | callers | requests/s | rows/s | the echo's requests/s | of the echo (quartiles) | p50 | p99 | processor a request | times the echo's | bytes |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, m := range all {
		var p50, p99 []float64
		for _, r := range m.results {
			p50, p99 = append(p50, float64(r.P50)/1000), append(p99, float64(r.P99)/1000)
		}
		rate, echoRate, ofRate, ofCPU := median(m.rates()), "", "", ""
		if m.echo != nil {
			ratios := m.ofEcho(measured.rates)
			n := len(ratios)
			echoRate = fmt.Sprintf("%.0f", median(m.echo.rates()))
			ofRate = fmt.Sprintf("%.0f %% (%.0f to %.0f)", 100*median(ratios), 100*ratios[n/4], 100*ratios[n-1-n/4])
			ofCPU = fmt.Sprintf("%.2f", median(m.ofEcho(measured.cost)))
		}
		fmt.Fprintf(&b, "| %s | %d | %.0f | %.0f | %s | %s | %.2f ms | %.2f ms | %.0f µs | %s | %d |\n", m.name, m.order.Connections, rate, rate*float64(m.rows), echoRate, ofRate,
			median(p50), median(p99), median(m.cpu), ofCPU, m.results[0].Bytes)
	}
	again, disturbed := 0, 0
	for _, m := range all {
		again, disturbed = again+m.again, disturbed+m.disturbed
		if m.echo != nil {
			again, disturbed = again+m.echo.again, disturbed+m.echo.disturbed
		}
	}
	fmt.Fprintf(&b, "\n%d measurements were taken again and %d kept although others had more than 2 %% of a core meanwhile.\n", again, disturbed)
	return b.String()
}
