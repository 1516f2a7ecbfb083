package main

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	schema "puenktlich/schemas/clickhouse"
)

func TestScoresInATable(t *testing.T) {
	t.Parallel()
	of := func(day, until, metric string, value float64, horizon int32, scored int) schema.Score {
		return schema.Score{Version: 7, Role: schema.RoleChampion, Evidence: "change_observed", FromDay: day, UntilDay: until, HorizonMinutes: horizon, Metric: metric, Value: value,
			Lower: value - 0.02, Upper: value + 0.02, Blocks: "9 blocks", Events: 100, Days: 1, ScoredAt: time.Date(2024, 11, scored, 4, 0, 0, 0, time.UTC)}
	}
	rows := []schema.Score{of("2024-10-30", "2024-10-31", "brier", 0.1, 60, 1), of("2024-10-31", "2024-11-01", "brier", 0.3, 60, 2), of("2024-10-31", "2024-11-01", "brier", 0.2, 0, 2)}
	in := scoresInput{by: "horizon", evidence: "change_observed", metrics: []string{"brier", "auc"}}
	var out strings.Builder
	require.NoError(t, printScores(&out, in.chosen(slices.Clone(rows)), in))
	require.Equal(t, "FROM        UNTIL       DAYS  VERSION  ROLE      HORIZON  EVENTS   BRIER  AUC\n"+
		"2024-10-30  2024-11-01     2  7        champion   60 min     200  0.2000    -\n\n"+
		"on events with evidence change_observed; in brackets 95 % intervals\n", out.String())
	out.Reset()
	in.revisions, in.by = true, "all"
	require.NoError(t, printScores(&out, in.chosen(rows[2:]), in))
	require.Contains(t, out.String(), "0.2000 [0.1800, 0.2200]    -  2024-11-02 04:00\n")
	require.Contains(t, out.String(), "intervals over 9 blocks\n")
	out.Reset()
	require.NoError(t, printScores(&out, nil, in))
	require.Equal(t, "no scores on evidence change_observed in these days: MonitorModel writes them\n", out.String())
}

func TestEstimatesInATable(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	made := time.Date(2024, 10, 30, 13, 0, 0, 0, time.UTC)
	require.NoError(t, printEstimates(&out, []schema.Estimate{{DataSource: "test", Day: "2024-10-30", Metric: "brier", Estimate: 0.11, Forecasts: 40, MadeAt: made, Expected: math.NaN(), Realized: math.NaN()},
		{DataSource: "other", Day: "2024-10-30"}}, "test"))
	require.Equal(t, "DAY         HORIZON  METRIC  MADE AT (UTC)     ESTIMATE  FORECASTS  OF THE GRADED  ON TRUTH  GRADED\n"+
		"2024-10-30  all      brier   2024-10-30 13:00    0.1100         40              -         -       0\n", out.String())
}

func TestScoresRefusesWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	for want, in := range map[string]scoresInput{
		`--by "moon": want all, horizon, product, station or hour`: {by: "moon"},
		"--to must be after --from":                                {by: "all", from: "2024-10-30", to: "2024-10-30"},
		`--from: day "monday": want YYYY-MM-DD`:                    {by: "all", from: "monday"},
		`--as-of "noon": want a day`:                               {by: "all", asOf: "noon"},
	} {
		_, err := in.query(time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC))
		require.ErrorContains(t, err, want)
	}
}
