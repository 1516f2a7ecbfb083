package main

import (
	"context"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/schemas"
)

// keepGoing makes the schedules of a source that runs at the time's own speed.
// A replay at another speed is stepped instead: Temporal's schedules know only
// the server's time.
func (e *embedded) keepGoing(ctx context.Context, _ program) error {
	groups, err := e.groupNames(ctx)
	if err != nil {
		return err
	}
	if e.clock.Speed() == 1 {
		_, _, err := e.applySchedules(ctx, groups)
		return err
	}
	stepping, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); e.step(stepping, groups) }()
	e.stops = append(e.stops, func() { cancel(); <-done })
	return nil
}

// stepEvery is the pause between two steps of a replay.
const stepEvery = time.Second

// step collects through the present of the domain again and again, settles
// each of its hours and monitors each of its days.
func (e *embedded) step(ctx context.Context, groups []string) {
	ticker := time.NewTicker(stepEvery)
	defer ticker.Stop()
	last := e.clock.Now()
	for ended := false; !ended; {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		now := e.clock.Now()
		ended = e.clock.Ended()
		for _, group := range groups {
			_, err := execute[schemas.CollectResult](ctx, e.adapters, schemas.CollectID(group), schemas.WorkflowCollect, schemas.CollectInput{Group: group, AsOf: now})
			e.complain(ctx, "collect", err)
		}
		if now.Truncate(time.Hour) != last.Truncate(time.Hour) || ended {
			_, err := execute[schemas.SettleResult](ctx, e.adapters, "settle/step", schemas.WorkflowSettleTruth, schemas.SettleInput{AsOf: now})
			e.complain(ctx, "settle", err)
		}
		if before, after := rail.HistoryBefore(last), rail.HistoryBefore(now); before != after {
			_, err := execute[schemas.MonitorResult](ctx, e.adapters, "monitor/step", schemas.WorkflowMonitorModel, schemas.MonitorInput{Day: string(before), AsOf: now})
			e.complain(ctx, "monitor", err)
		}
		last = now
	}
}

// complain logs what went wrong with a step; the next one tries again.
func (e *embedded) complain(ctx context.Context, step string, err error) {
	if err != nil && ctx.Err() == nil {
		e.logger.Warn("step of the replay", "step", step, "error", err)
	}
}
