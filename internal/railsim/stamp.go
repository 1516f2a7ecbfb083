package railsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/rail"
)

// edition grows whenever the same options begin to give other documents, so
// that archives of two editions are never mixed.
const edition = 1

// stampName is the file beside the archives that says what they are.
const stampName = "railway.json"

// stamp identifies the railway of a directory of archives.
type stamp struct {
	Edition      int       `json:"edition"`
	Seed         uint64    `json:"seed"`
	Stations     int       `json:"stations"`
	Scenario     Scenario  `json:"scenario"`
	ScenarioFrom rail.Day  `json:"scenario_from,omitempty"`
	OutageRate   float64   `json:"outage_rate"`
	EverySeconds int       `json:"every_seconds"`
	InPart       []partial `json:"in_part,omitempty"`
}

// partial is a day that is not recorded whole.
type partial struct {
	Day  rail.Day  `json:"day"`
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func newStamp(job Archives, o Options) *stamp {
	return &stamp{Edition: edition, Seed: o.Seed, Stations: o.Stations, Scenario: o.Scenario,
		ScenarioFrom: o.ScenarioFrom, OutageRate: o.OutageRate, EverySeconds: int(job.Every / time.Second)}
}

// openStamp reads the directory's stamp, or writes a new one.
func openStamp(job Archives, o Options) (*stamp, error) {
	path, want := filepath.Join(job.Dir, stampName), newStamp(job, o)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return want, want.save(job.Dir)
	}
	if err != nil {
		return nil, err
	}
	var found stamp
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	want.InPart = found.InPart
	if have, need := found.text(), want.text(); have != need {
		return nil, fmt.Errorf("%s is of another railway: it says %s, want %s; give another directory", path, have, need)
	}
	return &found, nil
}

// text is the stamp without the days.
func (s stamp) text() string {
	s.InPart = nil
	text, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (s *stamp) inPart(day rail.Day) bool {
	for _, p := range s.InPart {
		if p.Day == day {
			return true
		}
	}
	return false
}

func (s *stamp) markInPart(dir string, of stretch) error {
	s.drop(of.day)
	s.InPart = append(s.InPart, partial{of.day, of.from.UTC(), of.to.UTC()})
	return s.save(dir)
}

func (s *stamp) markWhole(dir string, day rail.Day) error {
	if !s.inPart(day) {
		return nil
	}
	s.drop(day)
	return s.save(dir)
}

func (s *stamp) drop(day rail.Day) {
	var rest []partial
	for _, p := range s.InPart {
		if p.Day != day {
			rest = append(rest, p)
		}
	}
	s.InPart = rest
}

func (s *stamp) save(dir string) error {
	text, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, stampName), 0o644, append(text, '\n'))
}
