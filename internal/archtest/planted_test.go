package archtest_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/archtest"
)

// plant writes a module of the files given as path and text.
func plant(t *testing.T, files map[string]string) archtest.Tree {
	t.Helper()
	root := t.TempDir()
	files["go.mod"] = "module planted\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(root, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	tree, err := archtest.Read(root)
	require.NoError(t, err)
	return tree
}

// small is a house of two rooms and one of tests.
func small() []archtest.Room {
	return []archtest.Room{
		{Path: "cmd/x", May: []string{archtest.All}},
		{Path: "a", May: []string{"b"}},
		{Path: "b", Pure: true},
		{Path: "steps/*", May: []string{"b"}},
		{Path: "internal/testenv"},
	}
}

func TestRoomsFindsWhatThePlanLeavesOut(t *testing.T) {
	t.Parallel()
	tree := plant(t, map[string]string{"cmd/x/x.go": "package main", "a/a.go": "package a", "steps/one/o.go": "package one",
		"internal/testenv/e.go": "package testenv", "c/c.go": "package c",
		".hidden/h.go": "package h", "a/testdata/d.go": "not Go", "tools/go.mod": "module tools", "tools/t.go": "package tools"})
	found := archtest.Rooms(tree, small())
	require.Len(t, found, 4, found)
	require.Contains(t, found[0], "c has no row in the house table")
	require.Contains(t, found[1], "lets a import b, which does not exist")
	require.Contains(t, found[2], "a row for b, but there is no Go code")
	require.Contains(t, found[3], "lets steps/* import b, which does not exist")
}

func TestImportsFindsAPlantedViolation(t *testing.T) {
	t.Parallel()
	importing := func(name, path string) string {
		return fmt.Sprintf("package %s\n\nimport _ %q\n", name, "planted/"+path)
	}
	tests := map[string]struct {
		file, text, want string
	}{
		"a room that may":            {"a/new.go", importing("a", "b"), ""},
		"a room that may not":        {"b/new.go", importing("b", "a"), "b/new.go imports a: b may import no other room"},
		"a step and its neighbour":   {"steps/two/new.go", importing("two", "steps/one"), "steps/two/new.go imports steps/one: steps/* may import b"},
		"a command":                  {"cmd/x/new.go", importing("main", "steps/one"), ""},
		"test support in code":       {"a/new.go", importing("a", "internal/testenv"), "a/new.go imports internal/testenv: a may import b"},
		"test support in a test":     {"a/new_test.go", importing("a", "internal/testenv"), ""},
		"an inner test of b":         {"b/new_test.go", importing("b", "a"), ""},
		"an outer test of b":         {"b/new_test.go", importing("b_test", "a"), ""},
		"an outer test of a command": {"b/new_test.go", importing("b_test", "cmd/x"), "b/new_test.go imports cmd/x: b may import no other room"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := plant(t, map[string]string{"cmd/x/x.go": "package main", "a/a.go": "package a", "b/b.go": "package b",
				"steps/one/o.go": "package one", "internal/testenv/e.go": "package testenv", tt.file: tt.text})
			require.Equal(t, tt.want, strings.Join(archtest.Imports(tree, small()), "\n"))
		})
	}
}

func TestLibraryUseFindsAPlantedViolation(t *testing.T) {
	t.Parallel()
	libraries := []archtest.Library{{Prefix: "example.org/db", Rooms: []string{"b"}, Why: "one adapter"}, {Prefix: "example.org/assert", Why: "assertions belong to tests"}}
	tree := plant(t, map[string]string{
		"a/a.go":      "package a\n\nimport _ \"example.org/db/v2\"\n",
		"b/b.go":      "package b\n\nimport _ \"example.org/db\"\nimport _ \"example.org/assert\"\n",
		"b/b_test.go": "package b\n\nimport _ \"example.org/assert\"\n",
	})
	require.ElementsMatch(t, []string{
		"a/a.go imports example.org/db/v2, which is for b: one adapter",
		"b/b.go imports example.org/assert, which is for no other room: assertions belong to tests",
	}, archtest.LibraryUse(tree, libraries))
}

