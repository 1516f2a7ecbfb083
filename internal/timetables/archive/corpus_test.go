package archive_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"puenktlich/internal/timetables/archive"
)

var update = flag.Bool("update", false, "write the expected messages of testdata/bad anew")

// TestBadArchives holds what is read of each wrong archive and what is said of
// the rest. The good entries are twelve polls of Hanau from 03:00 on.
func TestBadArchives(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.tar.zst")
	if err != nil || len(files) < 20 {
		t.Fatalf("testdata/bad has %d archives (%v), want at least 20", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			got := describe(file)
			golden := strings.TrimSuffix(file, ".tar.zst") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func describe(file string) string {
	var out strings.Builder
	report, err := archive.Walk(file, func(entry archive.Entry) error {
		fmt.Fprintf(&out, "reads %s, %d bytes\n", entry.Name, len(entry.Body))
		return nil
	})
	fmt.Fprintf(&out, "%d entries of %d bytes, through %s; %d refused, %d repeated\n",
		report.Entries, report.Bytes, report.Through.Format(time.RFC3339), report.UnknownEntries, report.Repeated)
	for _, unknown := range report.Unknown {
		fmt.Fprintln(&out, "refuses", strings.ReplaceAll(unknown.Error(), file, "f"))
	}
	if err != nil {
		fmt.Fprintln(&out, strings.ReplaceAll(err.Error(), file, "f"))
	}
	return out.String()
}

// However much an archive claims or expands to, reading it takes no more memory
// than its largest entry (64 MiB) and the decoder's window (128 MiB).
func TestBadArchivesTakeBoundedMemory(t *testing.T) {
	files, err := filepath.Glob("testdata/bad/*.tar.zst")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		describe(file)
		runtime.ReadMemStats(&after)
		if taken := int64(after.TotalAlloc-before.TotalAlloc) >> 20; taken > 192 {
			t.Errorf("%s: %d MiB allocated, want at most 192", file, taken)
		}
	}
}
