package modelpkg_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"puenktlich/internal/modelpkg"
)

func pack(t testing.TB, dir string, attachments ...modelpkg.Attachment) []byte {
	t.Helper()
	var buf bytes.Buffer
	must(t, modelpkg.Pack(&buf, dir, attachments...))
	return buf.Bytes()
}

// Two directories of the same files, of other times and modes, give one archive,
// which any tar reads.
func TestPackIsReproducible(t *testing.T) {
	t.Parallel()
	dir, digest, key := signed(t)
	first := pack(t, dir)
	copied := filepath.Join(t.TempDir(), "copied")
	must(t, os.CopyFS(copied, os.DirFS(dir)))
	must(t, os.Chtimes(filepath.Join(copied, "CARD.md"), time.Unix(1, 0), time.Unix(1, 0)))
	must(t, os.Chmod(filepath.Join(copied, "CARD.md"), 0o600))
	if !bytes.Equal(first, pack(t, copied)) {
		t.Error("the same package gave another archive")
	}
	into := t.TempDir()
	command := exec.CommandContext(t.Context(), "tar", "-x", "-C", into)
	command.Stdin = bytes.NewReader(first)
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("tar: %v %s", err, out)
	}
	p, err := modelpkg.Load(filepath.Join(into, "punctuality-7"), key.Public())
	must(t, err)
	if p.Digest != digest {
		t.Errorf("unpacked %s, packed %s", p.Digest, digest)
	}
}

func TestUnpackReadsWhatPackWrites(t *testing.T) {
	t.Parallel()
	dir, digest, key := signed(t)
	plain := pack(t, dir, modelpkg.Attachment{Path: "ds-1/part", Read: func() ([]byte, error) { return []byte("rows"), nil }})
	var gzipped, zstandard bytes.Buffer
	g := gzip.NewWriter(&gzipped)
	_, err := g.Write(plain)
	must(t, errors.Join(err, g.Close()))
	z, err := zstd.NewWriter(&zstandard)
	must(t, err)
	_, err = z.Write(plain)
	must(t, errors.Join(err, z.Close()))
	for name, archive := range map[string][]byte{"tar": plain, "gzip": gzipped.Bytes(), "Zstandard": zstandard.Bytes()} {
		into := t.TempDir()
		found, err := modelpkg.Unpack(bytes.NewReader(archive), into, modelpkg.MaxArchiveBytes)
		must(t, err)
		p, err := modelpkg.Load(found, key.Public())
		must(t, err)
		if p.Digest != digest || string(read(t, into, "data/ds-1/part")) != "rows" {
			t.Errorf("%s: package %s", name, p.Digest)
		}
	}
}

// entry is one of a hostile archive.
type entry struct {
	name, link, body string
	kind             byte
}

func tarOf(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range entries {
		if e.kind == 0 {
			e.kind = tar.TypeReg
		}
		must(t, w.WriteHeader(&tar.Header{Name: e.name, Linkname: e.link, Typeflag: e.kind, Size: int64(len(e.body)), Mode: 0o777}))
		_, err := io.WriteString(w, e.body)
		must(t, err)
	}
	must(t, w.Close())
	return buf.Bytes()
}

