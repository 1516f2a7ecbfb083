package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
)

func changesXML(stops string) string {
	return `<timetable station="Hanau Hbf" eva="8000150">` + stops + `</timetable>`
}

// hanau is a recording of two days in July 2024 (two hours ahead of UTC):
// plans from 08:00, an fchg at 08:00:30 among rchg polls of each full minute,
// and one more the next morning.
func hanau(t *testing.T) *archive.Recording {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "2024-07-01.tar.zst", write(t,
		"fchg/8000150/2024-07-01T080030.xml", changesXML(
			`<s id="1-2407010700-2"><ar ct="2407010812" cp="4"><m id="a" t="d" c="43"/></ar></s>`+
				`<s id="2-2407010700-9"><dp cs="c" clt="2407010755"/></s>`),
		"rchg/8000150/2024-07-01T080000.xml", changesXML(`<s id="1-2407010700-2"><ar ct="2407010811" l="RB5"/></s>`),
		"rchg/8000150/2024-07-01T080100.xml", changesXML(`<s id="1-2407010700-2"><ar ct="2407010813"><m id="b" t="q"/></ar></s>`),
		"rchg/8000150/2024-07-01T080200.xml", changesXML(`<s id="3-2407010700-2"><dp pt="2407010703" ct="2407010704"/></s>`),
		"plan/8000150/240701/08.xml", `<timetable station='Hanau Hbf'><s id="1-2407010700-2"><ar pt="2407010810" pp="3"/></s></timetable>`,
		"plan/8000150/240701/19.xml", `<timetable station='Hanau Hbf'><s id="2-2407010700-9"><dp pt="2407011930"/></s></timetable>`,
		"plan/8000105/240701/08.xml", `<timetable/>`))
	put(t, dir, "2024-07-02.tar.zst", write(t, "rchg/8000150/2024-07-02T080000.xml", changesXML("")))
	recording, err := archive.OpenRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	if problems := recording.Problems(); len(problems) > 0 {
		t.Errorf("problems: %v", problems)
	}
	return recording
}

func TestRecordingKnowsItself(t *testing.T) {
	t.Parallel()
	recording := hanau(t)
	want := []rail.Station{{EVA: 8000105}, {EVA: 8000150, Name: "Hanau Hbf"}}
	if got := recording.Stations(); !reflect.DeepEqual(got, want) {
		t.Errorf("stations %+v, want %+v", got, want)
	}
	from, to := recording.Span()
	if !from.Equal(utc(t, "2024-07-01T06:00:00Z")) || !to.Equal(utc(t, "2024-07-02T06:00:01Z")) {
		t.Errorf("span %s to %s", from, to)
	}
}

func TestRecentIsTheLastPoll(t *testing.T) {
	t.Parallel()
	recording := hanau(t)
	for _, c := range []struct{ asOf, polled, next, holds string }{
		{"2024-07-01T06:00:00Z", "2024-07-01T06:00:00Z", "2024-07-01T06:00:30Z", "0811"},
		{"2024-07-01T06:00:29.999999999Z", "2024-07-01T06:00:00Z", "2024-07-01T06:00:30Z", "0811"},
		{"2024-07-01T06:00:30Z", "2024-07-01T06:00:30Z", "2024-07-01T06:01:00Z", `cs="c"`},
		{"2024-07-01T12:00:00Z", "2024-07-01T06:02:00Z", "2024-07-02T06:00:00Z", "0704"},
	} {
		call := timetables.Call{Kind: timetables.CallRecent, EVA: 8000150, AsOf: utc(t, c.asOf)}
		response, err := recording.Get(t.Context(), call)
		if err != nil || !response.PolledAt.Equal(utc(t, c.polled)) || !response.Next.Equal(utc(t, c.next)) ||
			!strings.Contains(string(response.Body), c.holds) {
			t.Errorf("as of %s: polled %s, next %s, %v\n%s", c.asOf, response.PolledAt, response.Next, err, response.Body)
		}
	}
	last := timetables.Call{Kind: timetables.CallRecent, EVA: 8000150, AsOf: utc(t, "2024-07-02T07:00:00Z")}
	if response, err := recording.Get(t.Context(), last); err != nil || !response.Next.IsZero() {
		t.Errorf("after the end: next %s, %v", response.Next, err)
	}
}

func TestRecordingHasNoSuchDocument(t *testing.T) {
	t.Parallel()
	recording := hanau(t)
	early, first := utc(t, "2024-07-01T05:59:59Z"), utc(t, "2024-07-01T06:00:00Z")
	for _, kind := range []timetables.CallKind{timetables.CallRecent, timetables.CallFull} {
		response, err := recording.Get(t.Context(), timetables.Call{Kind: kind, EVA: 8000150, AsOf: early})
		if !errors.Is(err, timetables.ErrNotFound) || !response.Next.Equal(first) {
			t.Errorf("%s before the first poll: next %s, %v", kind, response.Next, err)
		}
		response, err = recording.Get(t.Context(), timetables.Call{Kind: kind, EVA: 99, AsOf: first})
		if !errors.Is(err, timetables.ErrNotFound) || !response.Next.IsZero() {
			t.Errorf("%s of an unknown station: %v", kind, err)
		}
	}
	plan := timetables.Call{Kind: timetables.CallPlan, EVA: 8000150, Hour: first, AsOf: early}
	if response, err := recording.Get(t.Context(), plan); err != nil || !response.PolledAt.Equal(early) || !bytes.Contains(response.Body, []byte("0810")) {
		t.Errorf("plan: %+v, %v", response, err)
	}
	plan.Hour = first.Add(time.Hour)
	if _, err := recording.Get(t.Context(), plan); !errors.Is(err, timetables.ErrNotFound) {
		t.Errorf("plan of an hour without a file: %v", err)
	}
	if _, err := recording.Get(t.Context(), timetables.Call{EVA: 8000150}); err == nil || errors.Is(err, timetables.ErrNotFound) {
		t.Errorf("a call of no kind: %v", err)
	}
}

