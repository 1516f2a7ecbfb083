package archive_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"testing"

	"puenktlich/internal/timetables"
	"puenktlich/internal/timetables/archive"
)

// berlinDay holds the answers of a recorded day: 15,960 documents, 46.5 MB.
func berlinDay(b *testing.B) (entries []archive.Entry, bytes int64) {
	b.Helper()
	day := recordings + "/berlin/2025-09-03.tar.zst"
	if _, err := os.Stat(day); err != nil {
		b.Skip("THE RECORDINGS ARE ABSENT: they are looked for in ../shared/data/recordings beside the project; this measures nothing here")
	}
	report, err := archive.Walk(day, func(entry archive.Entry) error {
		entries = append(entries, entry)
		return nil
	})
	if err != nil || report.Entries != 15960 {
		b.Fatal(report, err)
	}
	return entries, report.Bytes
}

// BenchmarkStandardDecoder is the measure of the next: the standard library's
// XML decoder alone, every token of a recorded Berlin day, on one core.
func BenchmarkStandardDecoder(b *testing.B) {
	entries, size := berlinDay(b)
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		for _, entry := range entries {
			for dec := xml.NewDecoder(bytes.NewReader(entry.Body)); ; {
				if _, err := dec.Token(); errors.Is(err, io.EOF) {
					break
				} else if err != nil {
					b.Fatal(err)
				}
			}
		}
	}
}

// BenchmarkParse reads the same day into planned events and changes, on one core.
func BenchmarkParse(b *testing.B) {
	entries, size := berlinDay(b)
	b.SetBytes(size)
	b.ReportAllocs()
	events := 0
	for b.Loop() {
		events = 0
		for _, entry := range entries {
			result := timetables.Parse(entry.Body, timetables.Origin{Call: entry.Call, PolledAt: entry.PolledAt, File: entry.Name})
			events += result.Events
		}
	}
	if events != 165881 {
		b.Errorf("%d events, want 165881", events)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds()*float64(b.N), "events/s")
}

// BenchmarkWalk unpacks the day's archive.
func BenchmarkWalk(b *testing.B) {
	_, size := berlinDay(b)
	b.SetBytes(size)
	for b.Loop() {
		if _, err := archive.Walk(recordings+"/berlin/2025-09-03.tar.zst", func(archive.Entry) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
