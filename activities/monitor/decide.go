package monitor

import (
	"context"
	"fmt"

	"puenktlich/activities/failure"
	"puenktlich/internal/policy"
	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
)

// Decide applies the policy to the night and those before it. It is an activity
// and not part of the workflow, so that a changed rule never breaks a replay.
func (a *Activities) Decide(ctx context.Context, in schemas.MonitorInput, s schemas.Signals) (schemas.Verdict, error) {
	book, err := a.book(in)
	if err != nil {
		return schemas.Verdict{}, err
	}
	decided, err := a.gather(ctx, book, s)
	if err != nil {
		return schemas.Verdict{}, err
	}
	v, err := decided.Decide()
	if err != nil {
		return v, err
	}
	text, ref, err := rulebook.Canonical(book)
	if err != nil {
		return v, err
	}
	// Another worker, with another policy, may store the verdict.
	if err := a.Objects.Put(ctx, schemas.PolicyKey(ref.SHA256), []byte(text)); err != nil {
		return v, fmt.Errorf("keep policy %s: %w", ref.Name, err)
	}
	return v, nil
}

// book is the policy of an input: its own, its limits, or the configured one.
func (a *Activities) book(in schemas.MonitorInput) (policy.Book, error) {
	switch {
	case in.PolicyFile != "" && in.Policy != (schemas.Policy{}):
		return policy.Book{}, failure.InvalidInput("monitor: give policy or policy_file, not both")
	case in.PolicyFile != "":
		book, err := rulebook.Parse("policy_file", []byte(in.PolicyFile))
		if err != nil {
			return book, failure.InvalidInput("monitor: %v", err)
		}
		return book, nil
	case in.Policy != (schemas.Policy{}):
		return policy.FromLimits(in.Policy), nil
	}
	return a.Policy, nil
}

// gather reads what the policy looks at beside tonight.
func (a *Activities) gather(ctx context.Context, book policy.Book, s schemas.Signals) (rulebook.Case, error) {
	earlier, err := a.Store.FindVerdicts(ctx, rulebook.NightsQuery(book, s.Model, a.Name, s.Day, s.AsOf))
	if err != nil {
		return rulebook.Case{}, fmt.Errorf("nights before %s: %w", s.Day, err)
	}
	acted, err := a.Store.FindVerdicts(ctx, rulebook.TakenQuery(book, s.Model, a.Name, s.AsOf))
	if err != nil {
		return rulebook.Case{}, fmt.Errorf("actions before %s: %w", s.Day, err)
	}
	return rulebook.Gather(book, s, earlier, acted)
}
