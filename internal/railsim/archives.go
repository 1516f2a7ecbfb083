package railsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"puenktlich/internal/atomicfile"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
)

// Archives asks for recordings of a stretch of time, one archive a day.
type Archives struct {
	// Dir takes the archives YYYY-MM-DD.tar.zst, and railway.json, which says
	// of which railway they are. It is made where it is missing.
	Dir string
	// From and To are half-open. A day that they cover in part is recorded in
	// part.
	From, To time.Time
	// Every is the time between two polls of a station, counted from the
	// start of the day. Defaults to two minutes, which misses nothing.
	Every time.Duration
	// Progress hears of each day that is done, kept ones included. May be nil.
	Progress func(day rail.Day, done, total int)
}

func (a Archives) withDefaults() Archives {
	if a.Every == 0 {
		a.Every = RecentWindow
	}
	if a.Progress == nil {
		a.Progress = func(rail.Day, int, int) {}
	}
	return a
}

func (a Archives) check() error {
	var problems []error
	if a.Dir == "" {
		problems = append(problems, errors.New("no directory given"))
	}
	if a.From.Before(opened.Start()) {
		problems = append(problems, fmt.Errorf("from %s: the railway opened on %s", a.From.Format(time.RFC3339), opened))
	}
	if !a.From.Before(a.To) {
		problems = append(problems, fmt.Errorf("from %s to %s: want from before to", a.From.Format(time.RFC3339), a.To.Format(time.RFC3339)))
	}
	if a.Every < time.Second || a.Every%time.Second != 0 {
		problems = append(problems, fmt.Errorf("polls every %s: want whole seconds", a.Every))
	}
	return errors.Join(problems...)
}

// stretch is what of one day is recorded.
type stretch struct {
	day      rail.Day
	from, to time.Time
}

func (s stretch) whole() bool { return s.from.Equal(s.day.Start()) && s.to.Equal(s.day.End()) }

func (a Archives) stretches() []stretch {
	var out []stretch
	for day := rail.DayOf(a.From); day.Start().Before(a.To); day = day.Add(1) {
		s := stretch{day: day, from: day.Start(), to: day.End()}
		if a.From.After(s.from) {
			s.from = a.From
		}
		if a.To.Before(s.to) {
			s.to = a.To
		}
		out = append(out, s)
	}
	return out
}

// WriteArchives records the railway as a collector would have: each hour's
// plan, each poll of the recent changes, and all known changes at the first
// poll of a day. A failed poll leaves no document.
//
// A file appears under its name only when it is complete. Days recorded whole
// are kept; a directory with archives of another railway is an error.
func (r *Railway) WriteArchives(ctx context.Context, job Archives) error {
	job = job.withDefaults()
	if err := job.check(); err != nil {
		return fmt.Errorf("write archives: %w", err)
	}
	if err := os.MkdirAll(job.Dir, 0o755); err != nil {
		return fmt.Errorf("write archives: %w", err)
	}
	label, err := openStamp(job, r.options)
	if err != nil {
		return fmt.Errorf("write archives: %w", err)
	}
	days := job.stretches()
	for i, s := range days {
		if err := r.writeDay(ctx, job, label, s); err != nil {
			return fmt.Errorf("write archive of %s: %w", s.day, err)
		}
		job.Progress(s.day, i+1, len(days))
	}
	return nil
}

func (r *Railway) writeDay(ctx context.Context, job Archives, label *stamp, s stretch) error {
	path := filepath.Join(job.Dir, string(s.day)+".tar.zst")
	if _, err := os.Stat(path); err == nil && !label.inPart(s.day) {
		return nil
	}
	if !s.whole() {
		if err := label.markInPart(job.Dir, s); err != nil {
			return err
		}
	}
	if err := atomicfile.WriteFunc(path, 0o644, func(w io.Writer) error { return r.record(ctx, w, job.Every, s) }); err != nil {
		return err
	}
	if s.whole() {
		return label.markWhole(job.Dir, s.day)
	}
	return nil
}

// record writes one archive: station by station, plans first.
func (r *Railway) record(ctx context.Context, w io.Writer, every time.Duration, s stretch) error {
	out, err := archive.NewWriter(w)
	if err != nil {
		return err
	}
	for _, station := range r.stations {
		if err := r.recordStation(ctx, out, station.EVA, every, s); err != nil {
			return errors.Join(err, out.Close())
		}
	}
	return out.Close()
}

func (r *Railway) recordStation(ctx context.Context, out *archive.Writer, eva int64, every time.Duration, s stretch) error {
	add := func(call timetables.Call) error {
		call.EVA = eva
		return r.add(ctx, out, call)
	}
	last := ""
	for hour := s.day.Start(); hour.Before(s.day.End()); hour = hour.Add(time.Hour) {
		// Both passes of the hour that the autumn change repeats are one file.
		if name := rail.FormatTime(hour); name != last {
			if err := add(timetables.Call{Kind: timetables.CallPlan, Hour: hour, AsOf: s.day.Start()}); err != nil {
				return err
			}
			last = name
		}
	}
	first := true
	for at := s.day.Start(); at.Before(s.to); at = at.Add(every) {
		if at.Before(s.from) {
			continue
		}
		if first {
			if err := add(timetables.Call{Kind: timetables.CallFull, AsOf: at}); err != nil {
				return err
			}
			first = false
		}
		if err := add(timetables.Call{Kind: timetables.CallRecent, AsOf: at}); err != nil {
			return err
		}
	}
	return nil
}

// add records one answer; in an outage there is none.
func (r *Railway) add(ctx context.Context, out *archive.Writer, call timetables.Call) error {
	response, err := r.Get(ctx, call)
	if down := (*UnavailableError)(nil); errors.As(err, &down) {
		return nil
	}
	if err != nil {
		return err
	}
	return out.Add(archive.Entry{Call: response.Call, PolledAt: response.PolledAt, Body: response.Body})
}
