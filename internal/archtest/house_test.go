package archtest_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/archtest"
)

var update = flag.Bool("update", false, "write the house table into docs/architecture.md")

// repository is read once for all tests.
var repository = sync.OnceValues(func() (archtest.Tree, error) {
	root, err := archtest.Root(".")
	if err != nil {
		return archtest.Tree{}, err
	}
	return archtest.Read(root)
})

// fromRoot is a path below the root of the repository.
func fromRoot(t *testing.T, parts ...string) string {
	t.Helper()
	root, err := archtest.Root(".")
	require.NoError(t, err)
	return filepath.Join(append([]string{root}, parts...)...)
}

func readFile(t *testing.T, parts ...string) string {
	t.Helper()
	text, err := os.ReadFile(fromRoot(t, parts...))
	require.NoError(t, err)
	return string(text)
}

func TestRepositoryKeepsToThePlan(t *testing.T) {
	t.Parallel()
	tree, err := repository()
	require.NoError(t, err)
	require.Equal(t, "puenktlich", tree.Module)
	require.Greater(t, len(tree.Packages), 30, "the walk found hardly anything")
	for rule, found := range map[string][]string{
		"every folder has a row":       archtest.Rooms(tree, archtest.House()),
		"rooms import what they may":   archtest.Imports(tree, archtest.House()),
		"libraries stay in their room": archtest.LibraryUse(tree, archtest.Libraries()),
		"pure rooms compute":           archtest.Purity(tree, archtest.House()),
		"files and functions":          archtest.Sizes(tree),
		"package comments":             archtest.Comments(tree),
		"variables of workflows":       archtest.Variables(tree),
		"time of day":                  archtest.Clocks(tree, archtest.WallClock()),
		"standard output":              archtest.Prints(tree),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			require.Empty(t, found, strings.Join(found, "\n"))
		})
	}
}

func TestDeployHoldsNoGo(t *testing.T) {
	t.Parallel()
	tree, err := repository()
	require.NoError(t, err)
	for _, p := range tree.Packages {
		require.False(t, strings.HasPrefix(p.Path, "deploy") || strings.HasPrefix(p.Path, "docs"), "%s holds Go code", p.Path)
	}
}

const (
	tableBegin = "<!-- house table: written by go test ./internal/archtest -update -->\n"
	tableEnd   = "<!-- end of house table -->\n"
)

func TestArchitecturePageShowsTheHouse(t *testing.T) {
	t.Parallel()
	page := readFile(t, "docs", "architecture.md")
	before, rest, found := strings.Cut(page, tableBegin)
	require.True(t, found, "docs/architecture.md has no line %q", tableBegin)
	table, after, found := strings.Cut(rest, tableEnd)
	require.True(t, found, "docs/architecture.md has no line %q", tableEnd)
	want := archtest.Markdown(archtest.House())
	if *update {
		require.NoError(t, os.WriteFile(fromRoot(t, "docs", "architecture.md"), []byte(before+tableBegin+want+tableEnd+after), 0o644))
		return
	}
	require.Equal(t, want, table, "run go test ./internal/archtest -update")
}
