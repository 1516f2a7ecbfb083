package testenv

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Usage is what a stretch of a benchmark took.
type Usage struct {
	Wall time.Duration
	// CPU is user and system time of this program and of the servers it started,
	// on all cores together.
	CPU time.Duration
	// ProgramCPU is the part of this program alone.
	ProgramCPU time.Duration
	// PeakBytes is the most memory this program had resident, ServersPeakBytes
	// the sum over its servers of the most each had.
	PeakBytes, ServersPeakBytes int64
}

// Meter measures this program with its servers. Linux alone can tell.
type Meter struct {
	tb      testing.TB
	started time.Time
	before  map[int]time.Duration // processor time by process
}

// StartMeter begins to measure. What ran before does not count, nor the memory
// it gave back.
func StartMeter(tb testing.TB) *Meter {
	tb.Helper()
	m := &Meter{tb: tb, before: map[int]time.Duration{}}
	debug.FreeOSMemory()
	for _, pid := range m.family() {
		m.before[pid] = m.cpu(pid)
		_ = os.WriteFile(proc(pid, "clear_refs"), []byte("5"), 0o600) // 5 resets the peak
	}
	m.started = time.Now()
	return m
}

// Stop answers what was used since the start.
func (m *Meter) Stop() Usage {
	m.tb.Helper()
	u := Usage{Wall: time.Since(m.started)}
	for _, pid := range m.family() {
		cpu, peak := m.cpu(pid)-m.before[pid], m.peak(pid)
		u.CPU += cpu
		if pid == os.Getpid() {
			u.ProgramCPU, u.PeakBytes = cpu, peak
		} else {
			u.ServersPeakBytes += peak
		}
	}
	return u
}

// family is this process and all that came from it.
func (m *Meter) family() []int {
	m.tb.Helper()
	all, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil || len(all) == 0 {
		m.tb.Fatalf("processes of %s: none below /proc: want Linux", os.Args[0])
	}
	parents := map[int]int{}
	for _, path := range all {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if fields := stat(pid); err == nil && fields != nil {
			parents[pid], _ = strconv.Atoi(fields[1])
		}
	}
	family := []int{os.Getpid()}
	for pid := range parents {
		for parent := parents[pid]; parent != 0; parent = parents[parent] {
			if parent == os.Getpid() {
				family = append(family, pid)
				break
			}
		}
	}
	return family
}

// ticksPerSecond is the unit of Linux for the processor time of a process.
const ticksPerSecond = 100

// cpu is user and system time, 0 for a process that is gone.
func (m *Meter) cpu(pid int) time.Duration {
	fields := stat(pid)
	if fields == nil {
		return 0
	}
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond
}

// stat is the fields of /proc/PID/stat from the state on, see proc_pid_stat(5):
// 1 the parent, 11 and 12 user and system time. Nil for a process that is gone.
func stat(pid int) []string {
	text, err := os.ReadFile(proc(pid, "stat"))
	if err != nil {
		return nil
	}
	// The name before them stands in parentheses and may hold anything.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return nil
	}
	return fields
}

// peak is the highest resident memory since it was reset.
func (m *Meter) peak(pid int) int64 {
	text, _ := os.ReadFile(proc(pid, "status"))
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kilobytes, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

func proc(pid int, file string) string { return fmt.Sprintf("/proc/%d/%s", pid, file) }
