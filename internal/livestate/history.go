package livestate

import (
	"context"
	"time"

	"puenktlich/internal/feature"
	"puenktlich/internal/rail"
)

const (
	// historyEvery is how often, wall time, the history in use is read again:
	// truth of an import or of a late settlement enters it.
	historyEvery = 10 * time.Minute
	// historyRetry is the same while the history is empty.
	historyRetry = 15 * time.Second
)

// refreshHistories keeps the histories that cut-offs from Back ago until now
// use. A new one is read at once; those in use from time to time.
func (l *Live) refreshHistories(ctx context.Context, now time.Time) error {
	days := []rail.Day{rail.HistoryBefore(now.Add(-l.o.Back)), rail.HistoryBefore(now)}
	due := l.historyDue(days)
	for i, day := range days {
		if !due || i > 0 && day == days[0] {
			continue
		}
		history, err := History(ctx, l.o.Store, l.o.Source, day)
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.generation.Add(1)
		l.histories[day] = history
		l.mu.Unlock()
	}
	if due {
		l.historyRead = time.Now()
		l.dropHistories(days[0])
	}
	return nil
}

// historyDue says whether a history is missing, empty for a while, or old.
func (l *Live) historyDue(days []rail.Day) bool {
	since := time.Since(l.historyRead)
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, day := range days {
		history := l.histories[day]
		if history == nil || history.Len() == 0 && since >= historyRetry {
			return true
		}
	}
	return since >= historyEvery
}

func (l *Live) dropHistories(before rail.Day) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.generation.Add(1)
	for day := range l.histories {
		if day < before {
			delete(l.histories, day)
		}
	}
}

// history is the one a cut-off uses; while that cannot be read, the newest one
// before it. Nil if there is none. The caller holds the lock.
func (l *Live) history(cutoff time.Time) *feature.History {
	day := rail.HistoryBefore(cutoff)
	if exact := l.histories[day]; exact != nil {
		return exact
	}
	var best rail.Day
	for d := range l.histories {
		if d < day && d > best {
			best = d
		}
	}
	return l.histories[best]
}
