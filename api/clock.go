package api

import (
	"encoding/json"
	"fmt"
	"time"

	"puenktlich/internal/rail"
)

// moment is the clock as an answer shows it.
type moment struct {
	Now    time.Time `json:"now"`
	Source string    `json:"source"`
	Ended  bool      `json:"ended"`
	Note   string    `json:"note,omitempty"`

	written []byte // as JSON
}

// clock tells whole seconds: what is asked within one is asked of the same moment,
// which is made and written once.
func (s *server) clock() moment {
	now, ended := s.o.Clock.Now().Truncate(time.Second), s.o.Clock.Ended()
	if held := s.second.Load(); held != nil && held.Now.Equal(now) && held.Ended == ended {
		return *held
	}
	m := moment{Now: now.In(rail.Berlin), Source: s.o.Source, Ended: ended}
	if m.Ended {
		m.Note = fmt.Sprintf("The recorded days have ended at %s, and the clock stands still there; from= may ask an earlier time, back to %s.",
			m.Now.Format(time.RFC3339), s.o.Live.From().In(rail.Berlin).Format(time.RFC3339))
	}
	var err error
	if m.written, err = json.Marshal(m); err != nil {
		panic("api: a moment is JSON: " + err.Error())
	}
	s.second.Store(&m)
	return m
}

// parseTime reads a moment: RFC 3339, or German local time without an offset.
func parseTime(name, text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, rail.Berlin); err == nil {
			return t, nil
		}
	}
	return time.Time{}, invalid("%s=%q: want a time such as 2024-10-31T14:00 (German local time) or 2024-10-31T13:00:00Z; a + in an offset is written %%2B", name, text)
}
