package localstack

import "time"

// restartPolicy says how a child that ends by itself is started again.
type restartPolicy struct {
	first  time.Duration // wait after one failure within the window, doubled by each further one
	most   time.Duration // upper bound of the wait
	limit  int           // failures within the window at which the child is given up
	window time.Duration
}

// defaultRestarts waits 0.25, 0.5, 1 and 2 seconds and gives up at the fifth
// failure within a minute.
var defaultRestarts = restartPolicy{first: 250 * time.Millisecond, most: 8 * time.Second, limit: 5, window: time.Minute}

// restarts counts one child's failures.
type restarts struct {
	restartPolicy
	recent []time.Time
}

func (p restartPolicy) begin() *restarts { return &restarts{restartPolicy: p} }

// failure records one at now and returns how long to wait before the next start,
// or that there is to be none.
func (r *restarts) failure(now time.Time) (wait time.Duration, giveUp bool) {
	for len(r.recent) > 0 && now.Sub(r.recent[0]) > r.window {
		r.recent = r.recent[1:]
	}
	r.recent = append(r.recent, now)
	if len(r.recent) >= r.limit {
		return 0, true
	}
	return min(r.first<<(len(r.recent)-1), r.most), false
}
