package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	schema "puenktlich/schemas/clickhouse"
)

const segmentSuffix = ".seg"

// segment is one file of the spool. Its identity never comes back, so that it
// serves as the deduplication token of what is in it.
type segment struct {
	number  uint64 // order in the spool
	id      string // random
	path    string
	size    int64 // durable bytes; what lies beyond was never acknowledged
	records int

	// offsets are made for the first who looks for a prediction here: they would
	// cost every answer more than its record.
	looking sync.Mutex
	offsets map[string]int64
	looked  int64 // bytes that are in offsets
}

// durable is a segment as far as it was durable at a moment.
type durable struct {
	*segment
	size int64
}

func segmentName(number uint64, id string) string {
	return fmt.Sprintf("%016d-%s%s", number, id, segmentSuffix)
}

// parseSegmentName is the reverse of segmentName; false for another file.
func parseSegmentName(name string) (number uint64, id string, ok bool) {
	stem, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok {
		return 0, "", false
	}
	digits, id, ok := strings.Cut(stem, "-")
	if _, err := fmt.Sscanf(digits, "%d", &number); err != nil || !ok || id == "" {
		return 0, "", false
	}
	return number, id, true
}

// createSegment makes an empty file and its directory entry durable.
func createSegment(dir string, number uint64) (*segment, *os.File, error) {
	id := uuid.NewString()
	s := &segment{number: number, id: id, path: filepath.Join(dir, segmentName(number, id))}
	file, err := os.OpenFile(s.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o644)
	if err != nil {
		return nil, nil, err
	}
	if err := syncDir(dir); err != nil {
		return nil, nil, errors.Join(err, file.Close(), os.Remove(s.path))
	}
	return s, file, nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// listSegments finds the segments of a directory, oldest first.
func listSegments(dir string) ([]*segment, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var found []*segment
	for _, entry := range entries {
		if number, id, ok := parseSegmentName(entry.Name()); ok && entry.Type().IsRegular() {
			found = append(found, &segment{number: number, id: id, path: filepath.Join(dir, entry.Name())})
		}
	}
	slices.SortFunc(found, func(a, b *segment) int { return strings.Compare(filepath.Base(a.path), filepath.Base(b.path)) })
	return found, nil
}

// recover reads a segment that a process left behind, up to the first frame
// that is not whole, and cuts it there: what lies beyond was never acknowledged.
// Should more than a torn frame lie there, it is kept beside for people.
func (s *segment) recover() (cut int64, err error) {
	body, err := os.ReadFile(s.path)
	if err != nil {
		return 0, err
	}
	for s.size < int64(len(body)) {
		_, size, err := rowOf(body[s.size:])
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("segment %s at byte %d: %w", s.path, s.size, err)
		}
		s.size += int64(size)
		s.records++
	}
	cut = int64(len(body)) - s.size
	if cut == 0 {
		return 0, nil
	}
	if err := os.WriteFile(s.path+".torn", body[s.size:], 0o644); err != nil {
		return cut, err
	}
	return cut, truncate(s.path, s.size)
}

func truncate(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(file.Truncate(size), file.Sync(), file.Close())
}

// rows answers all that is durable in a segment, row after row as the store takes them,
// and how many they are.
func (s *segment) rows() (rows []byte, n int, err error) {
	body, err := s.from(0, s.size)
	if err != nil {
		return nil, 0, err
	}
	rows = body[:0] // a row never lies before its frame
	for at := 0; at < len(body); n++ {
		row, size, err := rowOf(body[at:])
		if err != nil {
			return nil, 0, fmt.Errorf("segment %s at byte %d: %w", s.path, at, err)
		}
		rows = append(rows, row...)
		at += size
	}
	return rows, n, nil
}

// from reads the bytes in [from, to).
func (s *segment) from(from, to int64) ([]byte, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	body := make([]byte, to-from)
	if _, err := file.ReadAt(body, from); err != nil && to > from {
		return nil, err
	}
	return body, nil
}

// find answers a prediction by its id, if it is here.
func (d durable) find(id string) (schema.Prediction, bool, error) {
	d.looking.Lock()
	defer d.looking.Unlock()
	if err := d.look(); err != nil {
		return schema.Prediction{}, false, err
	}
	at, found := d.offsets[id]
	if !found {
		return schema.Prediction{}, false, nil
	}
	frame, err := d.from(at, min(d.size, at+frameHeader+maxRecord))
	if err != nil {
		return schema.Prediction{}, false, err
	}
	p, _, err := readFrame(frame)
	return p, err == nil, err
}

// look goes on with the offsets to where the segment is durable. The caller holds
// looking.
func (d durable) look() error {
	if d.looked >= d.size {
		return nil
	}
	body, err := d.from(d.looked, d.size)
	if err != nil {
		return err
	}
	if d.offsets == nil {
		d.offsets = map[string]int64{}
	}
	for len(body) > 0 {
		row, size, err := rowOf(body)
		var id string
		if err == nil {
			id, err = schema.PredictionID(row)
		}
		if err != nil {
			return fmt.Errorf("segment %s at byte %d: %w", d.path, d.looked, err)
		}
		d.offsets[id] = d.looked
		d.looked, body = d.looked+int64(size), body[size:]
	}
	return nil
}
