package archtest_test

import (
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/archtest"
)

// commandLine is what the program's source says of its command line.
type commandLine struct{ words, flags []string }

// readCommandLine finds the names of commands and flags where they are made: in
// the field Use of a command, and as the second argument of pflag's ...Var.
func readCommandLine(t *testing.T) commandLine {
	t.Helper()
	tree, err := repository()
	require.NoError(t, err)
	var line commandLine
	for _, p := range tree.Packages {
		if p.Path != "cmd/puenktlich" {
			continue
		}
		for _, f := range p.Code() {
			ast.Inspect(f.Syntax, func(n ast.Node) bool { line.visit(n); return true })
		}
	}
	require.Subset(t, line.words, []string{"worker", "api", "migrate", "schedule", "apply", "simulate", "replay", "settings", "engine"})
	require.Subset(t, line.flags, []string{"--pool", "--listen", "--recordings"})
	return line
}

func (l *commandLine) visit(n ast.Node) {
	switch n := n.(type) {
	case *ast.KeyValueExpr:
		if key, is := n.Key.(*ast.Ident); is && key.Name == "Use" {
			word, _, _ := strings.Cut(literal(n.Value), " ")
			l.words = append(l.words, word)
		}
	case *ast.CallExpr:
		call, is := n.Fun.(*ast.SelectorExpr)
		if is && strings.HasSuffix(call.Sel.Name, "Var") && len(n.Args) > 1 {
			l.flags = append(l.flags, "--"+literal(n.Args[1]))
		}
	}
}

func literal(e ast.Expr) string {
	basic, is := e.(*ast.BasicLit)
	if !is {
		return ""
	}
	text, _ := strconv.Unquote(basic.Value)
	return text
}

// problem says what is wrong with arguments, nothing if they are known: words up
// to the first flag are commands, each flag exists.
func (l commandLine) problem(args []string) string {
	for i, arg := range args {
		name, _, _ := strings.Cut(arg, "=")
		switch {
		case strings.HasPrefix(arg, "--") && !slices.Contains(l.flags, name):
			return "no flag " + name
		case !strings.HasPrefix(arg, "--") && !slices.Contains(l.words, arg) && (i == 0 || !strings.HasPrefix(args[i-1], "--")):
			return "no command " + arg
		}
	}
	return ""
}

// poolsOf are the pools that arguments run.
func poolsOf(args []string) []string {
	if at := slices.Index(args, "--pool"); at >= 0 && at+1 < len(args) {
		return strings.Split(args[at+1], ",")
	}
	return nil
}

func TestCommandLineKnowsItsWords(t *testing.T) {
	t.Parallel()
	line := readCommandLine(t)
	for args, want := range map[string]string{
		"worker --pool train": "", "schedule apply": "", "wroker --pool train": "no command wroker",
		"worker --pools train": "no flag --pools", "schedule aply": "no command aply", "simulate --listen=0.0.0.0:1": "",
	} {
		require.Equal(t, want, line.problem(strings.Fields(args)), args)
	}
}

func TestRootSaysWhereItLooked(t *testing.T) {
	t.Parallel()
	_, err := archtest.Root("/")
	require.ErrorContains(t, err, "no go.mod at or above /")
}
