package archtest

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// Bounds of code that people still read in one go.
const (
	MaxFileLines     = 500
	MaxFunctionLines = 70
)

// Sizes finds files and functions that grew too long. A function's lines run
// from its name to its closing brace.
func Sizes(t Tree) []string {
	var found []string
	for _, p := range t.Packages {
		for _, f := range p.Code() {
			if f.Lines > MaxFileLines {
				found = append(found, fmt.Sprintf("%s has %d lines, more than %d: split it by verb", f.Name, f.Lines, MaxFileLines))
			}
			for _, d := range f.Syntax.Decls {
				function, is := d.(*ast.FuncDecl)
				if !is {
					continue
				}
				lines := f.positions.Position(function.End()).Line - f.positions.Position(function.Name.Pos()).Line + 1
				if lines > MaxFunctionLines {
					found = append(found, fmt.Sprintf("%s: %s has %d lines, more than %d: name its steps", f.at(function), function.Name.Name, lines, MaxFunctionLines))
				}
			}
		}
	}
	return found
}

// Comments finds packages that do not say what they are.
func Comments(t Tree) []string {
	var found []string
	for _, p := range t.Packages {
		said, code := false, p.Code()
		for _, f := range code {
			said = said || strings.TrimSpace(f.Syntax.Doc.Text()) != ""
		}
		if len(code) > 0 && !said {
			found = append(found, fmt.Sprintf("%s has no package comment: say in one what it is for", p.Path))
		}
	}
	return found
}

// Variables finds package variables of workflows: a replay could see another
// value than the run it repeats.
func Variables(t Tree) []string {
	var found []string
	for _, p := range t.Packages {
		if p.Path != "workflows" {
			continue
		}
		for _, f := range p.Code() {
			for _, d := range f.Syntax.Decls {
				if general, is := d.(*ast.GenDecl); is && general.Tok == token.VAR {
					found = append(found, fmt.Sprintf("%s: a package variable in workflows may differ at replay: make it a constant or a function", f.at(general)))
				}
			}
		}
	}
	return found
}

// Clocks finds code that asks the machine for the time of day without a reason
// in wall, and reasons that nothing needs any more. Commands may.
func Clocks(t Tree, wall map[string]string) []string {
	var found []string
	read := map[string]bool{}
	for _, p := range t.Packages {
		if strings.HasPrefix(p.Path, "cmd/") || support(p.Path) {
			continue
		}
		for _, f := range p.Code() {
			for _, use := range f.uses("time", "Now", "Since", "Until") {
				read[p.Path] = true
				if wall[p.Path] == "" {
					found = append(found, fmt.Sprintf("%s reads the time of day: take a clock or a now, or state in WallClock why real time is meant", use))
				}
			}
		}
	}
	for path := range wall {
		if !read[path] {
			found = append(found, fmt.Sprintf("WallClock has a reason for %s, which does not read the time of day: remove it", path))
		}
	}
	return found
}

// Prints finds output that goes past the writers a program hands out.
func Prints(t Tree) []string {
	var found []string
	for _, p := range t.Packages {
		if strings.HasPrefix(p.Path, "cmd/") || support(p.Path) {
			continue
		}
		for _, f := range p.Code() {
			for _, use := range f.uses("fmt", "Print", "Printf", "Println") {
				found = append(found, use+" prints to standard output: take an io.Writer or a logger")
			}
		}
	}
	return found
}

// uses finds where a file names some of a package's functions, as file:line.
func (f File) uses(imported string, names ...string) []string {
	local := f.nameOf(imported)
	var found []string
	ast.Inspect(f.Syntax, func(n ast.Node) bool {
		selector, is := n.(*ast.SelectorExpr)
		if !is {
			return true
		}
		of, is := selector.X.(*ast.Ident)
		for _, name := range names {
			if is && local != "" && of.Name == local && selector.Sel.Name == name {
				found = append(found, fmt.Sprintf("%s (%s.%s)", f.at(selector), imported, name))
			}
		}
		return true
	})
	return found
}

// nameOf is what a file calls a package of the standard library; empty where it
// does not import it.
func (f File) nameOf(imported string) string {
	for i, path := range f.Imports() {
		if path != imported {
			continue
		}
		if as := f.Syntax.Imports[i].Name; as != nil {
			return as.Name
		}
		return imported[strings.LastIndexByte(imported, '/')+1:]
	}
	return ""
}
