package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"puenktlich/internal/agenda"
	"puenktlich/schemas"
)

// timetable is one schedule as Temporal gets it.
type timetable struct {
	id, workflow   string
	input          any
	spec           client.ScheduleSpec
	overlap        enums.ScheduleOverlapPolicy
	catchUp        time.Duration
	pauseOnFailure bool
	why            string
}

// schedulable are the workflows that may start by themselves, with the input that
// a schedule's must fit.
func schedulable() map[string]func() any {
	return map[string]func() any{
		schemas.WorkflowCollect: func() any { return new(schemas.CollectInput) }, schemas.WorkflowSettleTruth: func() any { return new(schemas.SettleInput) },
		schemas.WorkflowMonitorModel: func() any { return new(schemas.MonitorInput) }, schemas.WorkflowScoreBatch: func() any { return new(schemas.ScoreBatchInput) },
		schemas.WorkflowRunLifecycle: func() any { return new(schemas.LifecycleInput) }, schemas.WorkflowRecalibrateModel: func() any { return new(schemas.RecalibrateInput) },
	}
}

// configured are the schedules, those of station groups one by one.
func configured(path string, groups []string) ([]timetable, error) {
	inputs := schedulable()
	var names []string
	for name := range inputs {
		names = append(names, name)
	}
	slices.Sort(names)
	schedules, err := agenda.Load(path, names)
	if err != nil {
		return nil, err
	}
	var all []timetable
	for _, s := range schedules {
		each := []string{""}
		if s.Each == agenda.EachGroup {
			each = groups
		}
		for _, group := range each {
			t, err := timetableOf(s, group, inputs[s.Workflow]())
			if err != nil {
				return nil, err
			}
			all = append(all, t)
		}
	}
	return all, nil
}

func timetableOf(s agenda.Schedule, group string, input any) (timetable, error) {
	t := timetable{id: s.ID, workflow: s.Workflow, input: input, catchUp: time.Duration(s.CatchUp), pauseOnFailure: s.PauseOnFailure, why: s.Why,
		spec: client.ScheduleSpec{Jitter: time.Duration(s.Jitter), TimeZoneName: "UTC"}}
	values := map[string]any{}
	for name, value := range s.Input {
		values[name] = value
	}
	if group != "" {
		t.id += "-" + group
		values["group"] = group
	}
	body, err := json.Marshal(values)
	if err != nil {
		return t, fmt.Errorf("schedule %s: input: %w", t.id, err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(input); err != nil {
		return t, fmt.Errorf("schedule %s: input of %s: %w", t.id, s.Workflow, err)
	}
	if every := time.Duration(s.Every); every > 0 {
		t.spec.Intervals = []client.ScheduleIntervalSpec{{Every: every}}
	}
	for _, clock := range s.At {
		t.spec.Calendars = append(t.spec.Calendars, at(clock.Hour, clock.Minute))
	}
	t.overlap = map[agenda.Overlap]enums.ScheduleOverlapPolicy{agenda.OverlapSkip: enums.SCHEDULE_OVERLAP_POLICY_SKIP, agenda.OverlapBuffer: enums.SCHEDULE_OVERLAP_POLICY_BUFFER_ONE,
		agenda.OverlapCancel: enums.SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER, agenda.OverlapAllow: enums.SCHEDULE_OVERLAP_POLICY_ALLOW_ALL}[s.Overlap]
	return t, nil
}

// at is every day at hour:minute; agenda.EveryHour is every hour.
func at(hour, minute int) client.ScheduleCalendarSpec {
	spec := client.ScheduleCalendarSpec{Second: []client.ScheduleRange{{Start: 0}}, Minute: []client.ScheduleRange{{Start: minute}}, Hour: []client.ScheduleRange{{Start: 0, End: 23}}}
	if hour != agenda.EveryHour {
		spec.Hour = []client.ScheduleRange{{Start: hour}}
	}
	return spec
}

// scheduledPrefix begins the workflow IDs of what our schedules start, and by it
// they are told from others of the namespace.
const scheduledPrefix = "scheduled/"

// applySchedules makes or updates every configured schedule and removes ours that
// are configured no more; applying twice changes nothing. It answers what was
// removed.
func (a *adapters) applySchedules(ctx context.Context, groups []string) ([]timetable, []string, error) {
	wanted, err := configured(a.config.Schedules, groups)
	if err != nil {
		return nil, nil, err
	}
	for _, t := range wanted {
		if err := a.applySchedule(ctx, t); err != nil {
			return nil, nil, fmt.Errorf("schedule %s: %w", t.id, err)
		}
	}
	present, err := a.ownSchedules(ctx)
	if err != nil {
		return nil, nil, err
	}
	var removed []string
	for id := range present {
		if slices.ContainsFunc(wanted, func(t timetable) bool { return t.id == id }) {
			continue
		}
		if err := a.temporal.ScheduleClient().GetHandle(ctx, id).Delete(ctx); err != nil {
			return nil, nil, fmt.Errorf("remove schedule %s: %w", id, err)
		}
		removed = append(removed, id)
	}
	slices.Sort(removed)
	return wanted, removed, nil
}

func (a *adapters) applySchedule(ctx context.Context, t timetable) error {
	action := &client.ScheduleWorkflowAction{ID: scheduledPrefix + t.id, Workflow: t.workflow, Args: []any{t.input}, TaskQueue: string(schemas.QueueControl), StaticSummary: t.why}
	_, err := a.temporal.ScheduleClient().Create(ctx, client.ScheduleOptions{ID: t.id, Spec: t.spec, Action: action,
		Overlap: t.overlap, CatchupWindow: t.catchUp, PauseOnFailure: t.pauseOnFailure, Note: t.why})
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return err
	}
	return a.temporal.ScheduleClient().GetHandle(ctx, t.id).Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := &in.Description.Schedule
			if before, is := s.Action.(*client.ScheduleWorkflowAction); !is || !strings.HasPrefix(before.ID, scheduledPrefix) {
				return nil, fmt.Errorf("a schedule of this name is there that is not ours: give ours another id")
			}
			s.Spec, s.Action = &t.spec, action // whoever paused it keeps it paused
			s.Policy = &client.SchedulePolicies{Overlap: t.overlap, CatchupWindow: t.catchUp, PauseOnFailure: t.pauseOnFailure}
			return &client.ScheduleUpdate{Schedule: s}, nil
		}})
}

// ownSchedules describes the schedules that are ours, by ID.
func (a *adapters) ownSchedules(ctx context.Context) (map[string]*client.ScheduleDescription, error) {
	list, err := a.temporal.ScheduleClient().List(ctx, client.ScheduleListOptions{PageSize: 100})
	if err != nil {
		return nil, fmt.Errorf("list schedules: %w", err)
	}
	own := map[string]*client.ScheduleDescription{}
	for list.HasNext() {
		entry, err := list.Next()
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		if _, ours := schedulable()[entry.WorkflowType.Name]; !ours {
			continue
		}
		described, err := a.ownSchedule(ctx, entry.ID)
		if err != nil {
			return nil, err
		}
		if described != nil {
			own[entry.ID] = described
		}
	}
	return own, nil
}

// ownSchedule describes one; nil where it is not ours or was removed meanwhile.
func (a *adapters) ownSchedule(ctx context.Context, id string) (*client.ScheduleDescription, error) {
	described, err := a.temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("schedule %s: %w", id, err)
	}
	action, is := described.Schedule.Action.(*client.ScheduleWorkflowAction)
	if !is || action.ID != scheduledPrefix+id {
		return nil, nil
	}
	return described, nil
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
