// Package spool is the prediction log on disk. A prediction is durable there
// before anyone sees it, and is brought to ClickHouse in batches, exactly once:
// whole segments under a token that is theirs alone, deleted once they arrived.
//
// Writes are grouped: all who wait share one write and one fsync. A crash at
// any point loses nothing that was acknowledged; what was half written is cut
// off at the next start.
package spool

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// Errors of Append. What was to be appended is not in the log.
var (
	// ErrFull: the disk or the spool's share of it is full.
	ErrFull = errors.New("the prediction log is full")
	// ErrClosed: the log was closed.
	ErrClosed = errors.New("the prediction log is closed")
)

// Store takes batches: n rows one after the other, each a schema.PredictionRow in
// bytes. A batch sent again under its token changes nothing.
type Store interface {
	InsertPredictionRows(ctx context.Context, token string, rows []byte, n int) error
}

// Options of a Log.
type Options struct {
	Dir   string // of its own; made when missing
	Store Store
	// ShipEvery is how long a segment collects before it is sent. Defaults to one
	// second.
	ShipEvery time.Duration
	// SegmentRecords ends a segment early. Defaults to 50,000, one insert:
	// the store has less to do with large ones.
	SegmentRecords int
	// MaxBytes bounds the spool while the store is away. Defaults to 2 GiB, some
	// three million predictions.
	MaxBytes int64
	// Metrics defaults to metrics nobody reads.
	Metrics *Metrics
	// Logger defaults to slog.Default().
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.ShipEvery <= 0 {
		o.ShipEvery = time.Second
	}
	if o.SegmentRecords <= 0 {
		o.SegmentRecords = 50_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 2 << 30
	}
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Log is a prediction log. It is safe for concurrent use; one process holds a
// directory at a time.
type Log struct {
	o        Options
	lock     *os.File
	requests chan *request
	sealNow  chan chan struct{}
	closing  chan struct{}
	writing  sync.WaitGroup
	shipping sync.Mutex

	// These belong to the writer.
	flush  *flusher
	groups [2]int // requests of the last two
	file   *os.File
	active *segment
	number uint64     // of the last segment made
	buf    []byte     // room for a group, used again
	taken  []*request // those of a group

	// gate is held by those who hand a request over; Close shuts it.
	gate   sync.RWMutex
	closed bool

	mu      sync.Mutex
	sealed  []*segment // oldest first
	current *segment   // the writer's active one, for those who look for predictions
	records int        // that have not arrived
	bytes   int64
}

// request is one Append that waits, or somebody to be told.
type request struct {
	rows []schema.PredictionRow
	done chan error
	then func(error) // nil: done is waited for
}

// answer says what became of a request, which is then not the writer's any more.
func (r *request) answer(err error) {
	then := r.then
	if then == nil {
		r.done <- err
		return
	}
	r.rows, r.then = nil, nil
	waiters.Put(r)
	then(err)
}

// waiters are used again, with the channels they wait on.
var waiters = sync.Pool{New: func() any { return &request{done: make(chan error, 1)} }}

// Open takes a directory over and finds what was left there. The caller runs
// Run, which ships, and closes the Log.
func Open(o Options) (*Log, error) {
	o = o.withDefaults()
	l := &Log{o: o, requests: make(chan *request, 256), sealNow: make(chan chan struct{}), closing: make(chan struct{})}
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open prediction log: %w", err)
	}
	if err := l.takeLock(); err != nil {
		return nil, err
	}
	if err := l.recover(); err != nil {
		return nil, errors.Join(fmt.Errorf("open prediction log %s: %w", o.Dir, err), l.releaseLock())
	}
	l.flush = newFlusher(func(why error) {
		l.o.Logger.Warn("prediction log: nobody is served by this processor while the disk writes, for it is flushed by fsync", "error", why)
	})
	l.writing.Go(l.write)
	return l, nil
}

