package collect_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.temporal.io/sdk/temporal"

	"puenktlich/activities/collect"
	"puenktlich/internal/rail"
	"puenktlich/internal/timetables/archive"
	"puenktlich/schemas"
	schema "puenktlich/schemas/clickhouse"
)

// packed writes an archive of names and bodies.
func packed(t *testing.T, name string, pairs ...string) string {
	t.Helper()
	var file bytes.Buffer
	w, err := archive.NewWriter(&file)
	must(t, err)
	for i := 0; i < len(pairs); i += 2 {
		must(t, w.Add(archive.Entry{Name: pairs[i], Body: []byte(pairs[i+1])}))
	}
	must(t, w.Close())
	path := filepath.Join(t.TempDir(), name)
	must(t, os.WriteFile(path, file.Bytes(), 0o600))
	return path
}

func day(t *testing.T) string {
	t.Helper()
	return packed(t, "2024-10-29.tar.zst", "plan/8000150/241029/11.xml", planAt10, "plan/8000150/241029/18.xml",
		strings.ReplaceAll(planAt11, "2410291210", "2410291810"), "fchg/8000150/2024-10-29T110000.xml", iceSix,
		"rchg/8000150/2024-10-29T110300.xml", iceEight, "rchg/8000150/2024-10-29T110800.xml", reOne)
}

func TestImport(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	path := day(t)
	in := schemas.ImportArchiveInput{Group: group, Path: path}
	result, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	if c := result.Counts; c.Responses != 5 || c.Planned != 4 || c.Changes != 4 || !result.Through.Equal(at("10:08:00")) || result.Note != "" {
		t.Errorf("%+v", result)
	}
	want := map[string]string{"-11-2410290800-5/arrival": "8", "-11-2410290800-5/departure": "4", "22-2410291140-1/departure": "1", "33-2410291150-2/arrival": "-"}
	if got := h.delays(t); !maps.Equal(got, want) {
		t.Errorf("delays %v, want %v", got, want)
	}
	// The archive does not say when a plan was read: six hours before its hour.
	if polls := h.polls(t); polls[0] != "04:00:00 plan of 10 ok" || polls[1] != "10:00:00 fchg ok" || polls[4] != "11:00:00 plan of 17 ok" {
		t.Errorf("polls %q", polls)
	}
	if cursor := h.cursors.at[group]; !cursor.Equal(at("10:08:01")) {
		t.Errorf("cursor at %s", cursor)
	}
	before := h.rows(t)
	again, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	if after := h.rows(t); !maps.Equal(before, after) || again != result {
		t.Errorf("imported twice: rows %v then %v, %+v", before, after, again)
	}
}

// Until leaves out what was polled then or later, plans too.
func TestImportUntil(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	result, err := h.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: group, Path: day(t), Until: at("10:08:00")})
	must(t, err)
	if c := result.Counts; c.Responses != 3 || c.Planned != 3 || c.Changes != 3 || !result.Through.Equal(at("10:03:00")) {
		t.Errorf("%+v", result)
	}
	// What was left out is collected from there on.
	h.window(t, "10:03:01", "10:12:00")
	if got := h.delays(t)["22-2410291140-1/departure"]; got != "1" {
		t.Errorf("the RE is %s minutes late after the collection, want 1", got)
	}
}

func TestCutArchive(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	whole, err := os.ReadFile(day(t))
	must(t, err)
	path := filepath.Join(t.TempDir(), "2024-10-29.tar.zst")
	// Long after the first entries, so that the cut falls behind them.
	padded := packed(t, "padded.tar.zst", "plan/8000150/241029/11.xml", planAt10, "fchg/8000150/2024-10-29T110000.xml", iceSix,
		"rchg/8000150/2024-10-29T110300.xml", noise(300_000), "rchg/8000150/2024-10-29T110800.xml", reOne)
	body, err := os.ReadFile(padded)
	must(t, err)
	if len(body) < 10*len(whole) {
		t.Fatalf("the noise was packed into %d bytes", len(body))
	}
	must(t, os.WriteFile(path, body[:len(body)-1000], 0o600))
	result, err := h.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: group, Path: path})
	if failureType(err) != schemas.FailureIntegrity || !strings.Contains(err.Error(), "import 2024-10-29.tar.zst: 2 responses are in, through the poll of 2024-10-29T10:00:00Z, the rest is lost") {
		t.Errorf("error %v", err)
	}
	if cursor := h.cursors.at[group]; result.Counts.Responses != 2 || !cursor.Equal(at("10:00:01")) {
		t.Errorf("%+v, cursor at %s: want both to tell where the cut is", result, cursor)
	}
	var told schemas.ImportFileResult
	if said, ok := err.(*temporal.ApplicationError); !ok || said.Details(&told) != nil || told != result {
		t.Errorf("the error tells the workflow %+v, want %+v", told, result)
	}
	if got := h.delays(t); got["-11-2410290800-5/arrival"] != "6" {
		t.Errorf("delays %v: want what stood before the cut", got)
	}
}

