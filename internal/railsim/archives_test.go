package railsim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
)

// goldenDay is the SHA-256 over names and bodies of one recorded day of seed
// 1. Who changes what the railway does sets it anew and raises edition, so
// that nobody mixes archives of both.
const goldenDay = "d4a59ae8ba1137830a884165d9bc0e3dbf7de1733b2c4010081b8ba0e26d60b5"

func writeDays(t *testing.T, r *Railway, job Archives) {
	t.Helper()
	if err := r.WriteArchives(t.Context(), job); err != nil {
		t.Fatal(err)
	}
}

func wholeDay(dir string, day rail.Day) Archives {
	return Archives{Dir: dir, From: day.Start(), To: day.End()}
}

// contentHash is of what an archive holds, whatever compresses it.
func contentHash(t *testing.T, path string) (string, int) {
	t.Helper()
	hash := sha256.New()
	report, err := archive.Walk(path, func(e archive.Entry) error {
		fmt.Fprintf(hash, "%s %d\n", e.Name, len(e.Body))
		hash.Write(e.Body)
		return nil
	})
	if err != nil || len(report.Unknown) > 0 {
		t.Fatal(err, report.Unknown)
	}
	return hex.EncodeToString(hash.Sum(nil)), report.Entries
}

func TestRecordedDayIsAlwaysTheSame(t *testing.T) {
	t.Parallel()
	day, dir, other := rail.Day("2026-06-10"), t.TempDir(), t.TempDir()
	writeDays(t, newRailway(t, Options{Seed: 1}), wholeDay(dir, day))
	got, entries := contentHash(t, filepath.Join(dir, "2026-06-10.tar.zst"))
	if want := 7 * (24 + 720 + 1); entries != want {
		t.Errorf("%d entries, want %d", entries, want)
	}
	if got != goldenDay {
		t.Errorf("the recorded day has hash %s; if railway or wire format were meant to change, set goldenDay and raise edition", got)
	}
	// Another railway of the same seed, after calls in another order.
	r := newRailway(t, Options{Seed: 1})
	for _, past := range []rail.Day{"2026-06-30", "2025-01-01", "2026-06-11", "2026-06-09"} {
		get(t, r, timetables.Call{Kind: timetables.CallFull, EVA: 8099014, AsOf: past.Start().Add(15 * time.Hour)})
	}
	writeDays(t, r, wholeDay(other, day))
	if again, _ := contentHash(t, filepath.Join(other, "2026-06-10.tar.zst")); again != got {
		t.Error("another order of calls gives another day")
	}
}

func TestSeedsDiffer(t *testing.T) {
	t.Parallel()
	call := timetables.Call{Kind: timetables.CallFull, EVA: Hub, AsOf: at(t, "2026-06-10 12:00:00")}
	a, b := get(t, newRailway(t, Options{Seed: 1}), call), get(t, newRailway(t, Options{Seed: 2}), call)
	if bytes.Equal(a, b) {
		t.Error("two seeds give the same document")
	}
}

func TestConcurrentCallsAgree(t *testing.T) {
	t.Parallel()
	r, alone := newRailway(t, Options{Seed: 1}), newRailway(t, Options{Seed: 1})
	var group sync.WaitGroup
	for i := range 24 {
		// Twelve days, more than are held, each asked for twice at once.
		call := timetables.Call{Kind: timetables.CallRecent, EVA: Hub, AsOf: at(t, "2026-06-10 08:00:00").AddDate(0, 0, i%12)}
		want := get(t, alone, call)
		group.Go(func() {
			got, err := r.Get(t.Context(), call)
			if err != nil || !bytes.Equal(got.Body, want) {
				t.Errorf("%s: %v, %d bytes, want %d", call.AsOf, err, len(got.Body), len(want))
			}
		})
	}
	group.Wait()
	if n := len(r.books.held); n > heldDays {
		t.Errorf("%d days held", n)
	}
}

// A recording answers every poll as the railway does, also on the days of the
// clock changes, when a day has 690 or 750 polls.
func TestRecordingReplaysAsTheRailway(t *testing.T) {
	t.Parallel()
	for day, polls := range map[rail.Day]int{"2026-06-10": 720, "2026-10-25": 750, "2027-03-28": 690} {
		dir := t.TempDir()
		r := newRailway(t, Options{Seed: 1, Stations: 1})
		writeDays(t, r, wholeDay(dir, day))
		recording, err := archive.OpenRecording(dir)
		if err != nil {
			t.Fatal(err)
		}
		if problems := recording.Problems(); len(problems) > 0 {
			t.Fatal(day, problems)
		}
		// The first poll of the day asks for everything and then for the recent.
		times := recording.Polls(Hub)
		if len(times) != polls+1 {
			t.Errorf("%s: %d polls, want %d and one more", day, len(times), polls)
		}
		changes := 0
		for _, moment := range times[1:] {
			call := timetables.Call{Kind: timetables.CallRecent, EVA: Hub, AsOf: moment.Truncate(time.Second)}
			want := get(t, r, call)
			call.AsOf = moment
			got, err := recording.Get(t.Context(), call)
			if err != nil || !bytes.Equal(got.Body, want) {
				t.Fatalf("%s at %s: %v\n%s\nwant\n%s", day, moment, err, got.Body, want)
			}
			changes += len(parse(t, got.Body, call).Changes)
		}
		if changes < 1000 {
			t.Errorf("%s: %d changes", day, changes)
		}
	}
}

