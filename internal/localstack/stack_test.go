package localstack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
)

// idle are options whose servers are programs that never answer.
func idle(t *testing.T) Options {
	t.Helper()
	program := filepath.Join(t.TempDir(), "server")
	writeFile(t, program, "#!/bin/sh\necho will not serve >&2\nexit 4\n")
	return Options{
		DataDir:       filepath.Join(t.TempDir(), "data"),
		Components:    Components{Temporal: program, Versitygw: program, LibChDB: program},
		EngineCommand: []string{program},
	}
}

func TestStartNamesTheTakenPort(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() }) // after the parallel subtests
	port := l.Addr().(*net.TCPAddr).Port
	tests := map[string]struct {
		ports   Ports
		setting string
	}{
		"Temporal":        {Ports{Temporal: port}, "PUENKTLICH_TEMPORAL_PORT"},
		"the Temporal UI": {Ports{TemporalUI: port}, "PUENKTLICH_TEMPORAL_UI_PORT"},
		"S3":              {Ports{S3: port}, "PUENKTLICH_S3_PORT"},
		"ClickHouse":      {Ports{ClickHouse: port}, "PUENKTLICH_CLICKHOUSE_PORT"},
	}
	for server, tt := range tests {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			opts := idle(t)
			opts.Ports = tt.ports
			_, err := Start(t.Context(), opts)
			var taken *PortTakenError
			if !errors.As(err, &taken) {
				t.Fatalf("error %v, want one about the port", err)
			}
			want := fmt.Sprintf("port %d for %s is taken by another program: stop that one, or set %s to another port (0 picks a free one)", port, server, tt.setting)
			if taken.Error() != want {
				t.Errorf("got  %s\nwant %s", taken, want)
			}
		})
	}
}

func TestStartRefusesAPortThatIsNone(t *testing.T) {
	t.Parallel()
	opts := idle(t)
	opts.Ports.S3 = 70000
	_, err := Start(t.Context(), opts)
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "port 70000 for S3 is no port number", SettingS3Port)
}

func TestAPortThatBecomesFreeIsWaitedFor(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	time.AfterFunc(200*time.Millisecond, func() { _ = l.Close() })
	if got, err := claim(port, "S3", SettingS3Port); got != port || err != nil {
		t.Errorf("claimed %d, error %v", got, err)
	}
}

func TestStartQuotesTheLogOfAServerThatDies(t *testing.T) {
	t.Parallel()
	opts := idle(t)
	_, err := Start(t.Context(), opts)
	var child *ChildError
	if !errors.As(err, &child) {
		t.Fatalf("error %v, want one about a child", err)
	}
	mustContain(t, err.Error(), "exit status 4", "will not serve", filepath.Join("data", "logs"))
	// The directory is free again.
	_, err = Start(t.Context(), opts)
	if !errors.As(err, &child) {
		t.Errorf("error of the second start %v, want one about a child", err)
	}
}

func TestStartNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := Start(t.Context(), Options{DataDir: t.TempDir()})
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "the Temporal server is missing", "the S3 gateway is missing", "the ClickHouse library is missing", "run set-up first", "no command given")
}

func TestADataDirectoryHasOneStack(t *testing.T) {
	t.Parallel()
	opts := idle(t)
	first, err := prepare(opts)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Start(t.Context(), opts)
	if err == nil {
		t.Fatal("a second stack was started on the same directory")
	}
	mustContain(t, err.Error(), opts.DataDir+" is in use", "as process "+strconv.Itoa(os.Getpid())+";", SettingDataDir)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if second, err := prepare(opts); err != nil {
		t.Errorf("after Stop: %v", err)
	} else {
		_ = second.Stop(t.Context())
	}
}

func TestCheckFree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := checkFree(dir, 1); err != nil {
		t.Error(err)
	}
	err := checkFree(dir, 1<<60)
	if err == nil {
		t.Fatal("no error")
	}
	// 2^60 bytes are 2^40 MiB.
	mustContain(t, err.Error(), "the disk of "+dir+" is nearly full", "1099511627776 MiB needed")
}

func TestSecretsAreMadeOnceAndPrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := loadSecrets(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadSecrets(dir)
	if err != nil || again != first || first.S3AccessKey == first.S3SecretKey || len(first.S3SecretKey) < 20 {
		t.Errorf("%+v, then %+v, error %v", first, again, err)
	}
	path := filepath.Join(dir, "secrets.json")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
	writeFile(t, path, `{"s3_access_key": "a"}`)
	if _, err := loadSecrets(dir); err == nil || !strings.Contains(err.Error(), path+" is damaged: remove it") {
		t.Errorf("error %v", err)
	}
}

func TestADatabaseCutShortIsBegunAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	db := filepath.Join(dir, "temporal.db")
	writeFile(t, db, "half")
	if got, err := temporalDatabase(dir); err != nil || got != db || exists(db) {
		t.Errorf("%s, error %v, still there: %v", got, err, exists(db))
	}
	writeFile(t, db, "whole")
	if err := markDatabase(db); err != nil {
		t.Fatal(err)
	}
	if _, err := temporalDatabase(dir); err != nil || readFile(t, db) != "whole" {
		t.Errorf("a complete database was touched, error %v", err)
	}
}

func TestServersGivenByAddressAreWaitedFor(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ping" {
			_, _ = w.Write([]byte("Ok.\n"))
			return
		}
		w.WriteHeader(http.StatusForbidden)
	}))
	defer server.Close()
	out := &lines{}
	s := &Stack{
		Supervisor: NewSupervisor(t.TempDir(), out),
		opts:       Options{External: Addresses{Temporal: "h:1", S3Endpoint: server.URL, ClickHouseAddr: strings.TrimPrefix(server.URL, "http://")}},
		stopped:    make(chan struct{}),
	}
	s.addresses = s.opts.External
	for _, describe := range []func() (service, error){s.s3Service, s.clickHouseService} {
		svc, err := describe()
		if err != nil {
			t.Fatal(err)
		}
		if err := s.awaitExternal(t.Context(), svc, 5*time.Second); err != nil {
			t.Error(err)
		}
	}
	mustContain(t, out.String(), "s3 at "+server.URL+" answers", "clickhouse at ")
	if pid := s.Pid(ChildS3); pid != 0 {
		t.Errorf("a gateway was started as %d", pid)
	}
}

func TestAServerGivenByAddressThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	port, err := pickPort("a test")
	if err != nil {
		t.Fatal(err)
	}
	s := &Stack{Supervisor: NewSupervisor(t.TempDir(), nil), opts: Options{External: Addresses{Temporal: loopbackAddr(port)}}}
	s.addresses = s.opts.External
	svc, err := s.temporalService()
	if err != nil {
		t.Fatal(err)
	}
	err = s.awaitExternal(t.Context(), svc, 300*time.Millisecond)
	if err == nil {
		t.Fatal("no error")
	}
	mustContain(t, err.Error(), "temporal at "+loopbackAddr(port)+" was not ready within 300ms", "start it, or correct "+SettingTemporalAddress)
}

func TestAnS3EndpointMustBeAURL(t *testing.T) {
	t.Parallel()
	s := &Stack{opts: Options{External: Addresses{S3Endpoint: "minio:9000"}}}
	_, err := s.s3Service()
	if err == nil || !strings.Contains(err.Error(), `S3 at "minio:9000": not a URL`) {
		t.Errorf("error %v", err)
	}
}

func TestWaitReturnsOnStop(t *testing.T) {
	t.Parallel()
	s, err := prepare(idle(t))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Wait() }()
	if err := errors.Join(s.Stop(t.Context()), s.Stop(t.Context())); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestRealStack obtains the real servers where the cache lacks them, starts
