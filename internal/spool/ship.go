package spool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	// sendWithin bounds one insert.
	sendWithin = time.Minute
	// maxPause is how long the shipper waits after many failures.
	maxPause = 30 * time.Second
	// givesUp is after how many failures a round ends: the store is away. One
	// segment that it refuses does not keep the others waiting.
	givesUp = 2
)

// Run ships until ctx ends. It returns nil: a store that fails is tried again,
// less and less often.
func (l *Log) Run(ctx context.Context) error {
	pause := l.o.ShipEvery
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.closing:
			return nil
		case <-time.After(pause):
		}
		if err := l.ship(ctx); err != nil && ctx.Err() == nil {
			l.o.Logger.Warn("predictions wait on disk: the store does not take them", "waiting", l.Stats().Records, "retry_in", min(2*pause, maxPause), "error", err)
			pause = min(2*pause, maxPause)
			continue
		}
		pause = l.o.ShipEvery
	}
}

// Drain seals what is collected and ships everything that waits.
func (l *Log) Drain(ctx context.Context) error {
	answer := make(chan struct{})
	select {
	case l.sealNow <- answer:
		<-answer
	case <-l.closing:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	return l.ship(ctx)
}

// ship sends all sealed segments, oldest first.
func (l *Log) ship(ctx context.Context) error {
	l.shipping.Lock()
	defer l.shipping.Unlock()
	l.mu.Lock()
	waiting := append([]*segment(nil), l.sealed...)
	l.mu.Unlock()
	var errs []error
	for _, s := range waiting {
		if err := l.send(ctx, s); err != nil {
			errs = append(errs, err)
			l.o.Metrics.failures.Inc()
		}
		if len(errs) == givesUp || ctx.Err() != nil {
			break
		}
	}
	return errors.Join(errs...)
}

// send brings one segment to the store. Should the process end before the file
// is gone, the same rows go again under the same token.
func (l *Log) send(ctx context.Context, s *segment) error {
	rows, n, err := s.rows()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, sendWithin)
	defer cancel()
	if err := l.o.Store.InsertPredictionRows(ctx, "predictions/"+s.id, rows, n); err != nil {
		return fmt.Errorf("send segment %s: %w", s.id, err)
	}
	if err := os.Remove(s.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove segment that arrived: %w", err)
	}
	l.o.Metrics.shipped.Add(float64(n))
	l.drop(s)
	return nil
}

// drop forgets a segment that arrived.
func (l *Log) drop(s *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, other := range l.sealed {
		if other == s {
			l.sealed = append(l.sealed[:i:i], l.sealed[i+1:]...)
			break
		}
	}
	l.bytes -= s.size
	l.records -= s.records
	l.measure()
}