// noise is a timetable with a comment that does not compress.
func noise(size int) string {
	var b strings.Builder
	b.WriteString("<timetable><!--")
	x := uint64(88172645463325252)
	for b.Len() < size {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b.WriteByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/"[x&63])
	}
	return b.String() + "--></timetable>"
}

// failing is a store that is away for the first write of changes.
type failing struct {
	collect.Store
	left int
}

var errAway = errors.New("the store is away")

func (f *failing) InsertChanges(ctx context.Context, batch schema.Batch, changes []rail.Change) error {
	if f.left--; f.left >= 0 {
		return errAway
	}
	return f.Store.InsertChanges(ctx, batch, changes)
}

// A store that is away is no fault of the archive: the import is tried again.
func TestImportGoesOnAfterAnOutage(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	h.Store = &failing{Store: h.db, left: 1}
	in := schemas.ImportArchiveInput{Group: group, Path: day(t)}
	if _, err := h.ImportArchive(t.Context(), in); !errors.Is(err, errAway) || failureType(err) != "" {
		t.Fatalf("error %v, want one that is tried again", err)
	}
	if !h.cursors.at[group].IsZero() {
		t.Error("the cursor was moved past what is not in the store")
	}
	_, err := h.ImportArchive(t.Context(), in)
	must(t, err)
	if rows := h.rows(t); rows["stop_plan"] != 4 || rows["stop_change"] != 4 || rows["poll"] != 5 {
		t.Errorf("rows %v", rows)
	}
}

func TestUnknownEntriesAreNoted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, morning())
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "2024-10-29.tar.zst"), foreign(t), 0o600))
	result, err := h.ImportArchive(t.Context(), schemas.ImportArchiveInput{Group: group, Path: filepath.Join(dir, "2024-10-29.tar.zst")})
	must(t, err)
	if result.Counts.Responses != 1 || !strings.HasPrefix(result.Note, "1 entries with unknown names, first ") || !strings.Contains(result.Note, "notes.txt") {
		t.Errorf("%+v", result)
	}
}

func TestPlanImport(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"2024-10-30.tar.zst", "2024-10-29.tar.zst", "README.md"} {
		must(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
	}
	a := collect.Activities{Recordings: dir}
	plan, err := a.PlanImport(t.Context(), schemas.ImportInput{})
	must(t, err)
	if len(plan.Archives) != 2 || filepath.Base(plan.Archives[0]) != "2024-10-29.tar.zst" || plan.Group != schemas.DefaultGroup {
		t.Errorf("%+v", plan)
	}
	if _, err := a.PlanImport(t.Context(), schemas.ImportInput{Directory: t.TempDir()}); failureType(err) != schemas.FailureNotFound {
		t.Errorf("an empty directory: %v", err)
	}
	if _, err := new(collect.Activities).PlanImport(t.Context(), schemas.ImportInput{}); failureType(err) != schemas.FailureInvalidInput {
		t.Errorf("no directory: %v", err)
	}
	if _, err := a.ImportArchive(t.Context(), schemas.ImportArchiveInput{Path: filepath.Join(dir, "2024-11-01.tar.zst")}); failureType(err) != schemas.FailureNotFound {
		t.Errorf("no such archive: %v", err)
	}
}

// digest is the SHA-256 of a file, in hex.
func digest(t *testing.T, path string) string {
	t.Helper()
	body, err := os.ReadFile(path)
	must(t, err)
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
