package testenv_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/testenv"
)

// busy uses a core for that much processor time, as the meter counts it.
func busy(t *testing.T, m *testenv.Meter, want time.Duration) {
	t.Helper()
	for sum := 0; ; sum++ {
		if sum%10_000_000 == 0 && m.Stop().ProgramCPU >= want {
			return
		}
	}
}

// Tests of what is measured run alone in the program: no t.Parallel.
func TestMeterCountsProcessorTimeAndMemory(t *testing.T) {
	m := testenv.StartMeter(t)
	busy(t, m, 50*time.Millisecond)
	held := make([]byte, 64<<20)
	for i := 0; i < len(held); i += 4096 {
		held[i] = 1
	}
	used := m.Stop()
	if used.ProgramCPU < 50*time.Millisecond || used.CPU < used.ProgramCPU || used.Wall <= 0 {
		t.Errorf("after 50 ms of work: %+v", used)
	}
	if used.PeakBytes < 64<<20 {
		t.Errorf("64 MiB are held, the peak is %d bytes", used.PeakBytes)
	}
	if next := testenv.StartMeter(t).Stop(); next.ProgramCPU >= used.ProgramCPU {
		t.Errorf("a new meter begins with %s", next.ProgramCPU)
	}
	held[0] = 2 // held until here
}

// Servers count, also those that a server of ours starts.
func TestMeterSeesServers(t *testing.T) {
	testenv.S3(t)
	if used := testenv.StartMeter(t).Stop(); used.ServersPeakBytes < 1<<20 {
		t.Errorf("an S3 server in %d bytes", used.ServersPeakBytes)
	}
}

func TestRecordWritesBetweenItsMarks(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	write := func(text string) {
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("before\n<!-- one: written by make scale -->\nold\n<!-- end of one -->\nafter\n")
	testenv.Record(t, "one", "unseen") // without the flag nothing is written
	if err := flag.Set("record", page); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = flag.Set("record", "") }()
	for _, table := range []string{"| a |\n", "| b |\n"} {
		testenv.Record(t, "one", table)
		got, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		begin, end := "before\n<!-- one: written by make scale -->\n"+table+"\nMeasured on ", ".\n<!-- end of one -->\nafter\n"
		if text := string(got); !strings.HasPrefix(text, begin) || !strings.HasSuffix(text, end) || strings.Contains(text, "old") {
			t.Errorf("after %q the page is %q", table, text)
		}
	}
}
