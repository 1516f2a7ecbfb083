package rail

import "time"

// Evidence says why an event's truth is believed.
type Evidence string

// Kinds of evidence. Anything else is unknown and never a label.
const (
	ChangeObserved Evidence = "change_observed"
	// PolledWithoutChange: no change though polled without a gap of more than
	// five minutes from 60 minutes before the event to 10 minutes after it.
	PolledWithoutChange Evidence = "polled_without_change"
)

// Truth is what really happened to one planned event.
type Truth struct {
	EVA       int64
	Stop      StopID
	Kind      EventKind
	Planned   time.Time
	Actual    time.Time // equals Planned without an observed change
	Cancelled bool
	Evidence  Evidence
	LastSeen  time.Time // poll that gave the last word
}

// DelayMinutes is undefined for a cancelled event.
func (t Truth) DelayMinutes() int { return DelayMinutes(t.Planned, t.Actual) }

// Late says whether the event ran and was not punctual.
func (t Truth) Late() bool { return !t.Cancelled && !OnTime(t.DelayMinutes()) }
