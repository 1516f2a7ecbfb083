package workflows

import (
	"fmt"
	"slices"
	"strings"

	"puenktlich/schemas"
)

// trait is a setting of a candidate as the card shows it, empty where the
// candidate has none.
type trait struct {
	name string
	of   func(schemas.Candidate) string
}

func traits() []trait {
	return []trait{
		{"max depth", func(c schemas.Candidate) string { return setting(float64(c.MaxDepth)) }},
		{"learning rate", func(c schemas.Candidate) string { return setting(c.LearningRate) }},
		{"min child weight", func(c schemas.Candidate) string { return setting(c.MinChild) }},
		{"subsample", func(c schemas.Candidate) string { return setting(c.Subsample) }},
		{"colsample bytree", func(c schemas.Candidate) string { return setting(c.ColSample) }},
		{"lambda", func(c schemas.Candidate) string { return setting(c.Lambda) }},
		{"half-life, days", func(c schemas.Candidate) string { return setting(c.HalfLifeDays) }},
		{"rounds at most", func(c schemas.Candidate) string { return setting(float64(c.Rounds)) }},
		{"feature set", func(c schemas.Candidate) string { return string(c.Sees()) }},
	}
}

// setting is empty for a parameter a candidate does not have; three digits tell
// drawn values apart.
func setting(v float64) string {
	if v == 0 {
		return ""
	}
	return fmt.Sprintf("%.3g", v)
}

// candidatesCard is the table of the candidates, best first. The page that shows
// it is narrow: what a reader looks for first stands first, and what all
// candidates share stands once below.
func candidatesCard(t schemas.SearchTable) string {
	var b strings.Builder
	b.WriteString("### Candidates, judged on days they were not trained on\n\n")
	if t.Rung > 0 {
		b.WriteString(fmt.Sprintf("Rung %d of %d, %d waiting.\n\n", t.Rung, t.Rungs, t.Waiting))
	}
	columns, shared := tellApart(t.Candidates)
	b.WriteString("| candidate | | log loss | Brier | rounds |")
	for _, c := range columns {
		b.WriteString(" " + c.name + " |")
	}
	b.WriteString("\n|---|---|--:|--:|--:|" + strings.Repeat("--:|", len(columns)) + "\n")
	var below remarks
	for _, c := range t.Candidates {
		scores, said := " | | |", remark(c)
		if judged(c) {
			scores = fmt.Sprintf(" %.4f | %.4f | %d |", c.LogLoss, c.Brier, c.Rounds)
		}
		if len(said) > maxRemark {
			below.add(c.Candidate.Name, said)
			said = "see below"
		}
		b.WriteString(fmt.Sprintf("| %s | %s |%s", c.Candidate.Name, said, scores))
		for _, column := range columns {
			b.WriteString(" " + column.of(c.Candidate) + " |")
		}
		b.WriteString("\n")
	}
	b.WriteString(below.text() + judgedOn(t.Candidates))
	if len(shared) > 0 {
		b.WriteString("\nThe same in all that have it: " + strings.Join(shared, ", ") + ".\n")
	}
	if t.Note != "" {
		b.WriteString("\n" + t.Note + "\n")
	}
	return b.String()
}

// maxRemark is how long a remark may be that stands in the table: in its narrow
// cell a longer one makes a row of many lines.
const maxRemark = 30

// remarks are those too long for the table, each once with the candidates it is of.
type remarks struct {
	said []string
	of   map[string][]string
}

func (r *remarks) add(candidate, said string) {
	if r.of == nil {
		r.of = map[string][]string{}
	}
	if r.of[said] == nil {
		r.said = append(r.said, said)
	}
	r.of[said] = append(r.of[said], candidate)
}

func (r *remarks) text() string {
	var b strings.Builder
	for _, said := range r.said {
		b.WriteString("\n" + strings.Join(r.of[said], ", ") + ": " + said + ".\n")
	}
	return b.String()
}

func judged(c schemas.CandidateResult) bool { return c.Folds > 0 || c.Events > 0 }

// judgedOn says on how much the scores rest, once for candidates that share it.
func judgedOn(candidates []schemas.CandidateResult) string {
	var said []string
	for _, c := range candidates {
		on := fmt.Sprintf("%d events in %d folds", c.Events, c.Folds)
		if judged(c) && !slices.Contains(said, on) {
			said = append(said, on)
		}
	}
	if len(said) == 0 {
		return ""
	}
	return "\nJudged on " + strings.Join(said, ", or on ") + ".\n"
}

// tellApart are the traits in which candidates differ, and those that all share
// with their value.
func tellApart(candidates []schemas.CandidateResult) (columns []trait, shared []string) {
	for _, t := range traits() {
		var values []string
		for _, c := range candidates {
			if v := t.of(c.Candidate); v != "" && !slices.Contains(values, v) {
				values = append(values, v)
			}
		}
		switch len(values) {
		case 0:
		case 1:
			shared = append(shared, t.name+" "+values[0])
		default:
			columns = append(columns, t)
		}
	}
	return columns, shared
}

// remark says in a cell what a row's numbers do not.
func remark(c schemas.CandidateResult) string {
	said := "to compare with"
	switch {
	case c.FailReason != "":
		said = c.FailReason
	case c.Dropped != "":
		said = c.Dropped
	case c.RunID == "":
		said = "waiting"
	case c.Candidate.Servable():
		said = ""
	}
	return strings.NewReplacer("|", "/", "\n", " ").Replace(said)
}
