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
	"path/filepath"
	"time"
)

// Clock tells domain time. It is immutable and safe for concurrent use.
type Clock struct {
	// Origin is the domain time at the wall time Start.
	Origin time.Time `json:"origin"`
	Start  time.Time `json:"start"`
	// Speed is how many domain seconds pass in one of the wall's.
	Speed float64 `json:"speed"`
	// End is where a recording ends and the clock stops; zero means never.
	End time.Time `json:"end,omitzero"`

	wall func() time.Time
}

// Live is the clock of a railway that runs now: origin now, speed 1.
func Live(wall func() time.Time) Clock {
	now := wall()
	return Clock{Origin: now.UTC(), Start: now, Speed: 1, wall: wall}
}

// Replay starts at origin, runs at speed, and stops at end.
func Replay(wall func() time.Time, origin, end time.Time, speed float64) (Clock, error) {
	c := Clock{Origin: origin.UTC(), Start: wall(), Speed: speed, End: end.UTC(), wall: wall}
	return c, c.validate()
}

func (c Clock) validate() error {
	if c.Speed <= 0 || c.Speed > 100_000 {
		return fmt.Errorf("clock speed %v: want above 0 and at most 100000", c.Speed)
	}
	if !c.End.IsZero() && c.Origin.After(c.End) {
		return fmt.Errorf("clock starts at %s, after the recording's end %s", c.Origin.Format(time.RFC3339), c.End.Format(time.RFC3339))
	}
	return nil
}

// Now is the present domain time in UTC.
func (c Clock) Now() time.Time {
	now := c.Origin.Add(time.Duration(c.Speed * float64(c.wall().Sub(c.Start))))
	if !c.End.IsZero() && now.After(c.End) {
		return c.End
	}
	return now
}

// Ended says that the recording has come to its end.
func (c Clock) Ended() bool { return !c.End.IsZero() && !c.Now().Before(c.End) }

// Save keeps the present moment, from which Resume goes on.
func (c Clock) Save(path string) error {
	body, err := json.Marshal(Clock{Origin: c.Now(), Start: c.wall(), Speed: c.Speed, End: c.End})
	if err != nil {
		return fmt.Errorf("save clock: %w", err)
	}
	temp := path + ".new"
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("save clock: %w", err)
	}
	if err := os.WriteFile(temp, body, 0o644); err != nil {
		return fmt.Errorf("save clock: %w", err)
	}
	return os.Rename(temp, path)
}

// Resume goes on at the moment Save kept, however long ago that was; false if
// nothing was saved.
func Resume(wall func() time.Time, path string) (Clock, bool, error) {
	c, found, err := Read(wall, path)
	c.Start = wall()
	return c, found, err
}

// Read tells the same time as the clock that was saved, which still runs in
// another process; false if nothing was saved.
func Read(wall func() time.Time, path string) (Clock, bool, error) {
	body, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Clock{}, false, nil
	}
	var c Clock
	if err == nil {
		err = json.Unmarshal(body, &c)
	}
	if err != nil {
		return Clock{}, false, fmt.Errorf("read clock %s: %w; remove the file to start anew", path, err)
	}
	c.wall = wall
	return c, true, c.validate()
}
