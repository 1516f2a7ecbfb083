package chengine_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"puenktlich/internal/localstack/chengine"
)

// TestKilledEngineKeepsAcknowledgedBatches kills the engine while batches
// arrive, three times over, and looks for every batch that was acknowledged.
func TestKilledEngineKeepsAcknowledgedBatches(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[uint64]bool{}
	for round := range 3 {
		p := own(t, dir)
		conn := open(t, optionsFor(p.addr), clickhouse.CompressionLZ4)
		if round == 0 {
			execute(t, conn, "CREATE TABLE kept (batch UInt64, n UInt64) ENGINE = MergeTree ORDER BY (batch, n)")
		}
		checkKept(t, conn, acknowledged)
		insertUntilKilled(t, conn, p, uint64(round)*1000, acknowledged)
	}
	p := own(t, dir)
	checkKept(t, open(t, optionsFor(p.addr), clickhouse.CompressionLZ4), acknowledged)
	if len(acknowledged) < 30 {
		t.Errorf("only %d batches were acknowledged", len(acknowledged))
	}
	if !p.stop() {
		t.Error("the engine did not end by itself")
	}
}

const keptRows = 1000 // in one batch

func insertUntilKilled(t *testing.T, conn driver.Conn, p *process, first uint64, acknowledged map[uint64]bool) {
	t.Helper()
	for batch := first; ; batch++ {
		if batch == first+20 {
			go p.cmd.Process.Kill()
		}
		b, err := conn.PrepareBatch(t.Context(), "INSERT INTO kept")
		for n := uint64(0); err == nil && n < keptRows; n++ {
			err = b.Append(batch, n)
		}
		if err == nil {
			err = b.Send()
		}
		if err != nil {
			<-p.exited
			return
		}
		acknowledged[batch] = true
	}
}

func checkKept(t *testing.T, conn driver.Conn, acknowledged map[uint64]bool) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT batch, count() FROM kept GROUP BY batch")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[uint64]uint64{}
	for rows.Next() {
		var batch, count uint64
		if err := rows.Scan(&batch, &count); err != nil {
			t.Fatal(err)
		}
		if found[batch] = count; count != keptRows {
			t.Errorf("batch %d has %d of %d rows", batch, count, keptRows)
		}
	}
	for batch := range acknowledged {
		if found[batch] == 0 {
			t.Errorf("acknowledged batch %d is lost", batch)
		}
	}
}

func TestStopEndsRunningStatements(t *testing.T) {
	t.Parallel()
	p := own(t, t.TempDir())
	conn := open(t, optionsFor(p.addr), clickhouse.CompressionLZ4)
	done := make(chan error, 1)
	go func() {
		done <- conn.Exec(t.Context(), "SELECT 'endless', sum(cityHash64(number)) FROM numbers(2000000000000)")
	}()
	eventually(t, "the query runs", func() bool { return running(t, conn, "endless") > 0 })
	begin := time.Now()
	if !p.stop() {
		t.Error("the engine did not end by itself")
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("stopping took %s", took)
	}
	if err := <-done; err == nil {
		t.Error("a killed statement reported success")
	}
}

func TestMemoryCap(t *testing.T) {
	t.Parallel()
	conn := open(t, optionsFor(engine(t).addr), clickhouse.CompressionLZ4)
	equal(t, "max_server_memory_usage", one[string](t, conn, "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"), fmt.Sprint(memoryCap))
}

// TestStartProblems: every sentence says what is wrong and what to do.
func TestStartProblems(t *testing.T) {
	t.Parallel()
	shared := engine(t)
	text := filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(text, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	occupied, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer occupied.Close()
	plain := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir, setting string
		want               []string
	}{
		{"library missing", t.TempDir(), "PUENKTLICH_LIBCHDB=/nowhere/libchdb.so", []string{"/nowhere/libchdb.so is missing", "run `make setup`"}},
		{"not a library", t.TempDir(), "PUENKTLICH_LIBCHDB=" + text, []string{text, "load", "`make setup`"}},
		{"another library", t.TempDir(), "PUENKTLICH_LIBCHDB=" + libc(t), []string{"has no function chdb_", "`make setup`"}},
		{"directory in use", shared.dir, "", []string{shared.dir, "locked by another engine", fmt.Sprint("process ", shared.cmd.Process.Pid)}},
		{"directory is a file", plain, "", []string{plain, "not a directory"}},
		{"port taken", t.TempDir(), listenEnv + "=" + occupied.Addr().String(), []string{"port taken", occupied.Addr().String()}},
	} {
		p, err := start(c.dir, c.setting)
		if err == nil {
			p.stop()
			t.Errorf("%s: started", c.name)
			continue
		}
		for _, part := range c.want {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", c.name, err, part)
			}
		}
	}
}

// libc is a library that loads and is not the engine.
func libc(t *testing.T) string {
	t.Helper()
	for _, pattern := range []string{"/lib/*/libm.so.6", "/lib64/libm.so.6", "/usr/lib/*/libm.so.6"} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	t.Fatal("no libm.so.6 on this machine: the engine needs glibc")
	return ""
}

func TestDiskFull(t *testing.T) {
	t.Parallel()
	err := chengine.CheckFree("/data", 10<<20)
	if err == nil || !strings.Contains(err.Error(), "disk full: 10 MiB are free") {
		t.Errorf("got %v", err)
	}
	if err := chengine.CheckFree("/data", 1<<30); err != nil {
		t.Errorf("a GiB free: %v", err)
	}
}

func TestOptionProblems(t *testing.T) {
	t.Parallel()
	err := chengine.Serve(t.Context(), chengine.Options{Listen: "0.0.0.0:8123"}, nil)
	for _, part := range []string{"not on loopback", "no password", "no data directory", "no library path"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
	for _, listen := range []string{"8123", "example.org:1", "10.0.0.1:1", ":8123"} {
		opts := chengine.Options{Listen: listen, Password: token, DataDir: t.TempDir(), LibraryPath: "/nowhere"}
		if err := chengine.Serve(t.Context(), opts, nil); err == nil || !strings.Contains(err.Error(), "listen address") {
			t.Errorf("%s: %v", listen, err)
		}
	}
	if errors.Unwrap(err) == nil {
		t.Error("the problems are not wrapped")
	}
}

// TestGreeting: revision 0 is what makes the driver read plain Native. A new
// version of the driver that ignores it must fail here.
func TestGreeting(t *testing.T) {
	t.Parallel()
	conn := open(t, optionsFor(engine(t).addr), clickhouse.CompressionNone)
	version, err := conn.ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "revision", version.Revision, 0)
	equal(t, "version", fmt.Sprintf("%d.%d", version.Version.Major, version.Version.Minor), "26.7")
}

// TestAbandonedInsertLeavesNothing: half a body is no batch.
func TestAbandonedInsertLeavesNothing(t *testing.T) {
	t.Parallel()
	addr := engine(t).addr
	conn := open(t, optionsFor(addr), clickhouse.CompressionLZ4)
	name := table(t, conn, "CREATE TABLE %s (n UInt64) ENGINE = MergeTree ORDER BY n")
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(raw, "POST /?query=INSERT+INTO+%s+FORMAT+CSV&user=%s&password=%s HTTP/1.1\r\nHost: engine\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1\n2\n\r\n", name, user, token)
	eventually(t, "the insert runs", func() bool { return running(t, conn, "INSERT INTO "+name) > 0 })
	raw.Close()
	eventually(t, "the insert ends", func() bool { return running(t, conn, "INSERT INTO "+name) == 0 })
	equal(t, "rows", one[uint64](t, conn, "SELECT count() FROM "+name), 0)
}
