package train

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

// stint is one piece of a run's work: when it began, and what it costs.
type stint struct {
	startedAt time.Time // domain time
	began     time.Time // real time
}

// startWork begins to measure. The pool trains one at a time, so that the
// process's peak is the run's.
func (a *Activities) startWork() stint {
	resetPeakMemory()
	return stint{startedAt: a.Clock.Now(), began: time.Now()}
}

// cost is the real time since the work began, and the highest resident memory
// of the process in it; 0 where the system does not tell.
func (s stint) cost() (seconds float64, peakBytes uint64) {
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
