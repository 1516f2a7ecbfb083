// Package agenda reads which workflows start by themselves, and when: a YAML
// file, checked as a whole.
package agenda

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

//go:embed default.yaml
var defaultFile []byte

// Overlap says what happens to a run whose predecessor has not ended.
type Overlap string

// The overlaps.
const (
	OverlapSkip   Overlap = "skip"
	OverlapBuffer Overlap = "buffer_one" // one waits
	OverlapCancel Overlap = "cancel_other"
	OverlapAllow  Overlap = "allow_all"
)

// EachGroup makes one schedule a station group.
const EachGroup = "group"

// EveryHour stands for the hour of a Clock.
const EveryHour = -1

// Bounds of an agenda.
const (
	shortest      = 10 * time.Second
	longestJitter = 24 * time.Hour
	widest        = 30 * 24 * time.Hour // catch-up window
)

// Schedule is one line of an agenda.
type Schedule struct {
	ID       string `yaml:"id"`
	Workflow string `yaml:"workflow"`
	// Each makes one schedule a station group, whose name is appended to the ID and
	// is the input's group.
	Each string `yaml:"each"`
	// Every or At: a period, or times of day in UTC, 04:00 or *:20 for every hour.
	Every Duration `yaml:"every"`
	At    []Clock  `yaml:"at"`
	// CatchUp is how late a run that was missed may still start. Defaults to Every,
	// at least a minute, or an hour.
	CatchUp Duration `yaml:"catch_up"`
	// Jitter spreads starts over that long.
	Jitter         Duration       `yaml:"jitter"`
	Overlap        Overlap        `yaml:"overlap"` // defaults to skip
	PauseOnFailure bool           `yaml:"pause_on_failure"`
	Input          map[string]any `yaml:"input"`
	Why            string         `yaml:"why"`
}

// Clock is a time of day in UTC; Hour -1 is every hour.
type Clock struct{ Hour, Minute int }

var clockForm = regexp.MustCompile(`^(\*|[0-2][0-9]):([0-5][0-9])$`)

// UnmarshalYAML reads 04:00 or *:20.
func (c *Clock) UnmarshalYAML(at *yaml.Node) error {
	parts := clockForm.FindStringSubmatch(at.Value)
	if parts == nil {
		return fmt.Errorf("line %d: %q: want a time of day in UTC such as 04:00, or *:20 for every hour", at.Line, at.Value)
	}
	c.Hour, c.Minute = EveryHour, 0
	c.Minute, _ = strconv.Atoi(parts[2])
	if parts[1] != "*" {
		if c.Hour, _ = strconv.Atoi(parts[1]); c.Hour > 23 {
			return fmt.Errorf("line %d: %q: want an hour from 00 to 23", at.Line, at.Value)
		}
	}
	return nil
}

// Duration is a time such as 90s or 6h.
type Duration time.Duration

// UnmarshalYAML reads it.
func (d *Duration) UnmarshalYAML(at *yaml.Node) error {
	parsed, err := time.ParseDuration(at.Value)
	if err != nil || parsed < 0 {
		return fmt.Errorf("line %d: %q: want a time such as 90s or 6h", at.Line, at.Value)
	}
	*d = Duration(parsed)
	return nil
}

// Load reads a file; an empty path is the default.
func Load(path string, workflows []string) ([]Schedule, error) {
	if path == "" {
		return Parse("default.yaml", defaultFile, workflows)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("schedules: %w", err)
	}
	return Parse(path, text, workflows)
}

// Parse reads the text of a file; workflows are the types there are.
func Parse(file string, text []byte, workflows []string) ([]Schedule, error) {
	var document struct {
		Schedules []Schedule `yaml:"schedules"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&document); err != nil {
		return nil, fmt.Errorf("schedules of %s: %w", file, err)
	}
	var problems []error
	seen := map[string]bool{}
	for i := range document.Schedules {
		s := &document.Schedules[i]
		for _, problem := range s.check(workflows) {
			problems = append(problems, fmt.Errorf("schedules of %s: schedule %d (%s): %s", file, i+1, s.ID, problem))
		}
		if seen[s.ID] {
			problems = append(problems, fmt.Errorf("schedules of %s: schedule %d (%s): the id stands twice", file, i+1, s.ID))
		}
		seen[s.ID] = true
	}
	return document.Schedules, errors.Join(problems...)
}

var plainID = regexp.MustCompile(`^[a-z][a-z0-9-]{0,60}$`)

// check fills in defaults and says what is wrong.
func (s *Schedule) check(workflows []string) []string {
	var problems []string
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	if !plainID.MatchString(s.ID) {
		wrong("id %q: want small letters, digits and hyphens", s.ID)
	}
	if !slices.Contains(workflows, s.Workflow) {
		wrong("workflow %q: there are %s", s.Workflow, strings.Join(workflows, ", "))
	}
	if s.Each != "" && s.Each != EachGroup {
		wrong("each %q: want group", s.Each)
	}
	switch every := time.Duration(s.Every); {
	case (every > 0) == (len(s.At) > 0):
		wrong("want every or at, one of them")
	case every > 0 && every < shortest:
		wrong("every %s: want at least %s", every, shortest)
	}
	if s.CatchUp == 0 {
		s.CatchUp = Duration(time.Hour)
		if s.Every > 0 {
			s.CatchUp = max(s.Every, Duration(time.Minute))
		}
	}
	if catch := time.Duration(s.CatchUp); catch < shortest || catch > widest {
		wrong("catch_up %s: want %s to %s", catch, shortest, widest)
	}
	if jitter := time.Duration(s.Jitter); jitter > longestJitter || s.Every > 0 && s.Jitter >= s.Every {
		wrong("jitter %s: want less than the period, at most %s", jitter, longestJitter)
	}
	if s.Overlap == "" {
		s.Overlap = OverlapSkip
	}
	if all := []Overlap{OverlapSkip, OverlapBuffer, OverlapCancel, OverlapAllow}; !slices.Contains(all, s.Overlap) {
		wrong("overlap %q: want one of %v", s.Overlap, all)
	}
	if strings.TrimSpace(s.Why) == "" {
		wrong("why is missing: operators read it")
	}
	return problems
}