func TestUnpackRefuses(t *testing.T) {
	t.Parallel()
	manifest := entry{name: "p/manifest.json", body: "{}"}
	tests := map[string]struct {
		archive []byte
		message string
	}{
		"path upwards":        {tarOf(t, entry{name: "../evil", body: "x"}), `entry "../evil" is not a plain relative path`},
		"path upwards inside": {tarOf(t, entry{name: "p/../../evil", body: "x"}), "not a plain relative path"},
		"absolute path":       {tarOf(t, entry{name: "/tmp/evil", body: "x"}), "not a plain relative path"},
		"path of Windows":     {tarOf(t, entry{name: `p\..\evil`, body: "x"}), "not a plain relative path"},
		"drive":               {tarOf(t, entry{name: "C:evil", body: "x"}), "not a plain relative path"},
		"control character":   {tarOf(t, entry{name: "p/a\nb", body: "x"}), "not a plain relative path"},
		"link out":            {tarOf(t, entry{name: "p", link: "/tmp", kind: tar.TypeSymlink}, entry{name: "p/evil", body: "x"}), "neither file nor directory"},
		"hard link":           {tarOf(t, manifest, entry{name: "p/b", link: "p/manifest.json", kind: tar.TypeLink}), "neither file nor directory"},
		"device":              {tarOf(t, entry{name: "p/null", kind: tar.TypeChar}), "neither file nor directory"},
		"twice":               {tarOf(t, manifest, manifest), "comes twice"},
		"two packages":        {tarOf(t, manifest, entry{name: "q/manifest.json"}), "is a second package"},
		"file as directory":   {tarOf(t, entry{name: "p", body: "x"}, manifest), "has no place"},
		"nothing":             {tarOf(t), "holds no manifest.json"},
		"no archive":          {bytes.Repeat([]byte("no archive "), 200), "cannot be read"},
		"cut off":             {tarOf(t, entry{name: "p/a", body: strings.Repeat("x", 5000)})[:1500], "cannot be read"},
		"broken gzip":         {[]byte{0x1f, 0x8b, 9, 9, 9}, "cannot be read"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			around := t.TempDir()
			into := filepath.Join(around, "into")
			must(t, os.Mkdir(into, 0o755))
			_, err := modelpkg.Unpack(bytes.NewReader(test.archive), into, 1<<20)
			var refused *modelpkg.ArchiveError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want %q", err, test.message)
			}
			wantOnly(t, around, "into")
		})
	}
}

// endless is zeros without end, compressed: a thousandth of what it grows to.
func TestUnpackEndsWhatGrowsWithoutEnd(t *testing.T) {
	t.Parallel()
	const grown = 64 << 20
	for name, compress := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"Zstandard": func(w io.Writer) io.WriteCloser {
			z, err := zstd.NewWriter(w)
			must(t, err)
			return z
		},
	} {
		var buf bytes.Buffer
		z := compress(&buf)
		w := tar.NewWriter(z)
		must(t, w.WriteHeader(&tar.Header{Name: "p/zeros", Typeflag: tar.TypeReg, Size: grown, Mode: 0o644}))
		_, err := io.Copy(w, io.LimitReader(zeros{}, grown))
		must(t, errors.Join(err, w.Close(), z.Close()))
		into := t.TempDir()
		_, err = modelpkg.Unpack(&buf, into, 1<<20)
		if err == nil || err.Error() != "package archive unpacks to more than 1048576 bytes" {
			t.Errorf("%s: error %v", name, err)
		}
		if info, err := os.Stat(filepath.Join(into, "p/zeros")); err != nil || info.Size() > 1<<20 {
			t.Errorf("%s: %v %v were written", name, info, err)
		}
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Whatever the bytes are: no panic, nothing outside, and either a directory that
// can be verified or refused, or an error.
func FuzzUnpack(f *testing.F) {
	dir, _ := tiny(f)
	archive := pack(f, dir)
	f.Add(archive)
	f.Add(archive[:2000])
	f.Add(tarOf(f, entry{name: "../evil", body: "x"}, entry{name: "p/manifest.json", body: "{}"}))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0})
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, body []byte) {
		around := t.TempDir()
		into := filepath.Join(around, "into")
		must(t, os.Mkdir(into, 0o755))
		found, err := modelpkg.Unpack(bytes.NewReader(body), into, 4<<20)
		if err == nil {
			for _, check := range modelpkg.Test(found) {
				_ = check.Err
			}
		}
		wantOnly(t, around, "into")
	})
}

// Whatever a file of a package becomes, with a manifest that agrees: no panic.
func FuzzTest(f *testing.F) {
	dir, _ := tiny(f)
	files := []string{"MLmodel", "buckets.json", "calibration.json", "features.json", "golden.json", "metrics.json", "references.json", "drift-reference.json", "sample-metrics.json", "sample.parquet"}
	for i, file := range files {
		f.Add(uint8(i), read(f, dir, file)[:100])
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		copied := filepath.Join(t.TempDir(), "copied")
		must(t, os.CopyFS(copied, os.DirFS(dir)))
		reseal(t, copied, files[int(which)%len(files)], body)
		for _, check := range modelpkg.Test(copied) {
			_ = check.Err
		}
	})
}
