package archive_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
)

func utc(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// Germany was two hours ahead of UTC in summer 2024, one from 2024-10-27
// 01:00 UTC on.
func TestNames(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]string{
		"rchg/8000105/2024-07-01T080005.xml":       "2024-07-01T06:00:05Z",
		"fchg/8000105/2024-12-31T235959.xml":       "2024-12-31T22:59:59Z",
		"rchg/1/2024-07-01T080005.25.xml":          "2024-07-01T06:00:05.25Z",
		"rchg/1/2024-07-01T080005.123456789.xml":   "2024-07-01T06:00:05.123456789Z",
		"rchg/8000105/2024-10-27T015959.xml":       "2024-10-26T23:59:59Z",
		"rchg/8000105/2024-10-27T020000A.xml":      "2024-10-27T00:00:00Z",
		"rchg/8000105/2024-10-27T025959.5A.xml":    "2024-10-27T00:59:59.5Z",
		"rchg/8000105/2024-10-27T020000B.xml":      "2024-10-27T01:00:00Z",
		"rchg/8000105/2024-10-27T025959.xml-never": "",
		"rchg/8000105/2024-10-27T030000.xml":       "2024-10-27T02:00:00Z",
		"plan/8000105/241029/00.xml":               "2024-10-28T23:00:00Z",
		"plan/8000105/241027/02.xml":               "2024-10-27T00:00:00Z",
	} {
		call, polledAt, err := archive.ParseName(name)
		if at == "" {
			if err == nil {
				t.Errorf("%s: no error", name)
			}
			continue
		}
		got := call.Hour
		if call.Kind != timetables.CallPlan {
			got = polledAt
		}
		if err != nil || !got.Equal(utc(t, at)) {
			t.Errorf("%s: %s %v, want %s", name, got, err, at)
		}
		if again := archive.Name(call, polledAt); again != name {
			t.Errorf("%s becomes %s", name, again)
		}
	}
}

func TestBadNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", "README.md", "rchg/8000105/2024-07-01T080005", "rchg/8000105/2024-07-01T0800.xml",
		"rchg/Hanau/2024-07-01T080005.xml", "xchg/8000105/2024-07-01T080005.xml", "rchg/0/2024-07-01T080005.xml",
		"rchg/8000105/2024-07-01T080005A.xml", "rchg/8000105/2024-10-27T020000AB.xml", "rchg/8000105/2024-07-01T080005..xml",
		"rchg/8000105/2024-03-31T023000.xml", "plan/8000105/240331/02.xml", "plan/8000105/2407/0108.xml",
		"plan/8000105/240701/24.xml", "plan/8000105/240701/08/1.xml", "/rchg/8000105/2024-07-01T080005.xml",
		"rchg/8000105/2024-07-01T080005.1e3.xml", "rchg/8000105/2024-07-01T080005.1234567890.xml",
	} {
		_, _, err := archive.ParseName(name)
		if bad := (*archive.NameError)(nil); !errors.As(err, &bad) || bad.Name != name || bad.Reason == "" {
			t.Errorf("%q: got %v, want a *NameError", name, err)
		}
	}
}

