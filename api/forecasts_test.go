package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// sameAs requires an answer to be the JSON of the struct that describes it, field
// by field and byte by byte.
func sameAs[T any](t *testing.T, a answer) (read T) {
	t.Helper()
	require.Equal(t, http.StatusOK, a.status, string(a.raw))
	require.Equal(t, "application/json; charset=utf-8", a.header.Get("Content-Type"))
	if len(a.raw) > countedByServer {
		require.Equal(t, strconv.Itoa(len(a.raw)), a.header.Get("Content-Length"))
	}
	decoder := json.NewDecoder(bytes.NewReader(a.raw))
	decoder.DisallowUnknownFields()
	require.NoError(t, decoder.Decode(&read))
	want, err := json.Marshal(read)
	require.NoError(t, err)
	require.Equal(t, string(want), string(a.raw))
	return read
}

func TestAnswersOfWrittenPartsAreTheJSONOfTheirStructs(t *testing.T) {
	t.Parallel()
	h := open(t)
	stop := string(departure(2, 50).Stop)
	for _, explain := range []string{"false", "true", "false"} {
		a := h.get(t, "/v1/forecasts?stop_id="+stop+"&explain="+explain)
		one := sameAs[single](t, a)
		require.Equal(t, a.header.Get("X-Request-Id"), one.Forecast.RequestID)
		require.Equal(t, explain == "true", len(one.Forecast.Reasons) > 0)

		shown := sameAs[board](t, h.get(t, "/v1/stations/8000105/forecasts?explain="+explain))
		require.Len(t, shown.Stops, 2)
		require.Equal(t, explain == "true", len(shown.Stops[1].Reasons) > 0)

		many := sameAs[batch](t, h.post(t, "/v1/forecasts", `{"events":[{"stop_id":"`+stop+`"},{"stop_id":"<none>"},{"stop_id":"`+stop+`"}],"explain":`+explain+`}`))
		require.Len(t, many.Answers, 3)
		require.Equal(t, http.StatusBadRequest, many.Answers[1].Problem.Status)
		require.NotEqual(t, many.Answers[0].Forecast.PredictionID, many.Answers[2].Forecast.PredictionID)
		require.Equal(t, explain == "true", len(many.Answers[2].Forecast.Reasons) > 0)
	}
	require.Empty(t, sameAs[board](t, h.get(t, "/v1/stations/8000105/forecasts?event=arrival")).Stops)
}

func TestAListIsTheLastField(t *testing.T) {
	t.Parallel()
	item := func(body []byte, _ int) ([]byte, error) { return append(body, "1"...), nil }
	body, err := appendList(nil, struct {
		A string
		B []int
	}{A: "null}"}, 3, item)
	require.NoError(t, err)
	require.Equal(t, `{"A":"null}","B":[1,1,1]}`, string(body))
	_, err = appendList(nil, struct{ B, A []int }{A: []int{1}}, 1, item)
	require.ErrorContains(t, err, "does not end with a list")
	broken := errors.New("broken")
	_, err = appendList(nil, struct{ B []int }{}, 2, func(body []byte, _ int) ([]byte, error) { return body, broken })
	require.ErrorIs(t, err, broken)
}
