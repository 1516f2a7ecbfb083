package main

import (
	"context"
	"flag"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"puenktlich/schemas"
)

// updateHistories captures the histories that the replay test of package
// workflows replays: go test ./cmd/puenktlich -run TestWholeLoop -update-histories
var updateHistories = flag.Bool("update-histories", false, "capture workflow histories into workflows/testdata/history")

// captured names the runs whose histories are kept, one a workflow type.
func (s *system) captured() map[string]string {
	life := schemas.LifecycleID(schemas.DefaultModel)
	return map[string]string{
		"collect": schemas.CollectID("main"), "import": "import", "settle": schemas.StepID(life, "settle"), "prepare": schemas.StepID(life, "prepare"),
		"train": schemas.StepID(life, "train"), "evaluate": schemas.StepID(life, "evaluate"), "package": schemas.StepID(life, "package"),
		"promote": schemas.StepID(life, "promote"), "lifecycle": life, "model": schemas.ModelID(schemas.DefaultModel),
		"score-parts": "score", "monitor": "monitor/strict", "collect-handover": "empty/Collect", "recalibrate": "recalibrate", "reproduce": s.reproduced,
		"reproduce-recalibration": s.recalibratedAgain,
	}
}

func (s *system) captureHistories() {
	for name, id := range s.captured() {
		s.capture(name, id)
	}
}

// capture keeps the history of the newest run of a workflow where that is asked for.
func (s *system) capture(name, id string) {
	s.t.Helper()
	if !*updateHistories {
		return
	}
	dir := filepath.Join("workflows", "testdata", "history")
	require.NoError(s.t, os.MkdirAll(dir, 0o755))
	body, err := protojson.Marshal(s.history(id))
	require.NoError(s.t, err)
	require.NoError(s.t, os.WriteFile(filepath.Join(dir, name+".json"), append(body, '\n'), 0o644))
}

func (s *system) history(id string) *history.History {
	s.t.Helper()
	events := s.temporal.GetWorkflowHistory(context.Background(), id, "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	var all history.History
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(s.t, err)
		all.Events = append(all.Events, event)
	}
	return &all
}

// maxEventBytes bounds what a history event carries: references, not data.
const maxEventBytes = 64 << 10

func (s *system) payloadsAreSmall() {
	for name, id := range s.captured() {
		for _, event := range s.history(id).Events {
			body, err := protojson.Marshal(event)
			require.NoError(s.t, err)
			require.Less(s.t, len(body), maxEventBytes, "%s: event %d (%s)", name, event.EventId, event.EventType)
		}
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