func TestPurityFindsAPlantedViolation(t *testing.T) {
	t.Parallel()
	tree := plant(t, map[string]string{
		"a/a.go":      "package a\n\nimport _ \"os\"\n",
		"b/b.go":      "package b\n\nimport (\n\t_ \"math\"\n\t_ \"gonum.org/v1/gonum/stat\"\n\t_ \"net/http\"\n\t_ \"example.org/db\"\n)\n",
		"b/b_test.go": "package b\n\nimport _ \"os\"\n",
	})
	require.Equal(t, []string{"b/b.go imports net/http, but b is pure: hand in what it needs", "b/b.go imports example.org/db, but b is pure: hand in what it needs"},
		archtest.Purity(tree, small()))
}

func TestSizesFindsWhatGrewTooLong(t *testing.T) {
	t.Parallel()
	// A function of n lines: its first, n-2 of comment, its last.
	function := func(n int) string { return "package a\n\nfunc f() {\n" + strings.Repeat("//\n", n-2) + "}\n" }
	tree := plant(t, map[string]string{
		"a/held.go": function(70), "b/long.go": function(71), "c/big_test.go": "package c\n" + strings.Repeat("\n", 600),
		"c/full.go": "package c\n" + strings.Repeat("\n", 499), "c/big.go": "package c\n" + strings.Repeat("\n", 500),
	})
	require.ElementsMatch(t, []string{"b/long.go:3: f has 71 lines, more than 70: name its steps", "c/big.go has 501 lines, more than 500: split it by verb"}, archtest.Sizes(tree))
}

func TestCommentsFindsASilentPackage(t *testing.T) {
	t.Parallel()
	tree := plant(t, map[string]string{"a/a.go": "package a", "a/doc.go": "// Package a is.\npackage a", "b/b.go": "// a stray comment\n\npackage b",
		"c/c_test.go": "package c"})
	require.Equal(t, []string{"b has no package comment: say in one what it is for"}, archtest.Comments(tree))
}

func TestVariablesFindsThoseOfWorkflows(t *testing.T) {
	t.Parallel()
	tree := plant(t, map[string]string{"a/a.go": "package a\n\nvar here = 1\n", "workflows/w.go": "package workflows\n\nconst fixed = 1\n\nvar (\n\tloose = 2\n)\n\nfunc f() { var local int; _ = local }\n"})
	found := archtest.Variables(tree)
	require.Len(t, found, 1)
	require.Contains(t, found[0], "workflows/w.go:5: a package variable")
}

func TestClocksFindsTheTimeOfDay(t *testing.T) {
	t.Parallel()
	now := "package %s\n\nimport wall \"time\"\n\nvar f = wall.Now\n\ntype x struct{ Now int }\n\nvar time x\nvar _ = time.Now\n"
	tree := plant(t, map[string]string{
		"a/a.go": fmt.Sprintf(now, "a"), "a/a_test.go": "package a\n\nimport \"time\"\n\nvar _ = time.Now()\n",
		"b/b.go": "package b\n\nimport \"time\"\n\nvar _ = time.Since(time.Time{})\n", "cmd/x/x.go": fmt.Sprintf(now, "main"),
	})
	found := archtest.Clocks(tree, map[string]string{"b": "latency", "c": "gone"})
	require.Len(t, found, 2, found)
	require.Contains(t, found[0], "a/a.go:5 (time.Now) reads the time of day")
	require.Contains(t, found[1], "WallClock has a reason for c")
}

func TestPrintsFindsStandardOutput(t *testing.T) {
	t.Parallel()
	tree := plant(t, map[string]string{"a/a.go": "package a\n\nimport \"fmt\"\n\nfunc f() { fmt.Println(fmt.Sprint(1)) }\n", "cmd/x/x.go": "package main\n\nimport \"fmt\"\n\nfunc f() { fmt.Println() }\n"})
	require.Equal(t, []string{"a/a.go:5 (fmt.Println) prints to standard output: take an io.Writer or a logger"}, archtest.Prints(tree))
}

func TestReadSaysWhichFileIsBroken(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "go.mod"), []byte("module broken\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "x.go"), []byte("package"), 0o644))
	_, err := archtest.Read(root)
	require.ErrorContains(t, err, "x.go:1:8")
}
