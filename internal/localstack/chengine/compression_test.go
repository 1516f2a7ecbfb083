package chengine

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	chcompress "github.com/ClickHouse/ch-go/compress"
)

// TestBlockReaderTellsCutFromEnd cuts a stream of two blocks at every byte:
// only the ends of blocks are ends of data.
func TestBlockReaderTellsCutFromEnd(t *testing.T) {
	t.Parallel()
	pieces := [][]byte{bytes.Repeat([]byte("Hannover Hbf "), 50), []byte("Kreiensen")}
	for _, method := range []chcompress.Method{chcompress.None, chcompress.LZ4, chcompress.ZSTD} {
		var stream []byte
		ends := map[int][]byte{0: nil}
		for i, piece := range pieces {
			w := chcompress.NewWriter(chcompress.LevelZero, method)
			if err := w.Compress(piece); err != nil {
				t.Fatal(err)
			}
			stream = append(stream, w.Data...)
			ends[len(stream)] = bytes.Join(pieces[:i+1], nil)
		}
		for n := range len(stream) + 1 {
			r, err := decodeBody(bytes.NewReader(stream[:n]), "", true)
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(r)
			want, whole := ends[n]
			if whole && (err != nil || !bytes.Equal(got, want)) {
				t.Errorf("method %v, %d bytes: %d bytes, %v", method, n, len(got), err)
			}
			if !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("method %v, cut at %d of %d bytes: %v", method, n, len(stream), err)
			}
		}
	}
}

func TestBlockReaderFindsDamage(t *testing.T) {
	t.Parallel()
	w := chcompress.NewWriter(chcompress.LevelZero, chcompress.LZ4)
	if err := w.Compress([]byte("Bebra, Fulda, Hanau")); err != nil {
		t.Fatal(err)
	}
	w.Data[len(w.Data)-1] ^= 1
	r, err := decodeBody(bytes.NewReader(w.Data), "", true)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

func TestBlockWriterSplitsLargePieces(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 400_000)
	var out bytes.Buffer
	if _, err := newBlockWriter(&out, chcompress.LZ4).Write(data); err != nil {
		t.Fatal(err)
	}
	r, err := decodeBody(&out, "", true)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d of %d bytes came back: %v", len(got), len(data), err)
	}
}

func TestOutputEncoding(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"": "", "identity": "", "gzip": "gzip", "gzip, deflate, br": "br", "br;q=0, gzip": "gzip", "zstd;q=0.5": "zstd", "xz": "",
	} {
		r, err := http.NewRequest(http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", accept)
		if got := outputEncoding(r); got != want {
			t.Errorf("%q: got %q, want %q", accept, got, want)
		}
	}
}
