package atomicfile_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/atomicfile"
)

// names in a directory.
func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func content(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(body)
}

func TestAFileIsMadeAndReplaced(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "keys.json")
	require.NoError(t, atomicfile.Write(path, 0o600, []byte("old")))
	require.NoError(t, atomicfile.Write(path, 0o640, []byte("new")))
	require.Equal(t, "new", content(t, path))
	require.Equal(t, []string{"keys.json"}, names(t, filepath.Dir(path)))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode().Perm(), "whatever the file before had, and the umask")
}

func TestAnErrorLeavesTheFileAsItWas(t *testing.T) {
	t.Parallel()
	full := errors.New("disk full")
	dir := t.TempDir()
	path := filepath.Join(dir, "champion.json")
	require.NoError(t, atomicfile.Write(path, 0o644, []byte("old")))
	err := atomicfile.WriteFunc(path, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, "half of the n")
		require.NoError(t, err)
		return full
	})
	require.Equal(t, full, err, "as it is")
	require.Equal(t, "old", content(t, path))
	require.Panics(t, func() {
		_ = atomicfile.WriteFunc(path, 0o644, func(io.Writer) error { panic("in the middle") })
	})
	require.Equal(t, "old", content(t, path))
	require.Equal(t, []string{"champion.json"}, names(t, dir), "nothing is left beside it")
}

func TestErrorsNameTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o644))
	below := filepath.Join(file, "below") // its directory is a file
	require.ErrorContains(t, atomicfile.Write(below, 0o644, nil), "replace "+below+": ")
	taken := filepath.Join(dir, "taken") // a directory that cannot be replaced
	require.NoError(t, os.MkdirAll(filepath.Join(taken, "full"), 0o755))
	require.ErrorContains(t, atomicfile.Write(taken, 0o644, nil), "replace "+taken+": ")
	closed := atomicfile.WriteFunc(file, 0o644, func(w io.Writer) error { return w.(io.Closer).Close() })
	require.ErrorIs(t, closed, os.ErrClosed, "what cannot be brought to the disk is not put in place")
	require.Equal(t, "x", content(t, file))
	require.ElementsMatch(t, []string{"file", "taken"}, names(t, dir))
	long := filepath.Join(dir, strings.Repeat("x", 300))
	require.ErrorContains(t, atomicfile.Write(long, 0o644, nil), "file name too long")
}

// Whoever reads while others write sees one of the contents, never a part of it.
func TestReadersSeeWholeFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "aliases.json")
	write := func(letter string) error { return atomicfile.Write(path, 0o644, []byte(strings.Repeat(letter, 1<<16))) }
	require.NoError(t, write("a"))
	var writers sync.WaitGroup
	for _, letter := range []string{"a", "b"} {
		writers.Go(func() {
			for range 20 {
				if err := write(letter); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		got := content(t, path)
		require.Len(t, got, 1<<16)
		require.Equal(t, strings.Repeat(got[:1], 1<<16), got)
	}
	writers.Wait()
	require.Equal(t, []string{"aliases.json"}, names(t, filepath.Dir(path)))
}
