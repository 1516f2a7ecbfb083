// Package beat sends the heartbeats of activities that take longer than the
// server waits for a sign of life.
package beat

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// Every is how often a heartbeat is sent: well below the heartbeat timeout of a
// step of minutes, since one read or one call may take longer than that.
const Every = 5 * time.Second

// While heartbeats at once and then on a ticker until the function it answers is
// called, with the details given. Outside an activity it does nothing.
func While(ctx context.Context, details ...any) (stop func()) {
	return Telling(ctx, func() []any { return details })
}

// Telling is While with details that change: they are asked for at each heartbeat,
// from another goroutine.
func Telling(ctx context.Context, details func() []any) (stop func()) {
	if !activity.IsActivity(ctx) {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(Every)
		defer ticker.Stop()
		for {
			activity.RecordHeartbeat(ctx, details()...)
			select {
			case <-ticker.C:
			case <-done:
				return
			}
		}
	}()
	return func() { // a heartbeat under way is waited for: the step's end would cut it off
		close(done)
		<-ended
	}
}