func (l *Log) takeLock() error {
	file, err := os.OpenFile(filepath.Join(l.o.Dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fmt.Errorf("open prediction log: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return fmt.Errorf("prediction log %s is in use by another process: give each instance a data directory of its own", l.o.Dir)
	}
	l.lock = file
	return nil
}

// releaseLock gives the directory up at once. Closing alone would not: a program that
// is being started by this process shares the open file until it runs.
func (l *Log) releaseLock() error {
	return errors.Join(syscall.Flock(int(l.lock.Fd()), syscall.LOCK_UN), l.lock.Close())
}

// recover seals all segments of earlier processes.
func (l *Log) recover() error {
	segments, err := listSegments(l.o.Dir)
	if err != nil {
		return err
	}
	for _, s := range segments {
		cut, err := s.recover()
		if err != nil {
			return err
		}
		if cut > 0 {
			l.o.Logger.Warn("prediction log: a write was cut off when the last process ended; nothing acknowledged was in it", "segment", s.path, "bytes", cut)
		}
		l.number = max(l.number, s.number)
		if s.records == 0 {
			if err := os.Remove(s.path); err != nil {
				return err
			}
			continue
		}
		l.sealed = append(l.sealed, s)
		l.bytes += s.size
		l.records += s.records
	}
	l.measure()
	return nil
}

// Append returns nil when all rows are durable. Any error says that none of them is
// acknowledged; ErrFull that there is no room.
func (l *Log) Append(rows []schema.PredictionRow) error {
	if len(rows) == 0 {
		return nil
	}
	r := waiters.Get().(*request)
	defer waiters.Put(r)
	r.rows = rows
	if !l.hand(r) {
		return ErrClosed
	}
	err := <-r.done // the writer answers everything it was handed
	r.rows = nil
	return err
}

// AppendThen is Append that does not wait: then is called once, when all rows are
// durable or with the error of Append. A goroutine of the log calls it, and must not be
// held up. Where AppendThen itself answers an error, then is never called.
func (l *Log) AppendThen(rows []schema.PredictionRow, then func(error)) error {
	r := waiters.Get().(*request)
	r.rows, r.then = rows, then
	if !l.hand(r) {
		r.rows, r.then = nil, nil
		waiters.Put(r)
		return ErrClosed
	}
	return nil
}

// hand gives a request to the writer; false once the log is closed.
func (l *Log) hand(r *request) bool {
	l.gate.RLock()
	defer l.gate.RUnlock()
	if l.closed {
		return false
	}
	l.requests <- r
	return true
}

// Find answers a prediction that has not arrived in the store yet.
func (l *Log) Find(id string) (schema.Prediction, bool, error) {
	for _, s := range l.waiting() {
		p, found, err := s.find(id)
		if errors.Is(err, os.ErrNotExist) { // it arrived in between
			continue
		}
		if err != nil {
			return schema.Prediction{}, false, fmt.Errorf("find prediction %s: %w", id, err)
		}
		if found {
			return p, true, nil
		}
	}
	return schema.Prediction{}, false, nil
}

// waiting are the segments that have not arrived as they are at present, newest
// first: most who look for a prediction were just told its id.
func (l *Log) waiting() []durable {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []durable
	if l.current != nil {
		all = append(all, durable{l.current, l.current.size})
	}
	for _, s := range slices.Backward(l.sealed) {
		all = append(all, durable{s, s.size})
	}
	return all
}

// Stats say what waits.
type Stats struct {
	Records  int   `json:"records"` // not arrived in the store
	Bytes    int64 `json:"bytes"`
	Segments int   `json:"segments"` // sealed
}

// Stats counts what waits for the store.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	return Stats{Records: l.records, Bytes: l.bytes, Segments: len(l.sealed)}
}

// Close stops taking predictions; what waits stays on disk for the next Open.
func (l *Log) Close() error {
	l.gate.Lock()
	was := l.closed
	l.closed = true
	l.gate.Unlock()
	if was {
		return nil
	}
	close(l.closing)
	l.writing.Wait()
	l.shipping.Lock()
	defer l.shipping.Unlock()
	return l.releaseLock()
}

// measure publishes what waits. The caller holds mu or is alone.
func (l *Log) measure() {
	l.o.Metrics.records.Set(float64(l.records))
	l.o.Metrics.bytes.Set(float64(l.bytes))
}
