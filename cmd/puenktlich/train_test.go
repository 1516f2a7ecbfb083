package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/schemas"
)

func TestTableInTheTerminal(t *testing.T) {
	t.Parallel()
	table := schemas.SearchTable{Rung: 1, Rungs: 3, Waiting: 1, Candidates: []schemas.CandidateResult{
		{RunID: "a", Candidate: schemas.Candidate{Name: "s01", MaxDepth: 3, LearningRate: 0.06}, Rounds: 41, Brier: 0.1, LogLoss: 0.3},
		{Candidate: schemas.Candidate{Name: "s02", Algorithm: schemas.AlgorithmRate}},
		{Candidate: schemas.Candidate{Name: "s03"}, FailReason: "lambda -1:\nwant more"}}}
	want := `rung 1 of 3, 1 waiting
CANDIDATE  ALGORITHM        FEATURES  DEPTH  RATE  ROUNDS  BRIER   LOG LOSS  
s01        xgboost_buckets  all       3      0.06  41      0.1000  0.3000    
s02        rate             all       0      0                               waiting
s03        xgboost_buckets  all       0      0                               lambda -1: want more
`
	require.Equal(t, want, tableText(table))
	var out bytes.Buffer
	view := tableView{out: &out, live: true}
	view.show(table)
	view.show(table)
	require.Equal(t, want, out.String(), "what did not change is not drawn again")
	table.Note = "done"
	view.show(table)
	require.Equal(t, want+"\x1b[5A\x1b[J"+want+"done\n", out.String())
}

func TestTrainInputIsReadStrictly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"search": {"space": {"parameters": {"max_depth": {"values": [2, 3]}}}}}`: "",
		`{"serach": {}}`:                          `unknown field "serach"`,
		`{"search": {"budget": {"hours": 1}}}`:    `unknown field "hours"`,
		`{"candidates": [{"max_dept": 3}]}`:       `unknown field "max_dept"`,
		`{"candidates": [{"max_depth": "deep"}]}`: "max_depth",
	} {
		path := filepath.Join(t.TempDir(), "input.json")
		require.NoError(t, os.WriteFile(path, []byte(body), 0o600))
		in, err := readTrainInput(path)
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, []float64{2, 3}, in.Search.Space.Parameters["max_depth"].Values)
			continue
		}
		require.ErrorContains(t, err, want)
	}
	_, err := readTrainInput("gone.json")
	require.ErrorIs(t, err, os.ErrNotExist)
}
