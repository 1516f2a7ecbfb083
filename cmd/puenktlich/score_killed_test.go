package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	arrowmemory "github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/pqarrow"
	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"puenktlich/internal/feature"
	"puenktlich/schemas"
)

// Sizes of the file that is scored: enough parts for a worker to die between.
const (
	scoredRows = 240_000
	scoredPart = 20_000
)

// TestAScoreWorkerIsKilled: one of two score workers, a process of its own, is
// SIGKILLed while it forecasts a part of a file. The run ends with every row once,
// and with the numbers that an undisturbed run writes, bit by bit.
func TestAScoreWorkerIsKilled(t *testing.T) {
	t.Parallel()
	s := startSystem(t)
	s.promote(s.tinyPackage(1))
	body := vectorFile(t)
	require.NoError(t, s.objects.PutIfAbsent(t.Context(), "scores/a.parquet", body))
	require.NoError(t, s.objects.PutIfAbsent(t.Context(), "scores/b.parquet", body))

	worker := exec.Command(os.Args[0], "worker", "--pool", "score")
	c := s.config
	c.DataDir = t.TempDir()
	worker.Env, worker.Stderr = append(os.Environ(), c.Environ()...), os.Stderr
	require.NoError(t, worker.Start())
	ended := make(chan struct{})
	go func() { _ = worker.Wait(); close(ended) }()
	t.Cleanup(func() { _ = worker.Process.Kill(); <-ended })
	s.awaitPoller(worker.Process.Pid)

	run, err := s.temporal.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "score/killed", TaskQueue: string(schemas.QueueControl)}, schemas.WorkflowScoreBatch,
		schemas.ScoreBatchInput{File: "scores/a.parquet", AsOf: s.asOf, PartRows: scoredPart})
	require.NoError(t, err)
	s.stopInAPart(run.GetID(), worker.Process)
	require.NoError(t, worker.Process.Kill())
	<-ended
	var killed schemas.ScoreBatchResult
	require.NoError(t, run.Get(t.Context(), &killed))
	again := 0
	for _, event := range s.history(run.GetID()).Events {
		if started := event.GetActivityTaskStartedEventAttributes(); started.GetAttempt() > 1 {
			again++
		}
	}
	require.Positive(t, again, "a part was forecast again")
	require.Equal(t, scoredRows, killed.Predictions)

	calm := do[schemas.ScoreBatchResult](s, "score/calm", schemas.WorkflowScoreBatch, schemas.ScoreBatchInput{File: "scores/b.parquet", AsOf: s.asOf, PartRows: scoredPart})
	require.Equal(t, killed.Predictions, calm.Predictions)
	for n := range scoredRows / scoredPart {
		key := schemas.ScorePlan{Package: killed.Package, Input: killed.Input, PartRows: scoredPart}.PartKey(n)
		disturbed, _, err := s.objects.Get(t.Context(), key)
		require.NoError(t, err)
		undisturbed, _, err := s.objects.Get(t.Context(), strings.Replace(key, "scores/a", "scores/b", 1))
		require.NoError(t, err)
		sameRows(t, disturbed, undisturbed)
	}
	require.Equal(t, fmt.Sprintf("%d\t%d", scoredRows, scoredRows), s.query(t, "SELECT count(), uniqExact(prediction_id) FROM predictions"), "each row once, though two runs forecast the same")
}

// sameRows compares two Parquet files, bit by bit but for what they say of where their
// rows are from.
func sameRows(t *testing.T, a, b []byte) {
	t.Helper()
	read := func(body []byte) arrow.Table {
		table, err := pqarrow.ReadTable(t.Context(), bytes.NewReader(body), nil, pqarrow.ArrowReadProperties{}, arrowmemory.DefaultAllocator)
		require.NoError(t, err)
		return table
	}
	one, other := read(a), read(b)
	defer one.Release()
	defer other.Release()
	require.EqualValues(t, scoredPart, one.NumRows())
	require.Equal(t, one.NumCols(), other.NumCols())
	for i := range int(one.NumCols()) {
		require.True(t, array.ChunkedEqual(one.Column(i).Data(), other.Column(i).Data()), one.Schema().Field(i).Name)
	}
}

// awaitPoller waits until a process takes work of the score pool.
func (s *system) awaitPoller(pid int) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		queue, err := s.temporal.DescribeTaskQueue(s.t.Context(), string(schemas.QueueScore), enums.TASK_QUEUE_TYPE_ACTIVITY)
		if err != nil {
			return false
		}
		for _, poller := range queue.GetPollers() {
			if strings.HasPrefix(poller.GetIdentity(), fmt.Sprintf("%d@", pid)) {
				return true
			}
		}
		return false
	}, time.Minute, 50*time.Millisecond)
}

// stopInAPart stops a worker while it has a part of a run under way: what it has
// then it will not report.
func (s *system) stopInAPart(run string, worker *os.Process) {
	s.t.Helper()
	has := func() bool {
		described, err := s.temporal.DescribeWorkflowExecution(s.t.Context(), run, "")
		if err != nil {
			return false
		}
		for _, pending := range described.GetPendingActivities() {
			if pending.GetState() == enums.PENDING_ACTIVITY_STATE_STARTED && pending.GetActivityType().GetName() == "ScoreRows" &&
				strings.HasPrefix(pending.GetLastWorkerIdentity(), fmt.Sprintf("%d@", worker.Pid)) {
				return true
			}
		}
		return false
	}
	require.Eventually(s.t, func() bool {
		if !has() {
			return false
		}
		require.NoError(s.t, worker.Signal(syscall.SIGSTOP))
		if has() {
			return true
		}
		require.NoError(s.t, worker.Signal(syscall.SIGCONT))
		return false
	}, time.Minute, time.Millisecond)
}

// vectorFile is a Parquet file of feature vectors, no two alike.
func vectorFile(t *testing.T) []byte {
	t.Helper()
	fields := []arrow.Field{{Name: "horizon_minutes", Type: arrow.PrimitiveTypes.Float64}}
	for _, name := range feature.Names() {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Nullable: true})
	}
	b := array.NewRecordBuilder(arrowmemory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for row := range scoredRows {
		b.Field(0).(*array.Float64Builder).Append(float64(row%120) + 0.5)
		for j, name := range feature.Names() {
			if to := b.Field(1 + j).(*array.Float32Builder); name == "forecast_delay" {
				to.Append(float32(row%30) + float32(row)/scoredRows)
			} else {
				to.AppendNull()
			}
		}
	}
	record := b.NewRecord()
	defer record.Release()
	var out bytes.Buffer
	w, err := pqarrow.NewFileWriter(record.Schema(), &out, parquet.NewWriterProperties(parquet.WithMaxRowGroupLength(scoredPart)), pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(record))
	require.NoError(t, w.Close())
	return out.Bytes()
}
