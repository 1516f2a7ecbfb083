package rulebook_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/policy"
	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
)

func TestTheDefaultPolicy(t *testing.T) {
	t.Parallel()
	book, err := rulebook.Parse("default.yaml", []byte(rulebook.DefaultText()))
	require.NoError(t, err)
	require.Equal(t, 200, book.Events)
	leads := map[schemas.VerdictKind]bool{}
	for _, rule := range book.Rules {
		leads[rule.Then] = true
	}
	for _, kind := range schemas.VerdictKinds()[1:] {
		require.True(t, leads[kind], "nothing leads to %s", kind)
	}
	loaded, err := rulebook.Load("")
	require.NoError(t, err)
	require.Equal(t, book, loaded)
}

func TestCanonicalIsReadBackAsTheSame(t *testing.T) {
	t.Parallel()
	limit := 0.4
	for _, book := range []policy.Book{rulebook.Default(), policy.FromLimits(schemas.Policy{MaxDrifted: limit})} {
		text, ref, err := rulebook.Canonical(book)
		require.NoError(t, err)
		again, err := rulebook.Parse("stored", []byte(text))
		require.NoError(t, err)
		second, other, err := rulebook.Canonical(again)
		require.NoError(t, err)
		require.Equal(t, text, second)
		require.Equal(t, ref, other)
		require.Equal(t, book, again)
		require.Len(t, ref.SHA256, 64)
	}
}

func TestCommentsAndOrderMakeNoDifferenceToTheHash(t *testing.T) {
	t.Parallel()
	hash := func(text string) string {
		book, err := rulebook.Parse("p", []byte(text))
		require.NoError(t, err)
		_, ref, err := rulebook.Canonical(book)
		require.NoError(t, err)
		return ref.SHA256
	}
	a := hash("version: 1\nname: a\nevents: 5\nrules: [{name: r, why: w, when: [{signal: skill, below: 0}], then: alert}]\n")
	b := hash("# a comment\nname: a\nversion: 1\nrules:\n  - when:\n      - below: 0.0\n        signal: skill\n    why: w\n    name: r\n    then: alert\nevents: 5\n")
	require.Equal(t, a, b)
	require.NotEqual(t, a, hash("version: 1\nname: a\nevents: 6\nrules: [{name: r, why: w, when: [{signal: skill, below: 0}], then: alert}]\n"))
}

// TestWrongFiles reads testdata/wrong: each file begins with the messages it
// leads to, one a comment line.
func TestWrongFiles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "wrong", "*.yaml"))
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 10)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var want []string
			for line := range strings.Lines(string(text)) {
				if message, is := strings.CutPrefix(strings.TrimSpace(line), "#! "); is {
					want = append(want, message)
				}
			}
			_, err = rulebook.Parse(filepath.Base(file), text)
			require.Error(t, err)
			require.Equal(t, strings.Join(want, "\n"), err.Error())
			var problem *rulebook.Problem
			if errors.As(err, &problem) {
				require.Positive(t, problem.Line)
			}
		})
	}
	_, err = rulebook.Load("/no/such/policy.yaml")
	require.ErrorContains(t, err, "policy: open /no/such/policy.yaml")
	_, err = rulebook.Parse("empty.yaml", nil)
	require.ErrorContains(t, err, "empty.yaml:1: the policy is empty")
}
