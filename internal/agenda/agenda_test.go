package agenda_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/agenda"
)

var workflows = []string{"Collect", "SettleTruth", "MonitorModel"}

func TestTheDefaultAgenda(t *testing.T) {
	t.Parallel()
	all, err := agenda.Load("", workflows)
	require.NoError(t, err)
	require.Len(t, all, 4)
	require.Equal(t, agenda.EachGroup, all[0].Each)
	require.Equal(t, agenda.Duration(time.Minute), all[0].Every)
	require.Equal(t, []agenda.Clock{{Hour: agenda.EveryHour, Minute: 20}}, all[1].At)
	require.Equal(t, []agenda.Clock{{Hour: 4}}, all[3].At)
	require.Equal(t, agenda.OverlapSkip, all[3].Overlap)
	require.Equal(t, agenda.Duration(6*time.Hour), all[3].CatchUp)
	require.False(t, all[0].PauseOnFailure, "a failed poll must not end collection")
}

func TestAnAgendaOfOnesOwn(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "schedules.yaml")
	require.NoError(t, os.WriteFile(file, []byte("schedules:\n- {id: night, workflow: MonitorModel, at: ['03:15', '15:15'], jitter: 5m, pause_on_failure: true, overlap: buffer_one, input: {model: other}, why: twice a day}\n"), 0o600))
	all, err := agenda.Load(file, workflows)
	require.NoError(t, err)
	require.Equal(t, []agenda.Schedule{{ID: "night", Workflow: "MonitorModel", At: []agenda.Clock{{3, 15}, {15, 15}}, Jitter: agenda.Duration(5 * time.Minute), PauseOnFailure: true,
		Overlap: agenda.OverlapBuffer, CatchUp: agenda.Duration(time.Hour), Input: map[string]any{"model": "other"}, Why: "twice a day"}}, all)
}

func TestWrongAgendas(t *testing.T) {
	t.Parallel()
	const good = "id: a, workflow: Collect, why: w, "
	for line, want := range map[string]string{
		good + "evry: 1m": "line 2: field evry not found", good + "every: soon": `line 2: "soon": want a time such as 90s`, good + "at: ['25:00']": `line 2: "25:00": want an hour from 00 to 23`,
		good + "at: ['4']": `line 2: "4": want a time of day in UTC`, good + "every: 1s": "every 1s: want at least 10s", good + "every: 1m, at: ['04:00']": "want every or at, one of them",
		"id: a, workflow: Collect, why: w": "want every or at", "id: A b, workflow: Collect, why: w, every: 1m": `id "A b": want small letters`,
		"id: a, workflow: Colect, why: w, every: 1m": `workflow "Colect": there are Collect, SettleTruth, MonitorModel`, good + "every: 1m, jitter: 1m": "jitter 1m0s: want less than the period",
		good + "every: 1m, overlap: queue": `overlap "queue": want one of`, good + "every: 1m, each: station": `each "station": want group`, "id: a, workflow: Collect, every: 1m": "why is missing",
		good + "every: 1m, catch_up: 1s":                                    "catch_up 1s: want 10s to",
		good + "every: 1m}\n- {id: a, workflow: Collect, why: w, every: 1m": "schedule 2 (a): the id stands twice",
	} {
		_, err := agenda.Parse("mine.yaml", []byte("schedules:\n- {"+line+"}\n"), workflows)
		require.ErrorContains(t, err, want, line)
		require.ErrorContains(t, err, "schedules of mine.yaml", line)
	}
	_, err := agenda.Load("/no/such/file.yaml", workflows)
	require.ErrorContains(t, err, "schedules: open /no/such/file.yaml")
}