// write makes an archive of names and bodies, one after the other.
func write(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var file bytes.Buffer
	writer, err := archive.NewWriter(&file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if err := writer.Add(archive.Entry{Name: pairs[i], Body: []byte(pairs[i+1])}); err != nil {
			t.Fatal(err)
		}
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func read(t *testing.T, file []byte) ([]archive.Entry, error) {
	t.Helper()
	reader, err := archive.NewReader(bytes.NewReader(file), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var entries []archive.Entry
	for {
		entry, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return entries, nil
		}
		if err != nil {
			return entries, err
		}
		entries = append(entries, entry)
	}
}

func TestWriteAndRead(t *testing.T) {
	t.Parallel()
	pairs := []string{
		"rchg/8000105/2024-07-01T080005.xml", "<timetable/>", "plan/8000105/240701/08.xml", "",
		"fchg/8000105/2024-07-01T075959.xml", "<timetable a='1'/>",
	}
	entries, err := read(t, write(t, pairs...))
	if err != nil || len(entries) != 3 {
		t.Fatalf("%d entries: %v", len(entries), err)
	}
	for i, entry := range entries {
		if entry.Name != pairs[2*i] || string(entry.Body) != pairs[2*i+1] {
			t.Errorf("entry %d is %s %q", i, entry.Name, entry.Body)
		}
	}
	want := timetables.Call{Kind: timetables.CallRecent, EVA: 8000105, AsOf: utc(t, "2024-07-01T06:00:05Z")}
	if entries[0].Call != want || !entries[0].PolledAt.Equal(want.AsOf) || !entries[1].PolledAt.IsZero() {
		t.Errorf("calls %+v, %+v", entries[0], entries[1])
	}
	if sha256.Sum256(write(t, pairs...)) != sha256.Sum256(write(t, pairs...)) {
		t.Error("the same entries give two archives")
	}
}

func TestWriterRefuses(t *testing.T) {
	t.Parallel()
	writer, err := archive.NewWriter(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	entry := archive.Entry{Call: timetables.Call{Kind: timetables.CallFull, EVA: 1}, PolledAt: utc(t, "2024-07-01T06:00:05Z")}
	if err := writer.Add(entry); err != nil {
		t.Fatal(err)
	}
	if err := writer.Add(archive.Entry{Name: "fchg/1/2024-07-01T080005.xml"}); err == nil {
		t.Error("the same name twice: no error")
	}
	if bad := (*archive.NameError)(nil); !errors.As(writer.Add(archive.Entry{Name: "notes.txt"}), &bad) {
		t.Error("notes.txt: no *NameError")
	}
}

// Without letters the order of the entries tells the pass of the repeated hour.
func TestRepeatedHourByOrder(t *testing.T) {
	t.Parallel()
	const r = "rchg/1/2024-10-27T0"
	entries, err := read(t, write(t, r+"15000.xml", "", r+"23000.xml", "", r+"24500.xml", "", "rchg/2/2024-10-27T021500.xml", "",
		r+"21500.xml", "", r+"24500B.xml", "", r+"25500.xml", "", r+"31500.xml", ""))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2024-10-26T23:50:00Z", "2024-10-27T00:30:00Z", "2024-10-27T00:45:00Z", "2024-10-27T00:15:00Z",
		"2024-10-27T01:15:00Z", "2024-10-27T01:45:00Z", "2024-10-27T01:55:00Z", "2024-10-27T02:15:00Z"}
	for i, entry := range entries {
		if !entry.PolledAt.Equal(utc(t, want[i])) {
			t.Errorf("%s: %s, want %s", entry.Name, entry.PolledAt, want[i])
		}
	}
}

func manyEntries(t *testing.T) []byte {
	t.Helper()
	var pairs []string
	body := make([]byte, 5000)
	for i := range 200 {
		for j := range body {
			body[j] = byte((i + 7) * (j + 3) * (j ^ i) >> 3)
		}
		at := utc(t, "2024-07-01T06:00:00Z").Add(time.Duration(i) * time.Minute)
		pairs = append(pairs, archive.Name(timetables.Call{Kind: timetables.CallRecent, EVA: 1}, at), string(body))
	}
	return write(t, pairs...)
}

// However an archive is cut, what stands before the cut is read, and the cut is
// told.
func TestCutArchive(t *testing.T) {
	t.Parallel()
	file := manyEntries(t)
	for _, size := range []int{0, 3, 20, len(file) / 2, len(file) - 5} {
		entries, err := read(t, file[:size])
		cut := (*archive.CutError)(nil)
		if !errors.As(err, &cut) || cut.Entries != len(entries) || cut.File != "test" {
			t.Errorf("%d of %d bytes: %d entries, %v; want a *CutError that counts them", size, len(file), len(entries), err)
		}
		if size == len(file)/2 && (len(entries) < 20 || len(entries) > 180) {
			t.Errorf("half an archive gives %d of 200 entries", len(entries))
		}
	}
	damaged := bytes.Clone(file)
	damaged[len(file)/2] ^= 0x55
	if _, err := read(t, damaged); err == nil {
		t.Error("a flipped bit goes unseen")
	}
	if _, err := read(t, []byte("<html>404</html>")); err == nil {
		t.Error("a web page is taken for an archive")
	}
}

func put(t *testing.T, dir, name string, file []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), file, 0o600); err != nil {
		t.Fatal(err)
	}
}
