package chengine

import (
	"errors"
	"io"
	"strings"
	"unsafe"
)

// result is one document of output, in memory of the library until close.
type result struct {
	lib *library
	raw unsafe.Pointer
}

func (r *result) close() { r.lib.destroyResult(r.raw) }

// bytes is the output; it must not be used after close.
func (r *result) bytes() []byte {
	n := r.lib.resultLength(r.raw)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.lib.resultBuffer(r.raw)), n)
}

// summary is what a statement read and wrote.
type summary struct{ readRows, readBytes, writtenRows, writtenBytes uint64 }

func (r *result) summary() summary {
	return summary{
		readRows: r.lib.rowsRead(r.raw), readBytes: r.lib.bytesRead(r.raw),
		writtenRows: r.lib.rowsWritten(r.raw), writtenBytes: r.lib.bytesWritten(r.raw),
	}
}

// outputStream is a SELECT in progress: complete documents of at most 65,409
// rows, one after the other.
type outputStream struct {
	con   *connection
	raw   unsafe.Pointer
	ended bool
}

// stream starts a SELECT whose result comes in pieces. The caller closes it.
func (c *connection) stream(s statement) (*outputStream, error) {
	r, err := c.checked(c.call(c.lib.stream, s))
	if err != nil {
		return nil, err
	}
	return &outputStream{con: c, raw: r.raw}, nil
}

// next returns the following piece, which the caller closes, or io.EOF.
func (s *outputStream) next() (*result, error) {
	piece, err := s.con.checked(s.con.lib.fetch(s.con.handle, s.raw))
	if err != nil {
		s.ended = true
		return nil, err
	}
	if s.con.lib.resultLength(piece.raw) == 0 {
		s.ended = true
		piece.close()
		return nil, io.EOF
	}
	return piece, nil
}

// isNotStreamable: the library streams SELECT only and refuses the rest before
// anything has happened.
func isNotStreamable(err error) bool {
	var e *exception
	return errors.As(err, &e) && e.code == codeBadArguments && strings.Contains(e.text, "Streaming query is not supported")
}

func (s *outputStream) close() {
	if !s.ended {
		s.con.lib.cancelStream(s.con.handle, s.raw)
	}
	s.con.lib.destroyResult(s.raw)
}

// inputStream is an INSERT that takes its data in pieces.
type inputStream struct {
	con *connection
	raw unsafe.Pointer
}

// insert starts an INSERT; s.sql has no FORMAT clause and no data. The caller
// closes it; without done before nothing is committed.
func (c *connection) insert(s statement) (*inputStream, error) {
	in := &inputStream{con: c, raw: c.call(c.lib.insert, s)}
	if err := in.failure(); err != nil {
		in.close()
		return nil, err
	}
	return in, nil
}

func (in *inputStream) failure() error {
	if text := in.con.lib.insertError(in.raw); text != "" {
		return parseException(text)
	}
	return nil
}

// Write hands data to the engine, which copies it and may hold the caller back.
func (in *inputStream) Write(data []byte) (int, error) {
	if len(data) == 0 {
		return 0, nil
	}
	if in.con.lib.appendInsert(in.raw, unsafe.Pointer(&data[0]), uintptr(len(data))) == 0 {
		return len(data), nil
	}
	return 0, errInsertEnded
}

// done ends the data and commits it.
func (in *inputStream) done() (summary, error) {
	r, err := in.con.checked(in.con.lib.doneInsert(in.raw))
	if err != nil {
		return summary{}, err
	}
	defer r.close()
	return r.summary(), nil
}

// take writes all of data and commits it, or cancels the insert where the data
// breaks off: half a body must not become rows.
func (in *inputStream) take(data io.Reader) (summary, error) {
	_, err := io.CopyBuffer(in, struct{ io.Reader }{data}, make([]byte, 1<<20))
	if err == nil {
		return in.done()
	}
	if errors.Is(err, errInsertEnded) {
		return summary{}, in.reason()
	}
	in.cancel()
	return summary{}, bodyError(err)
}

// reason is why the engine ended the insert before its data did.
func (in *inputStream) reason() error {
	if err := in.failure(); err != nil {
		return err
	}
	if _, err := in.done(); err != nil {
		return err
	}
	return errInsertEnded
}

// insertData is what stood behind the statement, followed by the body.
func insertData(behind string, body io.Reader) io.Reader {
	if body == nil {
		return strings.NewReader(behind)
	}
	return io.MultiReader(strings.NewReader(behind), body)
}

func (in *inputStream) cancel() { in.con.lib.cancelInsert(in.raw) }

func (in *inputStream) close() { in.con.lib.destroyInsert(in.raw) }
