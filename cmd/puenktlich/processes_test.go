package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// standBack lets the servers that run so far stand back behind the load generator, with
// which they share a core: one that ClickHouse keeps from asking would measure itself.
func standBack(tb testing.TB) {
	tb.Helper()
	const niceness = 10
	for _, pid := range childrenOf(tb, os.Getpid()) {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
		require.NoError(tb, err)
		for _, thread := range threads {
			id, err := strconv.Atoi(filepath.Base(thread))
			require.NoError(tb, err)
			if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, niceness); err != nil {
				require.ErrorIs(tb, err, syscall.ESRCH, "a thread that has ended") // those it began have its niceness
			}
		}
	}
}

// childrenOf lists the processes that a process has started and that still run.
func childrenOf(tb testing.TB, pid int) (all []int) {
	tb.Helper()
	lists, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	require.NoError(tb, err)
	for _, list := range lists {
		text, err := os.ReadFile(list)
		require.NoError(tb, err)
		for _, field := range strings.Fields(string(text)) {
			child, err := strconv.Atoi(field)
			require.NoError(tb, err)
			all = append(all, child)
		}
	}
	require.NotEmpty(tb, all, "the servers are processes of their own")
	return all
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
	return time.Duration(user+system) * tick
}

// tick is the unit of /proc.
const tick = 10 * time.Millisecond

// stolenTime is how long the machine's cores were given to others, all cores together.
func stolenTime(tb testing.TB) time.Duration {
	tb.Helper()
	text, err := os.ReadFile("/proc/stat")
	require.NoError(tb, err)
	first, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(first) // cpu user nice system idle iowait irq softirq steal ...
	require.Greater(tb, len(fields), 8, first)
	ticks, err := strconv.Atoi(fields[8])
	require.NoError(tb, err)
	return time.Duration(ticks) * tick
}
