package archive

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/klauspost/compress/zstd"

	"puenktlich/internal/timetables"
)

// Bounds of what is read of one archive, whatever it claims. Memory is bounded
// by the largest entry and the decoder's window, 128 MiB at most.
const (
	// MaxEntryBytes bounds one answer; the largest recorded one has 241 kB.
	MaxEntryBytes = 64 << 20
	// MaxArchiveBytes bounds what an archive expands to; a day of 133 stations
	// has 62 MB.
	MaxArchiveBytes = 8 << 30
	// MaxEntries bounds their number; a day of 133 stations has 15,960.
	MaxEntries = 2_000_000

	maxWindowBytes = 128 << 20
	// maxUnknown bounds the listed entries that are no answers.
	maxUnknown = 100
)

// Entry is one answer in an archive.
type Entry struct {
	// Call has AsOf set to PolledAt.
	Call     timetables.Call
	PolledAt time.Time // zero for plan entries: their names do not tell
	Name     string
	Body     []byte // the caller's own
}

// CutError says that an archive ends too early, is damaged, or goes beyond the
// bounds. The entries read before it are good.
type CutError struct {
	File    string
	Entries int    // read before the damage
	Last    string // name of the last one, empty without one
	AtByte  int64  // of the file, read until then
	Err     error
}

func (e *CutError) Error() string {
	last := ""
	if e.Last != "" {
		last = fmt.Sprintf(", the last one %s", e.Last)
	}
	return fmt.Sprintf("archive %s: cut or damaged after %d entries%s, at byte %d: %v", e.File, e.Entries, last, e.AtByte, e.Err)
}

func (e *CutError) Unwrap() error { return e.Err }

// Reader reads one archive in the order of the file, holding one entry at a time.
type Reader struct {
	file    string
	input   *counter
	output  *expanded
	zst     *zstd.Decoder
	tar     *tar.Reader
	entries int
	name    string // of the last entry
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
	input, output := &counter{Reader: r}, &expanded{left: MaxArchiveBytes}
	zst, err := zstd.NewReader(input, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<30),
		zstd.WithDecoderMaxWindow(maxWindowBytes))
	if err != nil {
		return nil, fmt.Errorf("archive %s: %w", file, err)
	}
	output.Reader = zst
	return &Reader{
		file: file, input: input, output: output, zst: zst, tar: tar.NewReader(output),
		last: make(map[station]time.Time),
	}, nil
}

// counter tells how much of the file was read.
type counter struct {
	io.Reader
	bytes int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.bytes += int64(n)
	return n, err
}

// endMark is the number of zero bytes that end a tar. Without them a file of
// several frames that lacks the last ones looks whole.
const endMark = 1024

// expanded ends what expands too far, and counts the zero bytes at its end.
type expanded struct {
	io.Reader
	left  int64
	zeros int
}

func (e *expanded) Read(p []byte) (int, error) {
	if e.left <= 0 {
		return 0, fmt.Errorf("expands to more than %d bytes", int64(MaxArchiveBytes))
	}
	n, err := e.Reader.Read(p)
	e.left -= int64(n)
	rest := len(bytes.TrimRight(p[:n], "\x00"))
	if rest > 0 {
		e.zeros = 0
	}
	e.zeros += n - rest
	return n, err
}

// Close frees the decoder. It does not close the reader below.
func (r *Reader) Close() { r.zst.Close() }

// Next answers the next entry, and io.EOF at the end. A *NameError comes with
// the entry's name and body, and reading may go on; a *CutError is final.
func (r *Reader) Next() (Entry, error) {
	header, err := r.header()
	if err != nil {
		return Entry{}, r.end(err)
	}
	if header.Typeflag != tar.TypeReg {
		return Entry{Name: header.Name}, &NameError{File: r.file, Name: header.Name, Reason: fmt.Sprintf("is of type %q, want a regular file", header.Typeflag)}
	}
	body, err := r.body(header)
	if err != nil {
		return Entry{}, err
	}
	if r.entries >= MaxEntries {
		return Entry{}, r.cut(fmt.Errorf("more than %d entries", MaxEntries))
	}
	r.entries++
	r.name = header.Name
	return r.entry(header.Name, body)
}

// end tells the proper end, io.EOF, from all others.
func (r *Reader) end(err error) error {
	switch {
	case errors.Is(err, io.EOF) && r.output.zeros >= endMark:
		return io.EOF
	case errors.Is(err, io.EOF) && r.input.bytes == 0:
		return r.cut(errors.New("the file is empty"))
	case errors.Is(err, io.EOF):
		return r.cut(fmt.Errorf("no end mark after %d bytes unpacked, the archive went on: %w", MaxArchiveBytes-r.output.left, io.ErrUnexpectedEOF))
	case errors.Is(err, zstd.ErrMagicMismatch):
		return r.cut(fmt.Errorf("want a tar compressed with Zstandard: %w", err))
	}
	return r.cut(err)
}

// header answers the next entry that is no folder and no comment.
func (r *Reader) header() (*tar.Header, error) {
	for {
		header, err := r.tar.Next()
		if err != nil || header.Typeflag != tar.TypeDir && header.Typeflag != tar.TypeXGlobalHeader {
			return header, err
		}
	}
}

// body grows with what is there: a header may claim any size.
func (r *Reader) body(header *tar.Header) ([]byte, error) {
	if header.Size > MaxEntryBytes {
		return nil, r.cut(fmt.Errorf("entry %q claims %d bytes, more than %d", header.Name, header.Size, MaxEntryBytes))
	}
	var body bytes.Buffer
	body.Grow(int(min(header.Size, firstBytes)))
	n, err := io.Copy(&body, r.tar)
	if err == nil && n < header.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, r.cut(fmt.Errorf("entry %q, after %d of %d bytes: %w", header.Name, n, header.Size, err))
	}
	return body.Bytes(), nil
}

// firstBytes is what an entry gets before any of it was read.
const firstBytes = 1 << 20

// cut never wraps io.EOF, which would look like the proper end.
func (r *Reader) cut(err error) error {
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("%v: %w", err, io.ErrUnexpectedEOF)
	}
	return &CutError{File: r.file, Entries: r.entries, Last: r.name, AtByte: r.input.bytes, Err: err}
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
