package spool

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"puenktlich/internal/testenv"
	"puenktlich/internal/warehouse"
	schema "puenktlich/schemas/clickhouse"
)

// writerSwitch turns the test program into a process that appends for ever.
const writerSwitch = "PUENKTLICH_SPOOL_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writerSwitch); dir != "" {
		appendForEver(dir)
		os.Exit(1)
	}
	testenv.Main(m)
}

// away is a store that never answers well: all stays on the disk.
type away struct{}

func (away) InsertPredictionRows(context.Context, string, []byte, int) error {
	return errors.New("away")
}

// appendForEver prints the id of each prediction once it was acknowledged.
func appendForEver(dir string) {
	l, err := Open(Options{Dir: dir, Store: away{}, SegmentRecords: 50, ShipEvery: 20 * time.Millisecond})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var out sync.Mutex
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for {
				p := prediction(uuid.NewString())
				row, err := p.Row()
				if err == nil {
					err = l.Append([]schema.PredictionRow{row})
				}
				if err != nil {
					return
				}
				out.Lock()
				fmt.Println(p.PredictionID)
				out.Unlock()
			}
		})
	}
	group.Wait()
}

// killAfter runs a writer, kills it in the middle, and answers what it had
// acknowledged.
func killAfter(t *testing.T, dir string, acknowledged int) []string {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), writerSwitch+"="+dir)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if ids = append(ids, lines.Text()); len(ids) == acknowledged {
			if err := cmd.Process.Kill(); err != nil { // SIGKILL
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	if len(ids) < acknowledged {
		t.Fatalf("the writer ended by itself after %d of %d", len(ids), acknowledged)
	}
	return ids[:len(ids)-1] // the last line may be cut
}

// flaky loses every second answer and fails every third call, over the real
// engine.
type flaky struct {
	db    *warehouse.DB
	calls int
}

func (f *flaky) InsertPredictionRows(ctx context.Context, token string, rows []byte, n int) error {
	f.calls++
	if f.calls%3 == 0 {
		return errors.New("away")
	}
	err := f.db.InsertPredictionRows(ctx, token, rows, n)
	if err == nil && f.calls%2 == 0 {
		return errors.New("the answer was lost")
	}
	return err
}

// Writers are killed in the middle of appending, three times, over one spool;
// then all is shipped to ClickHouse through a store that fails. Every
// acknowledged prediction is there once.
func TestKilledWritersLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var acknowledged []string
	for _, n := range []int{37, 180, 61} {
		acknowledged = append(acknowledged, killAfter(t, dir, n)...)
	}
	db, err := warehouse.Open(warehouse.Options(testenv.ClickHouse(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := open(t, Options{Dir: dir, Store: &flaky{db: db}})
	for l.Stats().Records > 0 {
		_ = l.Drain(t.Context()) // fails as the store does
		if t.Context().Err() != nil {
			t.Fatal("never drained")
		}
	}
	found := stored(t, db)
	for id, n := range found {
		if n != 1 {
			t.Errorf("prediction %s is stored %d times", id, n)
		}
	}
	for _, id := range acknowledged {
		if found[id] == 0 {
			t.Errorf("prediction %s was acknowledged and is lost", id)
		}
	}
	if extra := len(found) - len(acknowledged); extra < 0 || extra > 3*5 {
		t.Errorf("%d stored, %d acknowledged: at most the four under way and the last line of each writer may be more", len(found), len(acknowledged))
	}
	t.Logf("%d acknowledged, %d stored, once each", len(acknowledged), len(found))
}

// stored counts the rows of each prediction as scores read them.
func stored(t *testing.T, db *warehouse.DB) map[string]int {
	t.Helper()
	found := map[string]int{}
	query := schema.PredictionQuery{Model: "punctuality", Source: schema.FromRequest, DataSource: "test", From: "2024-10-29", Until: "2024-10-30"}
	err := db.PredictionsWithTruth(t.Context(), query, func(p schema.Prediction, _ schema.Outcome) error {
		found[p.PredictionID]++
		if !slices.Equal(p.Cumulative, []float64{0.1, 0.5, 0.9}) {
			t.Errorf("prediction %s came with %v", p.PredictionID, p.Cumulative)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
