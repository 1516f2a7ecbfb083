package archtest

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Tree is the Go source of a module. Rules read it and change nothing.
type Tree struct {
	Module   string
	Packages []Package // by path
}

// Package is one folder of Go files.
type Package struct {
	Path  string // below the module's root, with slashes; "." is the root
	Files []File
}

// File is one Go file.
type File struct {
	Name      string // below the module's root
	Lines     int
	Test      bool // built for tests alone
	Syntax    *ast.File
	positions *token.FileSet
}

// Imports lists the paths the file imports.
func (f File) Imports() []string {
	paths := make([]string, len(f.Syntax.Imports))
	for i, spec := range f.Syntax.Imports {
		paths[i], _ = strconv.Unquote(spec.Path.Value) // the parser read it already
	}
	return paths
}

// at is where a node stands, as file:line.
func (f File) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", f.Name, f.positions.Position(n.Pos()).Line)
}

// Code lists the files that are in the program.
func (p Package) Code() []File {
	return slices.DeleteFunc(slices.Clone(p.Files), func(f File) bool { return f.Test })
}

// Root is the nearest folder at or above dir that holds a go.mod.
func Root(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("root of the module: %w", err)
	}
	for at := dir; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, "go.mod")); err == nil {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("root of the module: no go.mod at or above %s", dir)
		}
	}
}

// Read parses every Go file of the module at root. Folders whose name begins
// with a dot, testdata, and modules within the module are left out.
func Read(root string) (Tree, error) {
	var tree Tree
	text, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		return tree, fmt.Errorf("read module: %w", err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	tree.Module = strings.TrimSpace(strings.TrimPrefix(first, "module"))
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(root, name)
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		return tree.add(root, name)
	})
	if err != nil {
		return tree, fmt.Errorf("read module: %w", err)
	}
	return tree, nil
}

// enter answers fs.SkipDir for a folder that is not of this module's source.
func enter(root, dir string) error {
	if dir == root {
		return nil
	}
	base := filepath.Base(dir)
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	if strings.HasPrefix(base, ".") || base == "testdata" || err == nil {
		return fs.SkipDir
	}
	return nil
}

func (t *Tree) add(root, name string) error {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed since the folder was listed
	}
	if err != nil {
		return err
	}
	short, err := filepath.Rel(root, name)
	if err != nil {
		return err
	}
	short = filepath.ToSlash(short)
	positions := token.NewFileSet()
	syntax, err := parser.ParseFile(positions, short, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	file := File{Name: short, Lines: strings.Count(string(text), "\n"), Syntax: syntax, positions: positions,
		Test: strings.HasSuffix(short, "_test.go")}
	dir := path.Dir(short)
	at := slices.IndexFunc(t.Packages, func(p Package) bool { return p.Path == dir })
	if at < 0 {
		at = len(t.Packages)
		t.Packages = append(t.Packages, Package{Path: dir})
	}
	t.Packages[at].Files = append(t.Packages[at].Files, file)
	return nil
}
