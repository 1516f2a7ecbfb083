package experiment

import (
	"context"
	"fmt"
	"strings"

	schema "puenktlich/schemas/clickhouse"
)

// Bounds of what is asked for and offered.
const (
	maxIDLetters = 64
	nearRuns     = 5
)

// Named is a run that may be meant.
type Named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// UnknownRunError: no run's id begins so.
type UnknownRunError struct {
	ID   string
	Near []Named
}

func (e *UnknownRunError) Error() string {
	if len(e.Near) == 0 {
		return e.Sentence() + "; `puenktlich runs list` names those there are"
	}
	return e.Sentence() + "; near it: " + listed(e.Near)
}

// Sentence says what is wrong and offers nothing.
func (e *UnknownRunError) Sentence() string { return fmt.Sprintf("there is no run %q", e.ID) }

// AmbiguousRunError: several runs' ids begin so.
type AmbiguousRunError struct {
	Prefix  string
	Matches []Named
	More    bool // there are others
}

func (e *AmbiguousRunError) Error() string {
	more := ""
	if e.More {
		more = " and others"
	}
	return fmt.Sprintf("%q begins several runs: %s%s; give more of the id", e.Prefix, listed(e.Matches), more)
}

func listed(runs []Named) string {
	texts := make([]string, len(runs))
	for i, run := range runs {
		texts[i] = fmt.Sprintf("%s (%s)", run.ID, run.Name)
	}
	return strings.Join(texts, ", ")
}

// resolve finds the run whose id it is, or the only one whose id begins so.
func (r Reader) resolve(ctx context.Context, id string) (schema.Run, error) {
	id = strings.TrimSpace(id)
	if id == "" || len(id) > maxIDLetters {
		return schema.Run{}, &UnknownRunError{ID: id[:min(len(id), maxIDLetters)]}
	}
	found, err := r.Store.FindRuns(ctx, id, nearRuns+1)
	switch {
	case err != nil:
		return schema.Run{}, r.failed("find run "+id, err)
	case len(found) == 1 || len(found) > 1 && found[0].RunID == id:
		return found[0], nil
	case len(found) > 1:
		shown := found[:min(len(found), nearRuns)]
		return schema.Run{}, &AmbiguousRunError{Prefix: id, Matches: named(shown), More: len(found) > len(shown)}
	}
	near, err := r.Store.NearRuns(ctx, id, nearRuns)
	if err != nil {
		return schema.Run{}, r.failed("find run "+id, err)
	}
	return schema.Run{}, &UnknownRunError{ID: id, Near: named(near)}
}

func named(runs []schema.Run) []Named {
	all := make([]Named, len(runs))
	for i, run := range runs {
		all[i] = Named{run.RunID, run.Name}
	}
	return all
}
