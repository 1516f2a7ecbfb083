package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/schemas"
)

// expectedBaselines are Brier, AUC and accuracy of the baselines by horizon,
// and their log loss (0 for the railway's forecast, which has none), computed
// from the archives by a program of its own in another language (Python,
// xml.etree): trained on 10-29 to 10-31 without the one trip that goes on after
// midnight, tested on the 1,060 events of 11-01
// whose truth had settled by the 90-minute rule when the recording ended.
var expectedBaselines = map[int]map[string][4]float64{
	120: {"rate": {0.167409, 0.5, 0.790566, 0.518278}, "rate_by_category": {0.158457, 0.664726, 0.790566, 0.489211},
		"db_forecast": {0.180189, 0.569820, 0.819811, 0}, "db_forecast_calibrated": {0.149624, 0.638960, 0.813208, 0.474360}},
	60: {"db_forecast": {0.150943, 0.649573, 0.849057, 0}, "db_forecast_calibrated": {0.131114, 0.723403, 0.832075, 0.428553}},
	30: {"db_forecast": {0.123585, 0.709922, 0.876415, 0}, "db_forecast_calibrated": {0.111712, 0.801866, 0.857547, 0.375269}},
	15: {"db_forecast": {0.108491, 0.750925, 0.891509, 0}, "db_forecast_calibrated": {0.100919, 0.856525, 0.868868, 0.340612}},
	5:  {"db_forecast": {0.079245, 0.815778, 0.920755, 0}, "db_forecast_calibrated": {0.084333, 0.898208, 0.887736, 0.294274}},
}

// TestFrankfurtReport runs the README's one-shot command on the real recording.
func TestFrankfurtReport(t *testing.T) {
	t.Parallel()
	recordings := filepath.Join("..", "shared", "data", "recordings", "frankfurt-hbf")
	if _, err := os.Stat(recordings); err != nil {
		t.Skipf("SKIPPED: the real recordings are not at %s; the simulated railway covers the same code in TestWholeLoop", recordings)
	}
	out := filepath.Join(t.TempDir(), "report.json")
	code, said := command(t, os.Environ(), "lifecycle", "--source", "recording", "--recordings", recordings,
		"--train", "2024-10-28/2024-11-01", "--test", "2024-11-01/2024-11-02", "--out", out)
	require.Equal(t, 0, code, said)
	require.Contains(t, said, "0 quarantined")
	body, err := os.ReadFile(out)
	require.NoError(t, err)
	var report schemas.Report
	require.NoError(t, json.Unmarshal(body, &report))
	require.Equal(t, 3373, report.TrainEvents, "1,158 + 1,129 + 1,087, less the arrival of a trip that departs in the test days")
	require.Equal(t, 1060, report.TestEvents, "1,120 less 60 not settled")
	require.Len(t, report.Digest, 64)
	require.Len(t, report.Horizons, 5)
	for i, minutes := range []int{120, 60, 30, 15, 5} {
		row := report.Horizons[i]
		require.Equal(t, minutes, row.Minutes)
		require.Equal(t, 1060, row.Events)
		require.InDelta(t, 0.209434, row.LateRate, 1e-6)
		require.Less(t, row.Brier, row.Baselines.DBForecast.Brier, "the model beats the railway's own forecast %d minutes before", minutes)
		require.Nil(t, row.Baselines.DBForecast.LogLoss, "a forecast of 0 or 1 has no log loss")
		for name, want := range expectedBaselines[minutes] {
			baselineEquals(t, name, want, map[string]schemas.Score{"rate": row.Baselines.Rate, "rate_by_category": row.Baselines.RateByCategory,
				"db_forecast": row.Baselines.DBForecast, "db_forecast_calibrated": row.Baselines.DBForecastCalibrated}[name])
		}
	}
}

func baselineEquals(t *testing.T, name string, want [4]float64, got schemas.Score) {
	t.Helper()
	require.InDelta(t, want[0], got.Brier, 1e-6, name+" Brier")
	require.InDelta(t, want[1], *got.AUC, 1e-6, name+" AUC")
	require.InDelta(t, want[2], got.Accuracy, 1e-6, name+" accuracy")
	if want[3] != 0 {
		require.InDelta(t, want[3], *got.LogLoss, 1e-6, name+" log loss")
	}
}
