// Package meter says what the work on a run costs, and on which machine it was done.
package meter

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// Stint is one piece of a run's work: when it began, and what it costs.
type Stint struct {
	StartedAt time.Time // domain time
	began     time.Time // real time
}

// Start begins to measure at this moment of domain time. The train pool does one
// piece of work at a time, so that the process's peak is the run's.
func Start(now time.Time) Stint {
	resetPeakMemory()
	return Stint{StartedAt: now, began: time.Now()}
}

// Cost is the real time since the work began, and the highest resident memory
// of the process in it, in bytes; 0 where the system does not tell.
func (s Stint) Cost() (seconds float64, peakBytes uint64) {
	return time.Since(s.began).Seconds(), peakMemory()
}

// Files of Linux, see proc_pid_status(5) and proc_pid_clear_refs(5).
const (
	statusFile    = "/proc/self/status"
	clearRefsFile = "/proc/self/clear_refs"
)

// resetPeakMemory makes the present memory the peak. Where that is not
// possible, the peak is that of the process so far.
func resetPeakMemory() {
	_ = os.WriteFile(clearRefsFile, []byte("5"), 0)
}

func peakMemory() uint64 {
	status, err := os.ReadFile(statusFile)
	if err != nil {
		return 0
	}
	for line := range bytes.Lines(status) {
		words := bytes.Fields(line)
		if len(words) == 3 && string(words[0]) == "VmHWM:" { // VmHWM: 1234 kB
			kilobytes, err := strconv.ParseUint(string(words[1]), 10, 64)
			if err != nil {
				return 0
			}
			return kilobytes << 10
		}
	}
	return 0
}
