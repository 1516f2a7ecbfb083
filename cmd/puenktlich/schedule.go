package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puenktlich/schemas"
)

// timetable is one schedule: what runs when, in UTC.
type timetable struct {
	id, workflow string
	input        any
	spec         client.ScheduleSpec
	catchUp      time.Duration
	why          string
}

// timetables lists the schedules of a running system.
func timetableOf(groups []string) []timetable {
	var all []timetable
	for _, group := range groups {
		all = append(all, timetable{id: "collect-" + group, workflow: schemas.WorkflowCollect, input: schemas.CollectInput{Group: group},
			spec: client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: time.Minute}}}, catchUp: time.Minute,
			why: "changes are forgotten by the source after two minutes"})
	}
	return append(all,
		timetable{id: "settle", workflow: schemas.WorkflowSettleTruth, input: schemas.SettleInput{},
			spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{at(-1, 20)}}, catchUp: time.Hour, why: "an event's truth settles 90 minutes after it"},
		timetable{id: "monitor", workflow: schemas.WorkflowMonitorModel, input: schemas.MonitorInput{},
			spec: client.ScheduleSpec{Calendars: []client.ScheduleCalendarSpec{at(4, 0)}}, catchUp: 6 * time.Hour, why: "by 04:00 UTC yesterday's truth has settled in summer and winter time"},
	)
}

// at is every day at hour:minute; hour -1 is every hour.
func at(hour, minute int) client.ScheduleCalendarSpec {
	spec := client.ScheduleCalendarSpec{Second: []client.ScheduleRange{{Start: 0}}, Minute: []client.ScheduleRange{{Start: minute}}, Hour: []client.ScheduleRange{{Start: 0, End: 23}}}
	if hour >= 0 {
		spec.Hour = []client.ScheduleRange{{Start: hour}}
	}
	return spec
}

// applySchedules makes or updates every schedule; applying twice changes
// nothing.
func (a *adapters) applySchedules(ctx context.Context, groups []string) error {
	for _, t := range timetableOf(groups) {
		if err := a.applySchedule(ctx, t); err != nil {
			return fmt.Errorf("schedule %s: %w", t.id, err)
		}
	}
	return nil
}

func (a *adapters) applySchedule(ctx context.Context, t timetable) error {
	action := &client.ScheduleWorkflowAction{ID: "scheduled/" + t.id, Workflow: t.workflow, Args: []any{t.input}, TaskQueue: string(schemas.QueueControl), StaticSummary: t.why}
	_, err := a.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{ID: t.id, Spec: t.spec, Action: action,
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: t.catchUp, Note: t.why})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return a.temporal.ScheduleClient().GetHandle(ctx, t.id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			in.Description.Schedule.Spec, in.Description.Schedule.Action = &t.spec, action
			return &client.ScheduleUpdate{Schedule: &in.Description.Schedule}, nil
		}})
}

// groupNames lists the station groups of the source, in order.
func (a *adapters) groupNames(ctx context.Context) ([]string, error) {
	fetch, err := timetablesClient(a.config, a.clock)
	if err != nil {
		return nil, err
	}
	stations, err := collected(ctx, a.config, fetch)
	if err != nil {
		return nil, err
	}
	var names []string
	for name := range stationGroups(stations) {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func scheduleCommand(p program) *cobra.Command {
	apply := &cobra.Command{Use: "apply", Short: "make or update every schedule", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, err := p.alone(cmd.Context())
			if err != nil {
				return err
			}
			defer a.close()
			groups, err := a.groupNames(cmd.Context())
			if err != nil {
				return err
			}
			if err := a.applySchedules(cmd.Context(), groups); err != nil {
				return err
			}
			for _, t := range timetableOf(groups) {
				fmt.Fprintf(p.out, "%-16s %-14s %s\n", t.id, t.workflow, t.why)
			}
			return nil
		}}
	cmd := &cobra.Command{Use: "schedule", Short: "the times at which workflows start by themselves"}
	cmd.AddCommand(apply)
	return cmd
}
