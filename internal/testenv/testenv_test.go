package testenv_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// Every test gets a place of its own on one server.
func TestPlacesDiffer(t *testing.T) {
	t.Parallel()
	one, two := testenv.ClickHouse(t), testenv.ClickHouse(t)
	if one.Addr != two.Addr || one.Database == two.Database {
		t.Errorf("ClickHouse: %+v and %+v, want one address and two databases", one, two)
	}
	first, second := testenv.S3(t), testenv.S3(t)
	if first.Endpoint != second.Endpoint || first.Bucket == second.Bucket {
		t.Errorf("S3: %+v and %+v, want one endpoint and two buckets", first, second)
	}
	for _, url := range []string{one.Addr + "/ping", first.Endpoint + "/health"} {
		response, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", url, response.Status)
		}
	}
}

// crashSwitch makes the program start both servers, say where, and die without
// a word to them.
const crashSwitch = "PUENKTLICH_TESTENV_CRASH"

func TestCrash(t *testing.T) {
	if os.Getenv(crashSwitch) == "" {
		return // run by TestServersEndWithACrashedParent alone
	}
	_, _ = os.Stderr.WriteString("servers " + testenv.ClickHouse(t).Addr + "/ping " + testenv.S3(t).Endpoint + "/health\n")
	process, err := os.FindProcess(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	_ = process.Kill()
	select {}
}

func TestServersEndWithACrashedParent(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestCrash$")
	cmd.Env = append(os.Environ(), crashSwitch+"=1")
	out, _ := cmd.CombinedOutput()
	_, line, found := strings.Cut(string(out), "servers ")
	urls := strings.Fields(line)
	if !found || len(urls) < 2 {
		t.Fatalf("no servers: %s", out)
	}
	for _, url := range urls[:2] {
		waitSilent(t, url)
	}
}

// waitSilent waits until nothing answers, which a server with statements
// inside may take seconds for.
func waitSilent(t *testing.T, url string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(30 * time.Second)
	for {
		response, err := http.Get(url)
		if err != nil {
			return
		}
		_ = response.Body.Close()
		select {
		case <-tick.C:
		case <-deadline:
			t.Errorf("%s still answers: %s", url, response.Status)
			return
		}
	}
}
