package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

func isNotFound(err error) bool {
	var missing *serviceerror.NotFound
	return errors.As(err, &missing)
}

func scheduleCommand(p program) *cobra.Command {
	apply := &cobra.Command{Use: "apply", Short: "make or update every configured schedule, remove ours that are configured no more", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStores(cmd.Context(), func(a *adapters) error { return a.applyAndTell(cmd.Context(), p.out) })
		}}
	list := &cobra.Command{Use: "list", Short: "every schedule: last and next runs, missed and skipped ones", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.withStores(cmd.Context(), func(a *adapters) error { return a.listSchedules(cmd.Context(), p.out) })
		}}
	reason := ""
	on := func(use, short, done string, do func(context.Context, client.ScheduleHandle) error) *cobra.Command {
		return &cobra.Command{Use: use, Short: short, Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.withStores(cmd.Context(), func(a *adapters) error {
					if err := a.onSchedule(cmd.Context(), args[0], do); err != nil {
						return err
					}
					_, err := fmt.Fprintf(p.out, "%s: %s\n", args[0], done)
					return err
				})
			}}
	}
	pause := on("pause ID", "stop a schedule from starting runs, until resume", "paused", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Pause(ctx, client.SchedulePauseOptions{Note: "paused by hand: " + reason})
	})
	pause.Flags().StringVar(&reason, "reason", "", "why; stands in the Temporal UI (required)")
	_ = pause.MarkFlagRequired("reason")
	resume := on("resume ID", "let a paused schedule start runs again", "resumed", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Unpause(ctx, client.ScheduleUnpauseOptions{Note: "resumed by hand"})
	})
	run := on("run ID", "start a schedule's workflow now, by its own overlap policy", "started", func(ctx context.Context, h client.ScheduleHandle) error {
		return h.Trigger(ctx, client.ScheduleTriggerOptions{})
	})
	cmd := &cobra.Command{Use: "schedule", Short: "the times at which workflows start by themselves"}
	cmd.AddCommand(apply, list, pause, resume, run)
	return cmd
}

func (a *adapters) applyAndTell(ctx context.Context, out io.Writer) error {
	groups, err := a.groupNames(ctx)
	if err != nil {
		return err
	}
	made, removed, err := a.applySchedules(ctx, groups)
	if err != nil {
		return err
	}
	for _, t := range made {
		fmt.Fprintf(out, "%-16s %-14s %s\n", t.id, t.workflow, t.why)
	}
	for _, id := range removed {
		fmt.Fprintf(out, "%-16s removed: it is configured no more\n", id)
	}
	return nil
}

// onSchedule acts on one of ours.
func (a *adapters) onSchedule(ctx context.Context, id string, do func(context.Context, client.ScheduleHandle) error) error {
	described, err := a.ownSchedule(ctx, id)
	if err != nil {
		return err
	}
	if described == nil {
		return fmt.Errorf("no schedule %s of ours: `puenktlich schedule list` shows them", id)
	}
	if err := do(ctx, a.temporal.ScheduleClient().GetHandle(ctx, id)); err != nil {
		return fmt.Errorf("schedule %s: %w", id, err)
	}
	return nil
}

func (a *adapters) listSchedules(ctx context.Context, out io.Writer) error {
	own, err := a.ownSchedules(ctx)
	if err != nil {
		return err
	}
	if len(own) == 0 {
		_, err := fmt.Fprintln(out, "no schedule: `puenktlich schedule apply` makes them")
		return err
	}
	var ids []string
	for id := range own {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "id\tworkflow\tstate\tlast run\tnext run\truns\tmissed\tskipped\tnote")
	for _, id := range ids {
		d := own[id]
		state := "on"
		if d.Schedule.State.Paused {
			state = "paused"
		}
		last, next := lastRun(d.Info), nextRun(d.Info)
		fmt.Fprintf(w, "%s\t%v\t%s\t%s\t%s\t%d\t%d\t%d\t%s\n", id, d.Schedule.Action.(*client.ScheduleWorkflowAction).Workflow, state, moment(last), moment(next),
			d.Info.NumActions, d.Info.NumActionsMissedCatchupWindow, d.Info.NumActionsSkippedOverlap, d.Schedule.State.Note)
	}
	return w.Flush()
}

func lastRun(i client.ScheduleInfo) time.Time {
	if n := len(i.RecentActions); n > 0 {
		return i.RecentActions[n-1].ActualTime
	}
	return time.Time{}
}

func nextRun(i client.ScheduleInfo) time.Time {
	if len(i.NextActionTimes) > 0 {
		return i.NextActionTimes[0]
	}
	return time.Time{}
}

// moment in UTC, a dash for none.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
