package archive

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"os"
	"time"
)

// Report says what Walk met, up to the end or to the damage.
type Report struct {
	Entries int   // visited
	Bytes   int64 // of their bodies
	// Through is the latest poll visited, zero without one: plans have none.
	Through time.Time
	// Unknown has the first 100 entries that were not visited: a name of no known
	// form, or one that stood there before with another body.
	Unknown []*NameError
	// UnknownEntries counts all of them.
	UnknownEntries int
	Repeated       int // entries that stood there before just so, not visited
}

// Walk visits the entries of the archive at path in the order of the file, each
// name once. visit may keep the entry; its error ends the walk. The report is
// true of what was visited, with an error too: a *CutError for a damaged archive.
func Walk(path string, visit func(Entry) error) (Report, error) {
	file, err := os.Open(path)
	if err != nil {
		return Report{}, fmt.Errorf("archive: %w", err)
	}
	defer file.Close()
	reader, err := NewReader(file, path)
	if err != nil {
		return Report{}, err
	}
	defer reader.Close()
	return reader.walk(visit)
}

func (r *Reader) walk(visit func(Entry) error) (Report, error) {
	var report Report
	seen := newMemory()
	for {
		entry, err := r.Next()
		unknown := (*NameError)(nil)
		switch {
		case errors.Is(err, io.EOF):
			return report, nil
		case errors.As(err, &unknown):
			report.refuse(unknown)
			continue
		case err != nil:
			return report, err
		}
		switch seen.add(entry) {
		case repeated:
			report.Repeated++
			continue
		case contradicted:
			report.refuse(&NameError{File: r.file, Name: entry.Name, Reason: "stands twice with different content: the first is kept"})
			continue
		}
		if err := visit(entry); err != nil {
			return report, fmt.Errorf("archive %s: entry %q: %w", r.file, entry.Name, err)
		}
		report.visited(entry)
	}
}

func (r *Report) visited(entry Entry) {
	r.Entries++
	r.Bytes += int64(len(entry.Body))
	if entry.PolledAt.After(r.Through) {
		r.Through = entry.PolledAt
	}
}

func (r *Report) refuse(unknown *NameError) {
	r.UnknownEntries++
	if len(r.Unknown) < maxUnknown {
		r.Unknown = append(r.Unknown, unknown)
	}
}

// memory knows the entries visited by 16 bytes each.
type memory struct {
	seed   maphash.Seed
	bodies map[uint64]uint64 // hash of the body by hash of name and pass
}

// seenBefore says how an entry stands to those before it.
type seenBefore int

const (
	first seenBefore = iota
	repeated
	contradicted
)

func newMemory() memory {
	return memory{seed: maphash.MakeSeed(), bodies: make(map[uint64]uint64)}
}

// add tells names apart by the call and moment they mean: in the repeated hour
// one name may stand for two moments.
func (m memory) add(entry Entry) seenBefore {
	key := maphash.String(m.seed, Name(entry.Call, entry.PolledAt))
	body := maphash.Bytes(m.seed, entry.Body)
	before, found := m.bodies[key]
	switch {
	case !found:
		m.bodies[key] = body
		return first
	case before == body:
		return repeated
	}
	return contradicted
}
