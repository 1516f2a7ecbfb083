package chengine

import (
	"bufio"
	"compress/flate"
	"errors"
	"io"
	"net/http"
	"strings"

	chcompress "github.com/ClickHouse/ch-go/compress"
	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxBlockBytes is the raw size of one block of ClickHouse's compression.
const maxBlockBytes = 1 << 20

// decodeBody undoes the transport's encoding and then ClickHouse's own.
func decodeBody(body io.Reader, encoding string, blocks bool) (io.Reader, error) {
	decoded, err := decodeTransport(body, encoding)
	if err != nil {
		return nil, err
	}
	if !blocks {
		return decoded, nil
	}
	source := bufio.NewReaderSize(decoded, 64<<10)
	return &blockReader{source: source, blocks: chcompress.NewReader(source)}, nil
}

func decodeTransport(body io.Reader, encoding string) (io.Reader, error) {
	var decoded io.Reader
	var err error
	switch strings.ToLower(encoding) {
	case "", "identity":
		return body, nil
	case "gzip":
		decoded, err = gzip.NewReader(body)
	case "deflate":
		decoded, err = zlib.NewReader(body)
	case "br":
		decoded = brotli.NewReader(body)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(body, zstd.WithDecoderConcurrency(1))
		decoded = d
	default:
		return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "Unknown compression method %q in Content-Encoding: use gzip, deflate, br or zstd.", encoding)
	}
	if err != nil {
		return nil, bodyError(err)
	}
	return decoded, nil
}

// blockReader reads ClickHouse's compressed blocks and tells the end of the
// data from a block cut short, which the reader below reports alike.
type blockReader struct {
	source *bufio.Reader
	blocks *chcompress.Reader
}

func (b *blockReader) Read(p []byte) (int, error) {
	_, peekErr := b.source.Peek(1)
	n, err := b.blocks.Read(p)
	if err == nil {
		return n, nil
	}
	if peekErr != nil {
		return n, peekErr // nothing was left before this block
	}
	if errors.Is(err, io.EOF) {
		return n, io.ErrUnexpectedEOF
	}
	return n, err
}

// blockWriter writes every piece as blocks of ClickHouse's compression.
type blockWriter struct {
	target io.Writer
	blocks *chcompress.Writer
}

func newBlockWriter(target io.Writer, method chcompress.Method) *blockWriter {
	return &blockWriter{target: target, blocks: chcompress.NewWriter(chcompress.LevelZero, method)}
}

func (b *blockWriter) Write(p []byte) (int, error) {
	for done := 0; done < len(p); {
		piece := p[done:min(len(p), done+maxBlockBytes)]
		if err := b.blocks.Compress(piece); err != nil {
			return done, err
		}
		if _, err := b.target.Write(b.blocks.Data); err != nil {
			return done, err
		}
		done += len(piece)
	}
	return len(p), nil
}

// outputEncoding picks the Content-Encoding of the answer, "" for none.
func outputEncoding(r *http.Request) string {
	if r.URL.Query().Get("enable_http_compression") == "0" {
		return ""
	}
	accepted := map[string]bool{}
	for item := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(item), ";")
		accepted[strings.ToLower(strings.TrimSpace(name))] = strings.ReplaceAll(weight, " ", "") != "q=0"
	}
	for _, name := range []string{"zstd", "br", "gzip", "deflate"} {
		if accepted[name] {
			return name
		}
	}
	return ""
}

// encodeOutput wraps target; closing the result ends the encoding and leaves
// target open. Levels favour speed: the way is short.
func encodeOutput(target io.Writer, encoding string) (io.WriteCloser, error) {
	switch encoding {
	case "gzip":
		return gzip.NewWriterLevel(target, gzip.BestSpeed)
	case "deflate":
		return zlib.NewWriterLevel(target, flate.BestSpeed)
	case "br":
		return brotli.NewWriterLevel(target, brotli.BestSpeed), nil
	case "zstd":
		return zstd.NewWriter(target, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	}
	return unencoded{target}, nil
}

type unencoded struct{ io.Writer }

func (unencoded) Close() error { return nil }