// full answers the changes of an fchg document as lines.
func full(t *testing.T, source timetables.Source, asOf string) string {
	t.Helper()
	call := timetables.Call{Kind: timetables.CallFull, EVA: 8000150, AsOf: utc(t, asOf)}
	response, err := source.Get(t.Context(), call)
	if err != nil {
		t.Fatal(err)
	}
	result := timetables.Parse(response.Body, timetables.Origin{Call: call, PolledAt: response.PolledAt})
	if err := result.Err(); err != nil || result.Station != "Hanau Hbf" {
		t.Errorf("as of %s: station %q, %v", asOf, result.Station, err)
	}
	var lines []string
	for _, c := range result.Changes {
		text := fmt.Sprintf("%s/%s %s", c.Stop, c.Kind, c.Status)
		if !c.Changed.IsZero() {
			text += c.Changed.Format("15:04")
		}
		for _, m := range c.Messages {
			text += " " + m.ID
		}
		lines = append(lines, text+" "+c.Platform+c.Line)
	}
	return strings.Join(lines, "\n")
}

func TestFullIsPutTogether(t *testing.T) {
	t.Parallel()
	recording := hanau(t)
	const late, cancelled = "1-2407010700-2/arrival 06:13 a b 4RB5", "2-2407010700-9/departure c "
	for _, c := range []struct{ asOf, want string }{
		{"2024-07-01T06:00:29Z", "1-2407010700-2/arrival 06:11 RB5"},
		{"2024-07-01T06:00:30Z", "1-2407010700-2/arrival 06:12 a 4\n" + cancelled}, // recorded as it is
		{"2024-07-01T06:01:00Z", late + "\n" + cancelled},
		{"2024-07-01T06:04:00Z", "3-2407010700-2/departure 05:04 \n" + late + "\n" + cancelled},
		{"2024-07-01T06:04:30Z", late + "\n" + cancelled}, // 05:04 is more than an hour ago
		{"2024-07-01T07:13:00Z", late + "\n" + cancelled},
		{"2024-07-01T07:14:00Z", cancelled},
		{"2024-07-01T18:30:00Z", cancelled}, // planned for 17:30
		{"2024-07-01T18:31:00Z", ""},
		{"2024-07-01T06:00:29Z", "1-2407010700-2/arrival 06:11 RB5"}, // back again
	} {
		if got := full(t, recording, c.asOf); got != c.want {
			t.Errorf("as of %s: got\n%s\nwant\n%s", c.asOf, got, c.want)
		}
	}
}

func TestPuttingTogetherEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	call := timetables.Call{Kind: timetables.CallFull, EVA: 8000150, AsOf: utc(t, "2024-07-01T06:01:00Z")}
	if _, err := hanau(t).Get(ctx, call); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Two polls of one second can both be asked for; the fchg comes first.
func TestPollsOfOneSecond(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "a.tar.zst", write(t, "rchg/1/2024-07-01T080000.xml", "second", "fchg/1/2024-07-01T080000.xml", "first"))
	recording, err := archive.OpenRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	call := timetables.Call{Kind: timetables.CallRecent, EVA: 1, AsOf: utc(t, "2024-07-01T06:00:00Z")}
	response, err := recording.Get(t.Context(), call)
	if err != nil || string(response.Body) != "first" {
		t.Fatalf("%q %v", response.Body, err)
	}
	call.AsOf = response.Next
	if response, err = recording.Get(t.Context(), call); err != nil || string(response.Body) != "second" || len(recording.Polls(1)) != 2 {
		t.Errorf("%q %v", response.Body, err)
	}
}

func TestRecordingWithDamage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := archive.OpenRecording(dir); err == nil {
		t.Error("an empty directory: no error")
	}
	put(t, dir, "1.tar.zst", nil)
	if _, err := archive.OpenRecording(dir); err == nil {
		t.Error("nothing but an empty file: no error")
	}
	file := manyEntries(t)
	put(t, dir, "2.tar.zst", file[:len(file)/2])
	put(t, dir, "3.tar.zst", strayEntry(t))
	recording, err := archive.OpenRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	cut, stray := (*archive.CutError)(nil), (*archive.NameError)(nil)
	problems := recording.Problems()
	if len(problems) != 3 || !errors.As(problems[1], &cut) || !errors.As(problems[2], &stray) || stray.Name != "notes.txt" {
		t.Fatalf("problems %v", problems)
	}
	polls := recording.Polls(1)
	if len(polls) != cut.Entries+1 {
		t.Errorf("%d polls, want those before the cut and one more", len(polls))
	}
	for _, at := range polls {
		response, err := recording.Get(t.Context(), timetables.Call{Kind: timetables.CallRecent, EVA: 1, AsOf: at})
		if err != nil || len(response.Body) != 5000 && string(response.Body) != "later" {
			t.Errorf("%s: %d bytes, %v", at, len(response.Body), err)
		}
	}
}

// strayEntry is an archive with a file of no known name before a poll.
func strayEntry(t *testing.T) []byte {
	t.Helper()
	var file bytes.Buffer
	zst, err := zstd.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	out := tar.NewWriter(zst)
	for _, entry := range [][2]string{{"notes.txt", "hello"}, {"rchg/1/2024-07-03T080000.xml", "later"}} {
		header := &tar.Header{Name: entry[0], Size: int64(len(entry[1])), Mode: 0o600}
		if err := out.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := out.Write([]byte(entry[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(out.Close(), zst.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}
