package workflows_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/schemas"
)

// A search's card shows what its candidates differ in, and once what they share.
func TestACardTellsCandidatesApart(t *testing.T) {
	t.Parallel()
	tree := schemas.Candidate{Rounds: 270, MaxDepth: 3, Subsample: 0.8}
	plan := schemas.SearchPlan{Budget: schemas.Budget{Rungs: 1, Keep: 0.5}, Candidates: []schemas.Candidate{{Name: "bad"}}}
	for name, change := range map[string]func(*schemas.Candidate){
		"slow":  func(c *schemas.Candidate) { c.LearningRate, c.Lambda = 0.0213, 0.3 },
		"quick": func(c *schemas.Candidate) { c.LearningRate, c.Lambda, c.FeatureSet = 0.2, 0.5, "without_hour" },
		"rate":  func(c *schemas.Candidate) { *c = schemas.Candidate{Algorithm: schemas.AlgorithmRate, Lambda: 0.9} },
	} {
		c := tree
		change(&c)
		c.Name = name
		plan.Candidates = append(plan.Candidates, c)
	}
	env, _ := searching(plan)
	run(t, env)
	said := details(t, env)
	for _, want := range []string{
		"| candidate | | log loss | Brier | rounds | learning rate | lambda | feature set |\n|---|---|--:|--:|--:|--:|--:|--:|\n| slow | | 0.3000 |",
		"| 0.0213 | 0.3 | all |\n| quick |", "| 0.2 | 0.5 | without_hour |\n| rate | to compare with |",
		"| bad | lambda -1: want more |", "Judged on 10 events in 3 folds.",
		"The same in all that have it: max depth 3, subsample 0.8, rounds at most 270.",
	} {
		require.Contains(t, strings.ReplaceAll(said, "|  |", "| |"), want)
	}
}

// What does not fit into a cell stands below the table, once for all it is of.
func TestLongRemarksStandBelowTheTable(t *testing.T) {
	t.Parallel()
	plan := schemas.SearchPlan{Budget: schemas.Budget{Rungs: 1, Keep: 0.5, Rounds: 500}}
	for i := range 12 {
		plan.Candidates = append(plan.Candidates, schemas.Candidate{Name: fmt.Sprintf("tree-%02d", i), Rounds: 10, Lambda: 0.5})
	}
	env, _ := searching(plan)
	run(t, env)
	said := details(t, env)
	require.Contains(t, said, "| tree-11 | see below |")
	require.Equal(t, 1, strings.Count(said, "the budget of 500 rounds is spent"), said)
	require.Contains(t, said, "tree-11: not tried: the budget of 500 rounds is spent.\n")
}
