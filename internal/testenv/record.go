package testenv

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
)

// record makes benchmarks write the tables of a page of the documentation.
var record = flag.String("record", "", "`file` whose tables benchmarks write anew, between their marks")

// Record puts a Markdown table into the page named by -record, between the
// lines
//
//	<!-- NAME: written by make TARGET -->
//	<!-- end of NAME -->
//
// and adds where it was measured. Without the flag it does nothing.
func Record(tb testing.TB, name, table string) {
	tb.Helper()
	if *record == "" {
		return
	}
	page, err := os.ReadFile(*record)
	if err != nil {
		tb.Fatalf("record %s: %v", name, err)
	}
	begin, end := fmt.Sprintf("<!-- %s: written by make ", name), fmt.Sprintf("<!-- end of %s -->", name)
	before, rest, found := strings.Cut(string(page), begin)
	target, rest, named := strings.Cut(rest, "\n")
	_, after, closed := strings.Cut(rest, end)
	if !found || !named || !closed {
		tb.Fatalf("record %s: %s has no lines %q and %q", name, *record, begin+"... -->", end)
	}
	written := before + begin + target + "\n" + table + "\n" + machine() + "\n" + end + after
	if err := os.WriteFile(*record, []byte(written), 0o644); err != nil {
		tb.Fatalf("record %s: %v", name, err)
	}
}

// machine is where and under which load something was measured.
func machine() string {
	model := "processor unknown"
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	return fmt.Sprintf("Measured on %d cores (%s), %s; %s processes wanted one at the end.", runtime.NumCPU(), model, runtime.Version(), Load())
}

// Load is how many processes wanted a core in the last minute, as the system
// averages it.
func Load() string {
	load, _ := os.ReadFile("/proc/loadavg")
	one, _, _ := strings.Cut(string(load), " ")
	return one
}
