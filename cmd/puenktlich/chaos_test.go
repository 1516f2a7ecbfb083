package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/access"
	"puenktlich/internal/localstack"
	"puenktlich/schemas"
)

// TestNothingAcknowledgedIsLost puts an API process under load while its champion
// is switched again and again, ClickHouse is killed and comes back, and the process
// itself is killed and started anew. Every prediction whose id a caller got is in
// ClickHouse, once.
func TestNothingAcknowledgedIsLost(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.collectMorning()
	versions := []schemas.PackageRef{s.tinyPackage(1), s.tinyPackage(2)}
	s.promote(versions[0])
	_, secret, err := s.book().Create(t.Context(), access.Wanted{Name: "load", Role: access.RolePredict}, time.Now())
	require.NoError(t, err)
	server := s.newServer("chaos-1")
	server.start()
	plain, _ := s.forecastPaths(t, server.address, secret, s.asOf)
	load := startLoad(t, loadOrder{Address: server.address, Header: "Authorization: Bearer " + secret + "\r\n", Paths: plain, Connections: 16, Seconds: 40,
		IDs: filepath.Join(t.TempDir(), "ids")})
	switched := make(chan int, 1)
	go func() { switched <- s.switchUntil(load.ended, versions) }()

	load.await(t, 500)
	clickhouse := s.stack.Pid(localstack.ChildClickHouse)
	require.NoError(t, syscall.Kill(clickhouse, syscall.SIGKILL))
	load.await(t, load.count()+500) // answered while the store is away
	require.Eventually(t, func() bool {
		pid := s.stack.Pid(localstack.ChildClickHouse)
		return pid != 0 && pid != clickhouse && s.query(t, "SELECT 1") == "1"
	}, time.Minute, 100*time.Millisecond, "the engine is started anew")
	load.await(t, load.count()+500)
	server.kill()
	server.start()
	load.await(t, load.count()+500)
	result := load.wait(t)
	switches := <-switched
	t.Logf("%d answers in %.0f s, %d attempts failed while the process was away, %d switches", result.Requests, result.Seconds, result.Failed, switches)
	require.GreaterOrEqual(t, switches, 3)

	acknowledged := load.ids()
	require.Len(t, acknowledged, result.Requests)
	var stored map[string]int
	require.Eventually(t, func() bool {
		stored = s.storedRequests(t)
		for id := range acknowledged {
			if stored[id] == 0 {
				return false
			}
		}
		return true
	}, time.Minute, 500*time.Millisecond, "%d acknowledged, %d stored", len(acknowledged), len(stored))
	digests := map[string]bool{}
	for id, rows := range stored {
		require.Equal(t, 1, rows, "prediction %s", id)
	}
	for digest := range strings.FieldsSeq(s.query(t, "SELECT DISTINCT digest FROM predictions WHERE source = 'request'")) {
		digests[digest] = true
	}
	require.Equal(t, map[string]bool{versions[0].Digest: true, versions[1].Digest: true}, digests, "both packages answered")
}

// switchUntil makes the other version champion, again and again.
func (s *system) switchUntil(ended <-chan struct{}, versions []schemas.PackageRef) (switches int) {
	ask := promoter{s.temporal}
	for {
		select {
		case <-ended:
			return switches
		default:
		}
		_, err := ask.Promote(s.t.Context(), "", schemas.PromoteRequest{Package: versions[(switches+1)%2], Actor: "anna", Reason: "another one"})
		if err != nil {
			s.t.Errorf("switch %d: %v", switches, err)
			return switches
		}
		switches++
	}
}

// loadRun is a load generator under way.
type loadRun struct {
	file  string
	cmd   *exec.Cmd
	out   bytes.Buffer
	ended chan struct{}
	err   error
}

func startLoad(t *testing.T, order loadOrder) *loadRun {
	t.Helper()
	in, err := json.Marshal(order)
	require.NoError(t, err)
	l := &loadRun{file: order.IDs, cmd: exec.Command(os.Args[0], "load"), ended: make(chan struct{})}
	l.cmd.Stdin, l.cmd.Stdout, l.cmd.Stderr = bytes.NewReader(in), &l.out, os.Stderr
	require.NoError(t, l.cmd.Start())
	go func() {
		l.err = l.cmd.Wait()
		close(l.ended)
	}()
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		<-l.ended
	})
	return l
}

// count is how many answers were acknowledged so far.
func (l *loadRun) count() int {
	info, err := os.Stat(l.file)
	if err != nil {
		return 0
	}
	return int(info.Size()) / 37 // an id and its line's end
}

func (l *loadRun) await(t *testing.T, answers int) {
	t.Helper()
	require.Eventually(t, func() bool { return l.count() >= answers }, 30*time.Second, 20*time.Millisecond, "%d answers", answers)
}

func (l *loadRun) wait(t *testing.T) (result loadResult) {
	t.Helper()
	<-l.ended
	require.NoError(t, l.err)
	require.NoError(t, json.Unmarshal(l.out.Bytes(), &result))
	return result
}

func (l *loadRun) ids() map[string]bool {
	all := map[string]bool{}
	body, _ := os.ReadFile(l.file)
	for id := range strings.FieldsSeq(string(body)) {
		all[id] = true
	}
	return all
}

// storedRequests counts the rows of every prediction that consumers asked for.
func (s *system) storedRequests(t *testing.T) map[string]int {
	rows := map[string]int{}
	for id := range strings.FieldsSeq(s.query(t, "SELECT prediction_id FROM predictions WHERE source = 'request'")) {
		rows[id]++
	}
	return rows
}

// query asks the engine itself, past everything of ours; empty while it is away.
func (s *system) query(t testing.TB, sql string) string {
	t.Helper()
	at := s.config.ClickHouseAddress + "/?" + url.Values{"user": {s.config.ClickHouseUser}, "password": {s.config.ClickHousePassword}, "database": {s.config.ClickHouseDatabase}}.Encode()
	response, err := http.Post(at, "text/plain", strings.NewReader(sql))
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		return ""
	}
	return strings.TrimSpace(string(body))
}
