package chengine

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	chcompress "github.com/ClickHouse/ch-go/compress"
)

// response writes output, or an exception in the place where clients look for
// it: the status before the first byte of output, the body after it.
type response struct {
	w        http.ResponseWriter
	encoding string
	compress bool
	method   chcompress.Method
	format   string
	tag      string // proves that an exception in the body is not data

	encoder io.WriteCloser // nil before the first byte
	body    io.Writer
}

func newResponse(w http.ResponseWriter, r *http.Request) *response {
	resp := &response{w: w, encoding: outputEncoding(r), tag: strings.ToLower(rand.Text()[:16])}
	w.Header().Set("X-ClickHouse-Server-Display-Name", displayName)
	w.Header().Set("X-ClickHouse-Exception-Tag", resp.tag)
	return resp
}

// Write sends output; the first call fixes status and headers.
func (resp *response) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if resp.encoder == nil {
		if err := resp.start(); err != nil {
			return 0, err
		}
	}
	return resp.body.Write(p)
}

func (resp *response) start() error {
	header := resp.w.Header()
	header.Set("Content-Type", contentType(resp.format))
	header.Set("X-ClickHouse-Format", resp.format)
	if resp.encoding != "" {
		header.Set("Content-Encoding", resp.encoding)
	}
	encoder, err := encodeOutput(resp.w, resp.encoding)
	if err != nil {
		return fmt.Errorf("encode answer as %s: %w", resp.encoding, err)
	}
	resp.encoder, resp.body = encoder, encoder
	if resp.compress {
		resp.body = newBlockWriter(encoder, resp.method)
	}
	return nil
}

// summarise announces what a statement did, where headers can still be sent.
func (resp *response) summarise(s summary) {
	resp.w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(
		`{"read_rows":"%d","read_bytes":"%d","written_rows":"%d","written_bytes":"%d"}`,
		s.readRows, s.readBytes, s.writtenRows, s.writtenBytes))
}

// fail reports an exception.
func (resp *response) fail(e *exception) {
	if resp.encoder != nil {
		resp.failInBody(e)
		return
	}
	header := resp.w.Header()
	header.Set("Content-Type", "text/plain; charset=UTF-8")
	header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.code))
	resp.w.WriteHeader(e.status())
	_, _ = io.WriteString(resp.w, e.text+"\n")
}

// failInBody appends the frame by which clients know an exception after output:
// a marker, the announced tag, the text, its length and the marker again.
func (resp *response) failInBody(e *exception) {
	const marker = "__exception__"
	const maxText = 15 << 10 // clients look at the last 16 KiB only
	text := e.text[:min(len(e.text), maxText)]
	target := resp.body
	if resp.compress {
		// A block without compression: clients search the bytes of the
		// connection for the marker, and ZSTD would hide it.
		target = newBlockWriter(resp.encoder, chcompress.None)
	}
	_, _ = fmt.Fprintf(target, "\r\n%s\r\n%s\r\n%s\n%d %s\r\n%s\r\n", marker, resp.tag, text, len(text)+1, resp.tag, marker)
}

// finish ends the body's encoding.
func (resp *response) finish() error {
	if resp.encoder == nil {
		return nil
	}
	return resp.encoder.Close()
}

func contentType(format string) string {
	switch f := strings.ToLower(format); {
	case strings.HasPrefix(f, "tabseparated"), strings.HasPrefix(f, "tsv"):
		return "text/tab-separated-values; charset=UTF-8"
	case strings.HasPrefix(f, "csv"):
		return "text/csv; charset=UTF-8"
	case strings.HasSuffix(f, "eachrow"), f == "ndjson", f == "jsonlines":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(f, "json"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(f, "pretty"), f == "vertical", f == "values", f == "markdown":
		return "text/plain; charset=UTF-8"
	}
	return "application/octet-stream"
}
