// Package clock is the domain's one clock: origin + speed x (wall - start),
// stopped where a recording ends. Nothing below cmd asks the machine for the
// time of day; it asks a Clock.
package clock

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync/atomic"
	"time"

	"puenktlich/internal/atomicfile"
)

// Clock tells domain time. Copies tell the same time; it is safe for concurrent
// use. The zero value is no clock.
type Clock struct{ s *state }

// state is shared by the copies of a clock.
type state struct {
	wall func() time.Time
	at   atomic.Pointer[reading]
}

func started(wall func() time.Time, at reading) Clock {
	s := &state{wall: wall}
	s.at.Store(&at)
	return Clock{s}
}

// reading is what a clock is made of, and what is saved of it.
type reading struct {
	// Origin is the domain time at the wall time Start.
	Origin time.Time `json:"origin"`
	Start  time.Time `json:"start"`
	// Speed is how many domain seconds pass in one of the wall's.
	Speed float64 `json:"speed"`
	// End is where a recording ends and the clock stops; zero means never.
	End time.Time `json:"end,omitzero"`

	held bool // it stands at Origin
}

// Live is the clock of a railway that runs now: origin now, speed 1.
func Live(wall func() time.Time) Clock {
	now := wall()
	return started(wall, reading{Origin: now.UTC(), Start: now, Speed: 1})
}

// Replay starts at origin, runs at speed, and stops at end.
func Replay(wall func() time.Time, origin, end time.Time, speed float64) (Clock, error) {
	at := reading{Origin: origin.UTC(), Start: wall(), Speed: speed, End: end.UTC()}
	return started(wall, at), at.validate()
}

func (r reading) validate() error {
	if r.Speed <= 0 || r.Speed > 100_000 {
		return fmt.Errorf("clock speed %v: want above 0 and at most 100000", r.Speed)
	}
	if !r.End.IsZero() && r.Origin.After(r.End) {
		return fmt.Errorf("clock starts at %s, after the recording's end %s", r.Origin.Format(time.RFC3339), r.End.Format(time.RFC3339))
	}
	return nil
}

// Now is the present domain time in UTC.
func (c Clock) Now() time.Time { return c.s.at.Load().now(c.s.wall()) }

// now is the domain time at a wall time.
func (r *reading) now(wall time.Time) time.Time {
	now := r.Origin
	if !r.held {
		now = now.Add(time.Duration(r.Speed * float64(wall.Sub(r.Start))))
	}
	if !r.End.IsZero() && now.After(r.End) {
		return r.End
	}
	return now
}

// from is the same clock, told from a wall time on.
func (r *reading) from(wall time.Time) reading {
	next := *r
	next.Origin, next.Start = r.now(wall), wall
	return next
}

// Speed is how many domain seconds pass in one of the wall's.
func (c Clock) Speed() float64 {
	return c.s.at.Load().Speed
}

// Ended says that the recording has come to its end.
func (c Clock) Ended() bool {
	at := c.s.at.Load()
	return !at.End.IsZero() && !at.now(c.s.wall()).Before(at.End)
}

// Hold stops the clock where it stands until Release: a replay waits while a
// first model is trained.
func (c Clock) Hold() { c.turn(true) }

// Release lets a held clock go on from where it stands.
func (c Clock) Release() { c.turn(false) }

func (c Clock) turn(held bool) {
	for {
		at := c.s.at.Load()
		next := at.from(c.s.wall())
		if next.held = held; c.s.at.CompareAndSwap(at, &next) {
			return
		}
	}
}

// Save keeps the present moment, from which Resume goes on.
func (c Clock) Save(path string) error {
	at := c.s.at.Load().from(c.s.wall())
	body, err := json.Marshal(at)
	if err != nil {
		return fmt.Errorf("save clock: %w", err)
	}
	if err := atomicfile.Write(path, 0o644, body); err != nil {
		return fmt.Errorf("save clock: %w", err)
	}
	return nil
}

// Resume goes on at speed from the moment Save kept, however long ago that was;
// false if nothing was saved.
func Resume(wall func() time.Time, path string, speed float64) (Clock, bool, error) {
	at, found, err := read(path)
	if err != nil || !found {
		return Clock{}, found, err
	}
	at.Start, at.Speed = wall(), speed
	return started(wall, at), true, at.validate()
}

// Read tells the same time as the clock that was saved, which still runs in
// another process; false if nothing was saved.
func Read(wall func() time.Time, path string) (Clock, bool, error) {
	at, found, err := read(path)
	if err != nil || !found {
		return Clock{}, found, err
	}
	return started(wall, at), true, at.validate()
}

func read(path string) (reading, bool, error) {
	var at reading
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return at, false, nil
	}
	if err == nil {
		err = json.Unmarshal(body, &at)
	}
	if err != nil {
		return at, false, fmt.Errorf("read clock %s: %w; remove the file to start anew", path, err)
	}
	return at, true, nil
}