func TestWholeDaysAreKeptAndPartsWrittenAnew(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := newRailway(t, Options{Seed: 1, Stations: 1})
	job := Archives{Dir: dir, From: at(t, "2026-06-09 00:00:00"), To: at(t, "2026-06-10 06:00:00"), Every: time.Hour}
	var heard []string
	job.Progress = func(day rail.Day, done, total int) { heard = append(heard, fmt.Sprint(day, " ", done, "/", total)) }
	writeDays(t, r, job)
	if got := strings.Join(heard, ", "); got != "2026-06-09 1/2, 2026-06-10 2/2" {
		t.Errorf("progress %s", got)
	}
	whole, part := filepath.Join(dir, "2026-06-09.tar.zst"), filepath.Join(dir, "2026-06-10.tar.zst")
	if _, n := contentHash(t, part); n != 24+6+1 {
		t.Errorf("%d entries until six o'clock", n)
	}
	mark := []byte("kept")
	if err := os.WriteFile(whole, mark, 0o600); err != nil {
		t.Fatal(err)
	}
	job.To = at(t, "2026-06-11 00:00:00")
	writeDays(t, r, job)
	if text, err := os.ReadFile(whole); err != nil || !bytes.Equal(text, mark) {
		t.Errorf("a whole day was written again: %v", err)
	}
	if _, n := contentHash(t, part); n != 24+24+1 {
		t.Errorf("%d entries of the whole day", n)
	}
	label, err := os.ReadFile(filepath.Join(dir, stampName))
	if err != nil || bytes.Contains(label, []byte("in_part")) {
		t.Errorf("%v: %s", err, label)
	}
}

func TestArchivesOfAnotherRailwayAreNotMixed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	job := wholeDay(dir, "2026-06-10")
	job.Every = 6 * time.Hour
	writeDays(t, newRailway(t, Options{Seed: 1, Stations: 1}), job)
	err := newRailway(t, Options{Seed: 2, Stations: 1}).WriteArchives(t.Context(), job)
	if err == nil || !strings.Contains(err.Error(), "of another railway") {
		t.Errorf("seed 2 into the directory of seed 1: %v", err)
	}
}

func TestBrokenOffRecordingLeavesNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	job := Archives{Dir: dir, From: at(t, "2026-06-09 00:00:00"), To: at(t, "2026-06-12 00:00:00"), Every: time.Hour,
		Progress: func(rail.Day, int, int) { cancel() }}
	err := newRailway(t, Options{Seed: 1, Stations: 1}).WriteArchives(ctx, job)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("%v: %v; want one archive and %s", err, entries, stampName)
	}
}

func TestOutagesLeaveGaps(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeDays(t, newRailway(t, Options{Seed: 1, Stations: 1, OutageRate: 0.1}), wholeDay(dir, "2026-06-10"))
	_, n := contentHash(t, filepath.Join(dir, "2026-06-10.tar.zst"))
	if n >= 24+720+1-20 || n < 24+500 {
		t.Errorf("%d entries with a tenth of the time out", n)
	}
}

func TestArchiveRequestsAreChecked(t *testing.T) {
	t.Parallel()
	r := newRailway(t, Options{})
	for want, job := range map[string]Archives{
		"no directory given":    {From: at(t, "2026-06-09 00:00:00"), To: at(t, "2026-06-10 00:00:00")},
		"want from before to":   {Dir: "x", From: at(t, "2026-06-09 00:00:00"), To: at(t, "2026-06-09 00:00:00")},
		"the railway opened on": {Dir: "x", From: at(t, "2019-06-09 00:00:00"), To: at(t, "2026-06-09 00:00:00")},
		"want whole seconds":    {Dir: "x", From: at(t, "2026-06-09 00:00:00"), To: at(t, "2026-06-10 00:00:00"), Every: time.Millisecond},
	} {
		if err := r.WriteArchives(t.Context(), job); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func BenchmarkDay(b *testing.B) {
	r, err := New(Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r.write("2026-06-10")
	}
}

func BenchmarkArchiveDay(b *testing.B) {
	r, err := New(Options{Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := r.WriteArchives(b.Context(), wholeDay(b.TempDir(), "2026-06-10")); err != nil {
			b.Fatal(err)
		}
	}
}
