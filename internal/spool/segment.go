package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
// visit gets each prediction and its place.
func (s *segment) recover(visit func(p schema.Prediction, offset int64)) (cut int64, err error) {
	body, err := os.ReadFile(s.path)
	if err != nil {
		return 0, err
	}
	for s.size < int64(len(body)) {
		p, size, err := readFrame(body[s.size:])
		if errors.Is(err, errTorn) {
			break
		}
		if err != nil {
			return 0, fmt.Errorf("segment %s at byte %d: %w", s.path, s.size, err)
		}
		visit(p, s.size)
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

// read answers all that is durable in a segment.
func (s *segment) read() ([]schema.Prediction, error) {
	body := make([]byte, s.size)
	file, err := os.Open(s.path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.ReadAt(body, 0); err != nil && s.size > 0 {
		return nil, err
	}
	all := make([]schema.Prediction, 0, s.records)
	for len(body) > 0 {
		p, size, err := readFrame(body)
		if err != nil {
			return nil, fmt.Errorf("segment %s at byte %d: %w", s.path, s.size-int64(len(body)), err)
		}
		all, body = append(all, p), body[size:]
	}
	return all, nil
}

// readAt answers one prediction by its place.
func (s *segment) readAt(offset int64) (schema.Prediction, error) {
	file, err := os.Open(s.path)
	if err != nil {
		return schema.Prediction{}, err
	}
	defer func() { _ = file.Close() }()
	frame := make([]byte, min(s.size-offset, frameHeader+maxRecord))
	if _, err := file.ReadAt(frame, offset); err != nil {
		return schema.Prediction{}, err
	}
	p, _, err := readFrame(frame)
	return p, err
}
