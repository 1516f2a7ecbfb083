package spool

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"syscall"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// groupBytes bounds one write.
const groupBytes = 4 << 20

// write is the one writer: it takes all who wait, writes and syncs once, and
// answers them.
func (l *Log) write() {
	defer l.flush.close()
	defer l.end()
	tick := time.NewTicker(l.o.ShipEvery)
	defer tick.Stop()
	for {
		select {
		case r := <-l.requests:
			l.group(r)
		case answer := <-l.sealNow:
			l.seal()
			close(answer)
		case <-tick.C:
			l.seal()
		case <-l.closing:
			return
		}
	}
}

// end answers those who came before the log was closed.
func (l *Log) end() {
	for {
		select {
		case r := <-l.requests:
			l.group(r)
		default:
			l.seal()
			return
		}
	}
}

// group writes one request, those that wait, and some of those that come while others
// have the processor.
func (l *Log) group(first *request) {
	buf := l.buf[:0]
	taken, records := l.taken[:0], 0
	for r := first; ; {
		for ; r != nil; r = l.another(len(buf)) {
			grown, err := encode(buf, r.rows)
			if err != nil {
				r.answer(err)
				continue
			}
			buf, taken, records = grown, append(taken, r), records+len(r.rows)
		}
		// Whoever runs on a processor now may be about to ask: one write and one fsync
		// for more of them, up to half of those who ask at a time, for the others are
		// served while the disk writes for these. Nobody is waited for who does not run.
		if len(taken) >= (l.groups[0]+l.groups[1])/2 {
			break
		}
		runtime.Gosched()
		if r = l.another(len(buf)); r == nil {
			break
		}
	}
	l.groups = [...]int{l.groups[1], len(taken)}
	if len(taken) > 0 {
		l.answer(taken, l.persist(buf, records))
	}
	clear(taken)
	if l.taken = taken; cap(buf) <= groupBytes {
		l.buf = buf
	}
}

// answeredAlone is how many are answered by one goroutine, where there is a second
// processor: to tell somebody may cost as much as a write to a socket.
const answeredAlone = 32

// answer tells a group what became of it.
func (l *Log) answer(group []*request, err error) {
	alone := len(group)
	if runtime.GOMAXPROCS(0) > 1 {
		alone = min(alone, answeredAlone)
	}
	for others := range slices.Chunk(group[alone:], answeredAlone) {
		others = slices.Clone(others) // the group's room is used again
		l.writing.Go(func() { answerAll(others, err) })
	}
	answerAll(group[:alone], err)
}

func answerAll(group []*request, err error) {
	for _, r := range group {
		r.answer(err)
	}
}

// another is the next request that waits, nil if none or the group is large.
func (l *Log) another(bytes int) *request {
	if bytes >= groupBytes {
		return nil
	}
	select {
	case r := <-l.requests:
		return r
	default:
		return nil
	}
}

// encode adds rows to a group, all or none.
func encode(buf []byte, rows []schema.PredictionRow) ([]byte, error) {
	var err error
	for _, row := range rows {
		if buf, err = appendFrame(buf, row); err != nil {
			return nil, err
		}
	}
	return buf, nil
}

// persist makes a group durable and known.
func (l *Log) persist(buf []byte, records int) error {
	l.mu.Lock()
	room := l.o.MaxBytes - l.bytes
	l.mu.Unlock()
	if int64(len(buf)) > room {
		l.o.Metrics.refused.Inc()
		return fmt.Errorf("%w: %d bytes wait for the store, %d are allowed", ErrFull, l.o.MaxBytes-room, l.o.MaxBytes)
	}
	if err := l.put(buf); err != nil {
		l.o.Metrics.refused.Inc()
		if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
			return fmt.Errorf("%w: no space left on the disk: %w", ErrFull, err)
		}
		return fmt.Errorf("write prediction log: %w", err)
	}
	l.mu.Lock()
	l.current = l.active
	l.active.size += int64(len(buf))
	l.active.records += records
	l.bytes += int64(len(buf))
	l.records += records
	l.measure()
	l.mu.Unlock()
	if l.active.records >= l.o.SegmentRecords {
		l.seal()
	}
	return nil
}

// put writes and syncs. After a failure nobody knows what is on the disk beyond
// the durable bytes: the segment is cut there and no more is added to it.
func (l *Log) put(buf []byte) error {
	if l.active == nil {
		active, file, err := createSegment(l.o.Dir, l.number+1)
		if err != nil {
			return err
		}
		l.number++
		l.active, l.file = active, file
	}
	start := time.Now()
	_, err := l.file.WriteAt(buf, l.active.size)
	if err == nil {
		err = l.flush.sync(l.file)
	}
	if err != nil {
		err = errors.Join(err, l.file.Truncate(l.active.size))
		l.seal()
		return err
	}
	l.o.Metrics.syncs.Observe(time.Since(start).Seconds())
	return nil
}

// seal ends the active segment; an empty one is removed.
func (l *Log) seal() {
	if l.active == nil {
		return
	}
	s := l.active
	_ = l.file.Close()
	l.active, l.file = nil, nil
	if s.records == 0 {
		_ = os.Remove(s.path)
		return
	}
	l.mu.Lock()
	l.sealed, l.current = append(l.sealed, s), nil
	l.mu.Unlock()
}
