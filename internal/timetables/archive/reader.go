package archive

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/klauspost/compress/zstd"

	"puenktlich/internal/timetables"
)

// MaxEntryBytes bounds one answer; the largest recorded one has 241 kB.
const MaxEntryBytes = 64 << 20

// Entry is one answer in an archive.
type Entry struct {
	// Call has AsOf set to PolledAt.
	Call     timetables.Call
	PolledAt time.Time // zero for plan entries: their names do not tell
	Name     string
	Body     []byte // the caller's own
}

// CutError says that an archive ends too early or is damaged. The entries read
// before it are good.
type CutError struct {
	File    string
	Entries int // read before the damage
	Err     error
}

func (e *CutError) Error() string {
	return fmt.Sprintf("archive %s: cut or damaged after %d entries: %v", e.File, e.Entries, e.Err)
}

func (e *CutError) Unwrap() error { return e.Err }

// Reader reads one archive in the order of the file, holding one entry at a time.
type Reader struct {
	file    string
	input   *counter
	zst     *zstd.Decoder
	tar     *tar.Reader
	entries int
	last    map[station]time.Time
}

// station is one sequence of polls within an archive.
type station struct {
	kind timetables.CallKind
	eva  int64
}

// NewReader reads r; file names it in errors. The caller closes the reader,
// and r after it.
func NewReader(r io.Reader, file string) (*Reader, error) {
	input := &counter{Reader: r}
	zst, err := zstd.NewReader(input, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30),
		zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", file, err)
	}
	return &Reader{
		file: file, input: input, zst: zst, tar: tar.NewReader(zst),
		last: make(map[station]time.Time),
	}, nil
}

// counter tells an empty file, which decompresses to nothing without an error.
type counter struct {
	io.Reader
	bytes int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes += int64(n)
	return n, err
}

// Close frees the decoder. It does not close the reader below.
func (r *Reader) Close() { r.zst.Close() }

// Next answers the next entry, and io.EOF at the end. A *NameError comes with
// the entry's name and body, and reading may go on; a *CutError is final.
func (r *Reader) Next() (Entry, error) {
	header, err := r.header()
	if errors.Is(err, io.EOF) && r.input.bytes > 0 {
		return Entry{}, io.EOF
	}
	if err != nil {
		return Entry{}, r.cut(err)
	}
	body, err := r.body(header)
	if err != nil {
		return Entry{}, err
	}
	r.entries++
	return r.entry(header.Name, body)
}

// header answers the next regular file.
func (r *Reader) header() (*tar.Header, error) {
	for {
		header, err := r.tar.Next()
		if err != nil || header.Typeflag == tar.TypeReg {
			return header, err
		}
	}
}

func (r *Reader) body(header *tar.Header) ([]byte, error) {
	if header.Size > MaxEntryBytes {
		return nil, r.cut(fmt.Errorf("entry %q has %d bytes, more than %d", header.Name, header.Size, MaxEntryBytes))
	}
	body := make([]byte, header.Size)
	if _, err := io.ReadFull(r.tar, body); err != nil {
		return nil, r.cut(fmt.Errorf("entry %q: %w", header.Name, err))
	}
	return body, nil
}

// cut never wraps io.EOF, which would look like the proper end.
func (r *Reader) cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%v: %w", err, io.ErrUnexpectedEOF)
	}
	return &CutError{File: r.file, Entries: r.entries, Err: err}
}

func (r *Reader) entry(name string, body []byte) (Entry, error) {
	parsed, err := parseName(name)
	if bad := (*NameError)(nil); errors.As(err, &bad) {
		bad.File = r.file
		return Entry{Name: name, Body: body}, bad
	}
	call := parsed.call
	if call.Kind != timetables.CallPlan {
		call.AsOf = r.moment(parsed)
	}
	return Entry{Call: call, PolledAt: call.AsOf, Name: name, Body: body}, nil
}

// moment settles which pass of the repeated hour a name means, by the order
// of the entries.
func (r *Reader) moment(parsed parsedName) time.Time {
	key := station{parsed.call.Kind, parsed.call.EVA}
	at, last := parsed.call.AsOf, r.last[key]
	if !parsed.second.IsZero() && !last.IsZero() && !last.Before(at) {
		at = parsed.second
	}
	r.last[key] = at
	return at
}

// Report counts what Walk met.
type Report struct {
	Entries int          // visited
	Unknown []*NameError // entries with a name of no known form, not visited
}

// Walk visits the entries of the archive at path in the order of the file.
// visit may keep the entry; its error ends the walk. The report is true of what
// was read, with an error too: a *CutError for a damaged archive.
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
	for {
		entry, err := r.Next()
		unknown := (*NameError)(nil)
		switch {
		case errors.Is(err, io.EOF):
			return report, nil
		case errors.As(err, &unknown):
			report.Unknown = append(report.Unknown, unknown)
			continue
		case err != nil:
			return report, err
		}
		if err := visit(entry); err != nil {
			return report, fmt.Errorf("archive %s: entry %q: %w", r.file, entry.Name, err)
		}
		report.Entries++
	}
}
