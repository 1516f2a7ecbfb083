package prepare

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"puenktlich/activities/collect"
	"puenktlich/internal/objstore"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// TestCases reads the cases of testdata/cases, each a story with the plan, the
// polls and what is true in the end, and runs them through the collection's and
// the settlement's own code: from the XML of the answers to the stored truth.
func TestCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cases/*.txt")
	if err != nil || len(files) < 12 {
		t.Fatalf("testdata/cases has %d cases (%v), want at least 12", len(files), err)
	}
	h := newHouse(t)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			story := readStory(t, file)
			told := *h
			activities := *h.Activities
			activities.Name = filepath.Base(file) // rows of different sources never meet
			told.Activities = &activities
			told.collectStory(t, story)
			for _, s := range story.settlements {
				if got := told.tell(t, story, s); got != s.want {
					t.Errorf("%s\n%s as of %s: got\n%s\nwant\n%s", story.title, s.words, s.asOf, got, s.want)
				}
			}
		})
	}
}

// story is a case as it is written.
type story struct {
	title       string
	eva         int64
	day         rail.Day
	entries     []archive.Entry // in the order of the text
	settlements []settledLook
}

// settledLook is one look at the truth.
type settledLook struct {
	words string // "truth" settles, "truth again" only looks
	asOf  time.Time
	want  string
}

// readStory takes a case apart: blocks between empty lines, whose first line says
// what they are; all others are prose.
func readStory(t *testing.T, file string) *story {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	s := &story{}
	for i, block := range strings.Split(strings.TrimSpace(string(text)), "\n\n") {
		head, rest, _ := strings.Cut(block, "\n")
		words := strings.Fields(head)
		switch {
		case i == 0:
			s.title = head
		case words[0] == "station":
			_, err := fmt.Sscanf(head, "station %d on %s", &s.eva, &s.day)
			must(t, err)
		case words[0] == "plan" && len(words) == 2:
			s.add(timetables.Call{Kind: timetables.CallPlan, EVA: s.eva, Hour: s.at(t, words[1]+":00")}, time.Time{}, document(rest))
		case words[0] == "poll":
			s.poll(t, words[1:], rest)
		case words[0] == "watched":
			s.watch(t, head)
		case words[0] == "truth":
			s.settlements = append(s.settlements, s.look(t, head, rest))
		}
	}
	if s.eva == 0 || len(s.entries) == 0 || len(s.settlements) == 0 {
		t.Fatalf("%s: want a station, a plan or polls, and a truth", file)
	}
	return s
}

func document(stops string) string { return `<timetable station="Hanau Hbf">` + stops + `</timetable>` }

// at is a German clock time of the story's day.
func (s *story) at(t *testing.T, clock string) time.Time {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", string(s.day)+" "+clock, rail.Berlin)
	must(t, err)
	return at.UTC()
}

func (s *story) add(call timetables.Call, polledAt time.Time, body string) {
	call.AsOf = polledAt
	s.entries = append(s.entries, archive.Entry{Call: call, PolledAt: polledAt, Body: []byte(body)})
}

// poll reads "11:40", "11:40 fchg" and "11:40 broken off".
func (s *story) poll(t *testing.T, words []string, stops string) {
	t.Helper()
	call, body := timetables.Call{Kind: timetables.CallRecent, EVA: s.eva}, document(stops)
	switch how := strings.Join(words[1:], " "); how {
	case "":
	case "fchg":
		call.Kind = timetables.CallFull
	case "broken off":
		body = strings.TrimSuffix(body, "</timetable>")
	default:
		t.Fatalf("poll %q: want fchg or broken off", how)
	}
	at := s.at(t, words[0])
	s.entries = slices.DeleteFunc(s.entries, func(e archive.Entry) bool { return e.Call.Kind == call.Kind && e.PolledAt.Equal(at) })
	s.add(call, at, body)
}

// watch adds polls that say nothing, where no other poll is.
func (s *story) watch(t *testing.T, head string) {
	t.Helper()
	var from, to string
	var minutes int
	_, err := fmt.Sscanf(head, "watched %s to %s every %d minutes", &from, &to, &minutes)
	must(t, err)
	for at := s.at(t, from); !at.After(s.at(t, to)); at = at.Add(time.Duration(minutes) * time.Minute) {
		s.add(timetables.Call{Kind: timetables.CallRecent, EVA: s.eva}, at, document(""))
	}
}

func (s *story) look(t *testing.T, head, want string) settledLook {
	t.Helper()
	words, asOf, found := strings.Cut(head, " as of ")
	if !found {
		t.Fatalf("%q: want truth as of", head)
	}
	clock, next := strings.CutSuffix(asOf, " next day")
	at := s.at(t, clock)
	if next {
		at = at.Add(24 * time.Hour)
	}
	return settledLook{words: words, asOf: at, want: strings.TrimSpace(want)}
}

// collectStory brings the answers in as a recording archive.
func (h *house) collectStory(t *testing.T, s *story) {
	t.Helper()
	slices.SortStableFunc(s.entries, func(a, b archive.Entry) int { return a.PolledAt.Compare(b.PolledAt) })
	path := filepath.Join(t.TempDir(), "story.tar.zst")
	file, err := os.Create(path)
	must(t, err)
	w, err := archive.NewWriter(file)
	must(t, err)
	for _, entry := range s.entries {
		must(t, w.Add(entry))
	}
	must(t, w.Close())
	must(t, file.Close())
	c := &collect.Activities{Raw: h.Objects.(*objstore.Store), Cursors: nowhere{}, Store: h.db, Clock: h.Clock, Name: h.Name, Past: true}
	_, err = c.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: "main", Path: path})
	must(t, err)
}

// tell writes the truth as of a moment as the stories do.
func (h *house) tell(t *testing.T, s *story, look settledLook) string {
	t.Helper()
	var counts schemas.SettleCounts
	settles := look.words == "truth"
	if settles {
		counts = h.settle(t, string(s.day), look.asOf)
	}
	truths, err := h.truths(t.Context(), s.day, look.asOf)
	must(t, err)
	known := map[rail.EventKey]rail.Truth{}
	for _, truth := range truths {
		known[rail.EventKey{Stop: truth.Stop, Kind: truth.Kind}] = truth
	}
	lines, missing := h.planned(t, s, known)
	if counts.Unknown > 0 {
		lines = append(lines, "no truth: "+strings.Join(missing, ", "))
	}
	if !settles {
		return strings.Join(lines, "\n")
	}
	if unplanned := h.unplanned(t); unplanned != "" {
		lines = append(lines, "observed, but in no plan: "+unplanned)
	}
	return strings.Join(append(lines, tally(counts)), "\n")
}

// planned describes the planned events with a truth, by time and train, and names
// those without.
func (h *house) planned(t *testing.T, s *story, known map[rail.EventKey]rail.Truth) (lines, missing []string) {
	t.Helper()
	var events []rail.PlannedEvent
	query := schema.TimelineQuery{Source: h.Name, From: s.day.Start(), Until: s.day.End()}
	must(t, h.db.Timelines(t.Context(), query, func(p rail.PlannedEvent, _ []rail.Change) error {
		events = append(events, p)
		return nil
	}))
	slices.SortFunc(events, func(a, b rail.PlannedEvent) int {
		return cmp.Or(a.Planned.Compare(b.Planned), cmp.Compare(a.Train.Number, b.Train.Number), cmp.Compare(a.Kind, b.Kind))
	})
	for _, p := range events {
		name := fmt.Sprintf("%s %s %s %s", p.Train.Category, p.Train.Number, p.Kind, german(p.Planned))
		truth, found := known[p.Key()]
		if !found {
			missing = append(missing, name)
			continue
		}
		lines = append(lines, name+": "+describeTruth(truth))
	}
	return lines, missing
}

func describeTruth(truth rail.Truth) string {
	text := fmt.Sprintf("%d min", truth.DelayMinutes())
	actual := truth.Actual
	switch {
	case truth.Cancelled:
		text, actual = "cancelled", truth.Planned
	case truth.Late():
		text += ", late"
	}
	after := int(truth.LastSeen.Sub(actual) / time.Minute)
	side := "after"
	if after < 0 {
		after, side = -after, "before"
	}
	return fmt.Sprintf("%s, %s, last seen %s (%d min %s)", text, truth.Evidence, german(truth.LastSeen), after, side)
}

func german(t time.Time) string { return t.In(rail.Berlin).Format("15:04") }

// unplanned lists the stops of the store that were observed and stand in no plan.
func (h *house) unplanned(t *testing.T) string {
	t.Helper()
	rows, err := h.conn.Query(t.Context(), `SELECT stop_id, arrayStringConcat(arraySort(groupUniqArray(kind)), ', ') FROM stop_change
		WHERE source = ? AND stop_id NOT IN (SELECT stop_id FROM stop_plan WHERE source = ?) GROUP BY stop_id ORDER BY stop_id`, h.Name, h.Name)
	must(t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var stop, kinds string
		must(t, rows.Scan(&stop, &kinds))
		all = append(all, stop+" "+kinds)
	}
	must(t, rows.Err())
	return strings.Join(all, "; ")
}

// tally writes the counts that are not zero.
func tally(c schemas.SettleCounts) string {
	text := fmt.Sprintf("%d planned", c.Planned)
	for _, part := range []struct {
		n    int
		word string
	}{{c.Observed, "observed"}, {c.Late, "late"}, {c.Cancelled, "cancelled"}, {c.NoChange, "without change"}, {c.Unknown, "unknown"},
		{c.Unsettled, "unsettled"}, {c.Revised, "revised"}} {
		if part.n > 0 {
			text += fmt.Sprintf(", %d %s", part.n, part.word)
		}
	}
	return text
}
