package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"puenktlich/internal/rail"
	"puenktlich/internal/rulebook"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// verdictsCommand looks at what the nights came to.
func verdictsCommand(p program) *cobra.Command {
	model, days := schemas.DefaultModel, 28
	list := &cobra.Command{Use: "list", Short: "the newest verdicts, a line each", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStores(cmd.Context(), func(a *adapters) error {
				rows, err := a.db.FindVerdicts(cmd.Context(), schema.VerdictQuery{Model: model, Limit: days})
				if err != nil {
					return err
				}
				return listVerdicts(p.out, rows)
			})
		}}
	list.Flags().IntVar(&days, "limit", days, "how many")
	explain := &cobra.Command{Use: "explain DAY", Short: "decide a night's verdict again from what is stored, and say why", Args: cobra.ExactArgs(1),
		Long: "Reads the night's signals, the policy as it was, the nights before and the actions taken, decides again and compares. Another result is an error.",
		RunE: func(cmd *cobra.Command, args []string) error {
			day, err := rail.ParseDay(args[0])
			if err != nil {
				return err
			}
			return p.withStores(cmd.Context(), func(a *adapters) error { return a.explain(cmd.Context(), p.out, model, day) })
		}}
	cmd := &cobra.Command{Use: "verdicts", Short: "what monitoring decided, and why"}
	for _, sub := range []*cobra.Command{list, explain} {
		sub.Flags().StringVar(&model, "model", model, "model name")
		cmd.AddCommand(sub)
	}
	return cmd
}

// withStores connects, runs and closes.
func (p program) withStores(ctx context.Context, do func(*adapters) error) error {
	a, err := p.alone(ctx)
	if err != nil {
		return err
	}
	defer a.close()
	return do(a)
}

func listVerdicts(out io.Writer, rows []schema.Verdict) error {
	if len(rows) == 0 {
		_, err := fmt.Fprintln(out, "no verdict yet: start MonitorModel, or wait for its schedule")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "day\tversion\tverdict\trule\tdone\tpolicy\tdecided\tworkflow")
	for _, v := range rows {
		done := strings.TrimSpace(v.Act + " " + v.Reference)
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%s %d\t%s\t%s\n", v.Day, v.Version, v.Action, v.Rule, done, v.PolicyName, v.PolicyVersion, v.DecidedAt.Format("2006-01-02 15:04"), v.WorkflowID)
	}
	return w.Flush()
}

var errOtherVerdict = errors.New("the stored verdict is not what its stored signals and policy lead to")

// explain decides the last verdict on a day again.
func (a *adapters) explain(ctx context.Context, out io.Writer, model string, day rail.Day) error {
	rows, err := a.db.FindVerdicts(ctx, schema.VerdictQuery{Model: model, From: string(day), Until: string(day.Add(1)), Newest: true})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("no verdict on %s for %s: `puenktlich verdicts list` shows the days that have one", model, day)
	}
	stored, err := rulebook.Stored(rows[0])
	if err != nil {
		return err
	}
	var named []schema.Verdict
	if ids := slices.Concat(stored.Nights, stored.Taken); len(ids) > 0 {
		if named, err = a.db.FindVerdicts(ctx, schema.VerdictQuery{Model: model, IDs: ids}); err != nil {
			return err
		}
	}
	e, err := rulebook.Explain(rows[0], named)
	if err != nil {
		return err
	}
	tellExplained(out, e)
	if e.Difference != "" {
		return fmt.Errorf("%w: %s", errOtherVerdict, e.Difference)
	}
	return nil
}

func tellExplained(out io.Writer, e rulebook.Explained) {
	row, v := e.Row, e.Again
	fmt.Fprintf(out, "%s, %s@%d: %s", row.Day, row.Model, row.Version, v.Kind)
	if v.Rule != "" {
		fmt.Fprintf(out, ", by rule %s", v.Rule)
	}
	fmt.Fprintf(out, "\npolicy %s, version %d (%s), %d nights, %d earlier actions\n", v.Policy.Name, v.Policy.Version, v.Policy.SHA256[:12], len(e.Case.Nights), len(e.Case.Taken))
	if row.Act != "" {
		fmt.Fprintf(out, "done: %s\n", strings.TrimSpace(strings.Join([]string{row.Act, row.Reference, row.Note, row.Evidence}, " ")))
	}
	for _, reason := range v.Reasons {
		fmt.Fprintf(out, "- %s\n", reason)
	}
	if e.Difference == "" {
		fmt.Fprintln(out, "Decided again from what is stored: the same verdict.")
	}
}

// policyCommand looks into policy files.
func policyCommand(p program) *cobra.Command {
	show := &cobra.Command{Use: "show", Short: "print the default policy, to begin one of your own", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { _, err := fmt.Fprint(p.out, rulebook.DefaultText()); return err }}
	check := &cobra.Command{Use: "check FILE", Short: "read a policy file and list every problem with its line", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			book, err := rulebook.Load(args[0])
			if err != nil {
				return err
			}
			_, ref, err := rulebook.Canonical(book)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.out, "%s, version %d, %s: %d rules, looks at up to %d nights\n", ref.Name, ref.Version, ref.SHA256[:12], len(book.Rules), book.Window())
			return err
		}}
	cmd := &cobra.Command{Use: "policy", Short: "what a night's signals lead to"}
	cmd.AddCommand(show, check)
	return cmd
}
