package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/modelpkg"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/schemas"
)

// bench is a package of the tiny model and the files of its key, in a directory
// where nothing else is.
type bench struct {
	t                        *testing.T
	root, dir, private, open string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	root := t.TempDir()
	b := &bench{t, root, filepath.Join(root, "package"), filepath.Join(root, "private.pem"), filepath.Join(root, "public.pem")}
	key, err := modelpkg.LoadOrCreateKey(b.private)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(b.open, key.Public().PEM(), 0o644))
	contents, err := servingtest.Contents(3)
	require.NoError(t, err)
	_, err = modelpkg.Build(b.dir, contents)
	require.NoError(t, err)
	require.NoError(t, modelpkg.Sign(b.dir, key))
	return b
}

// run runs a command line where no stack was started.
func (b *bench) run(args ...string) (code int, out, errors string) {
	b.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(b.t.Context(), args, []string{"PUENKTLICH_DATA_DIR=" + filepath.Join(b.root, "none")}, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

// works runs a command line that must.
func (b *bench) works(args ...string) string {
	b.t.Helper()
	code, out, said := b.run(args...)
	require.Zero(b.t, code, out+said)
	return out
}

// fails runs one that must not, and says so in these words.
func (b *bench) fails(message string, args ...string) string {
	b.t.Helper()
	code, out, said := b.run(args...)
	require.Equal(b.t, 1, code, out)
	require.Contains(b.t, out+said, message)
	return out
}

func TestPackageOnABareDirectory(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.Contains(t, b.works("package", "verify", b.dir, "--key", b.open), "punctuality@3 holds: manifest ")
	out := b.works("package", "test", b.dir, "--key", b.open)
	for _, want := range []string{"holds     files", "holds     signature", "gives its 1 golden rows", "holds     schema", "60 min: Brier 0.2264 on 3 events", "an API instance of this program serves punctuality@3"} {
		require.Contains(t, out, want)
	}
	require.Contains(t, b.works("package", "test", b.dir, "--unsigned"), "left out  signature")
	card, err := os.ReadFile(filepath.Join(b.dir, "CARD.md"))
	require.NoError(t, err)
	require.Equal(t, string(card), b.works("package", "card", b.dir))
	b.fails("there is no key to check the signature with", "package", "verify", b.dir)
	require.NoDirExists(t, filepath.Join(b.root, "none"), "reading makes nothing")
	public, err := os.ReadFile(b.open)
	require.NoError(t, err)
	require.Equal(t, string(public), b.works("package", "key", "--key", b.private))
}

func TestPackageSignAndForeignKeys(t *testing.T) {
	t.Parallel()
	b, other := newBench(t), newBench(t)
	b.fails("none of the 1 trusted keys", "package", "verify", b.dir, "--key", other.open)
	out := b.fails("2 checks failed", "package", "test", b.dir, "--key", other.open, "--key", other.open)
	require.Contains(t, out, "FAILED    signature")
	b.works("package", "sign", b.dir, "--key", other.private)
	b.works("package", "verify", b.dir, "--key", other.open)
	b.fails("PRIVATE KEY is needed", "package", "sign", b.dir, "--key", b.open)
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "CARD.md"), []byte("x"), 0o644))
	b.fails("CARD.md", "package", "sign", b.dir, "--key", b.private)
	b.fails("FAILED    files", "package", "test", b.dir, "--key", other.open)
}

func TestPackageExportIsReproducibleAndReadBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first, second := filepath.Join(b.root, "first.tar"), filepath.Join(b.root, "second.tar")
	require.Contains(t, b.works("package", "export", b.dir, "--key", b.open, "--out", first), "punctuality@3 written to")
	b.works("package", "export", first, "--key", b.open, "--out", second) // an archive is a package too
	one, err := os.ReadFile(first)
	require.NoError(t, err)
	two, err := os.ReadFile(second)
	require.NoError(t, err)
	require.True(t, bytes.Equal(one, two), "exported again, the bytes differ")
	require.Contains(t, b.works("package", "test", second, "--key", b.open), "60 min: Brier 0.2264 on 3 events")
	b.fails("file exists", "package", "export", b.dir, "--key", b.open, "--out", first)
	b.fails("unpacks to more than 2000 bytes", "package", "verify", first, "--key", b.open, "--max-bytes", "2000")
	require.NoError(t, os.WriteFile(second, []byte(strings.Repeat("no archive ", 100)), 0o644))
	b.fails("package archive cannot be read", "package", "test", second, "--key", b.open)
	b.fails("set PUENKTLICH_S3_ENDPOINT", "package", "export", b.dir, "--key", b.open, "--full", "--out", filepath.Join(b.root, "full.tar"))
	require.NoFileExists(t, filepath.Join(b.root, "full.tar"))
}

// packageCommands builds a version once more from its run and by its number, and
// exports it with all its data, which the archive alone then proves.
func (s *system) packageCommands(life schemas.LifecycleResult) {
	s.t.Helper()
	environ := s.config.Environ()
	works := func(args ...string) string {
		code, out := command(s.t, environ, args...)
		require.Zero(s.t, code, out)
		return out
	}
	dir := s.t.TempDir()
	again := filepath.Join(dir, "again")
	require.Contains(s.t, works("package", "build", "--run", life.Trained.RunID, "--out", again), "punctuality@1 of run "+life.Trained.RunID+": manifest "+life.Package.Digest)
	require.Contains(s.t, works("package", "build", "--version", "1"), life.Package.Digest)
	out := works("package", "test", again)
	require.Contains(s.t, out, "holds     signature")
	require.Contains(s.t, out, "holds     sample")
	first, second := filepath.Join(dir, "first.tar"), filepath.Join(dir, "second.tar")
	works("package", "export", "--version", "1", "--full", "--out", first)
	works("package", "export", again, "--full", "--out", second)
	one, err := os.ReadFile(first)
	require.NoError(s.t, err)
	two, err := os.ReadFile(second)
	require.NoError(s.t, err)
	require.True(s.t, bytes.Equal(one, two), "two full exports of one package differ")
	require.Regexp(s.t, `its data holds: [1-9][0-9]* files of 1 data sets`, works("package", "verify", first))
	at := bytes.Index(one, []byte("PAR1"))
	require.Positive(s.t, at, "there are Parquet files in the archive")
	one[at+100]++
	require.NoError(s.t, os.WriteFile(second, one, 0o644))
	code, said := command(s.t, environ, "package", "verify", second)
	require.Equal(s.t, 1, code, said)
	require.Contains(s.t, said, "the package refers to")
	code, said = command(s.t, environ, "package", "build", "--run", "no-such-run")
	require.Equal(s.t, 1, code)
	require.Contains(s.t, said, "run no-such-run was not trained")
}