// them, kills one, and starts all again on the same data.
func TestRealStack(t *testing.T) {
	cache, err := DefaultCacheDir(os.Getenv)
	if err != nil {
		t.Fatal(err)
	}
	setupLines := &lines{}
	setup := SetupOptions{CacheDir: cache, ToolsDir: "../../tools", Out: setupLines}
	if _, err := Setup(t.Context(), setup); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	components, err := Setup(t.Context(), setup)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("set-up:\n%s\nsecond set-up took %v", setupLines, time.Since(began))
	out := &lines{}
	opts := Options{
		DataDir:       t.TempDir(),
		Components:    components,
		EngineCommand: engineCommand(),
		Out:           out,
		SearchAttributes: []SearchAttribute{
			{"PuenktlichDigest", enumspb.INDEXED_VALUE_TYPE_KEYWORD},
			{"PuenktlichAsOf", enumspb.INDEXED_VALUE_TYPE_DATETIME},
		},
	}
	first := startReal(t, opts)
	killAndAwait(t, first, ChildS3)
	killAndAwait(t, first, ChildTemporal)
	killAndAwait(t, first, ChildClickHouse)
	stopReal(t, first)
	opts.SearchAttributes = append(opts.SearchAttributes, SearchAttribute{"PuenktlichRows", enumspb.INDEXED_VALUE_TYPE_INT})
	second := startReal(t, opts)
	if first.Addresses().S3SecretKey != second.Addresses().S3SecretKey {
		t.Error("the second start has other secrets")
	}
	stopReal(t, second)
	t.Logf("progress:\n%s", out)
	mustContain(t, out.String(), "temporal ready in", "UI http://127.0.0.1:", "s3 ready in", "clickhouse ready in", "temporal ready again in", "clickhouse ready again in")
}

func startReal(t *testing.T, opts Options) *Stack {
	t.Helper()
	began := time.Now()
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.Background()) })
	t.Logf("start took %v", time.Since(began))
	checkReal(t, s)
	return s
}

// checkReal asks each server something a stranger could not answer.
func checkReal(t *testing.T, s *Stack) {
	t.Helper()
	a := s.Addresses()
	if err := temporalReady(a.Temporal, s.opts.SearchAttributes)(t.Context()); err != nil {
		t.Errorf("temporal: %v", err)
	}
	if err := answersHTTP(a.TemporalUI, "")(t.Context()); err != nil {
		t.Errorf("temporal UI: %v", err)
	}
	if got := get(t, a.S3Endpoint, "", ""); !strings.Contains(got, "AccessDenied") {
		t.Errorf("S3 answered a stranger %q, want AccessDenied", got)
	}
	query := "http://" + a.ClickHouseAddr + "/?query=SELECT+1&default_format=JSONCompact"
	var answer struct{ Data [][]int }
	if got := get(t, query, a.ClickHouseUser, a.ClickHousePassword); json.Unmarshal([]byte(got), &answer) != nil || len(answer.Data) != 1 || answer.Data[0][0] != 1 {
		t.Errorf("ClickHouse answered %q, want 1", got)
	}
	if got := get(t, query, a.ClickHouseUser, "wrong"); strings.Contains(got, "data") {
		t.Errorf("ClickHouse answered a stranger %q", got)
	}
}

func get(t *testing.T, url, user, password string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if user == "" {
		req.Method = http.MethodGet
	} else {
		req.Header.Set("X-ClickHouse-User", user)
		req.Header.Set("X-ClickHouse-Key", password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body := make([]byte, 4096)
	n, _ := resp.Body.Read(body)
	return string(body[:n])
}

func killAndAwait(t *testing.T, s *Stack, name string) {
	t.Helper()
	pid := s.Pid(name)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "another "+name, func() bool { now := s.Pid(name); return now != 0 && now != pid })
	eventually(t, "answers of "+name, func() bool {
		a := s.Addresses()
		return temporalReady(a.Temporal, nil)(t.Context()) == nil &&
			answersHTTP(a.S3Endpoint, "")(t.Context()) == nil &&
			answersHTTP("http://"+a.ClickHouseAddr+"/ping", "Ok.\n")(t.Context()) == nil
	})
}

func stopReal(t *testing.T, s *Stack) {
	t.Helper()
	pids := []int{s.Pid(ChildTemporal), s.Pid(ChildS3), s.Pid(ChildClickHouse)}
	began := time.Now()
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("stop took %v", time.Since(began))
	for _, pid := range pids {
		if pid == 0 || !gone(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
}
