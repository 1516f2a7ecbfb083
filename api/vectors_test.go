package api

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"puenktlich/api/infer"
	"puenktlich/internal/feature"
	"puenktlich/internal/serving"
	schema "puenktlich/schemas/clickhouse"
)

// upload posts a body; headers are pairs of name and value.
func (h *house) upload(t testing.TB, path string, body []byte, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, bytes.NewReader(body))
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder
}

// known are the forecasts of the two trains to come, as the API answers them,
// and the vectors they were made from, as it shows them.
type known struct {
	forecasts []serving.Forecast
	vectors   [][]float32
}

func twoTrains(t *testing.T, h *house) known {
	t.Helper()
	var k known
	for _, event := range []string{string(departure(1, 30).Stop), string(departure(2, 50).Stop)} {
		var s single
		h.get(t, "/v1/forecasts?stop_id="+url.QueryEscape(event)).into(t, &s)
		var l logged
		h.get(t, "/v1/predictions/"+s.Forecast.PredictionID).into(t, &l)
		vector := make([]float32, len(l.Features))
		for i, f := range l.Features {
			vector[i] = float32(math.NaN())
			if f.Value != nil {
				vector[i] = float32(*f.Value)
			}
		}
		k.forecasts, k.vectors = append(k.forecasts, s.Forecast), append(k.vectors, vector)
	}
	if k.forecasts[0].POnTime == k.forecasts[1].POnTime {
		t.Fatal("both trains have the same forecast: nothing can be told apart")
	}
	return k
}

// number32 is a value as JSON, null for one that is not known.
func number32(v float32) string {
	if v != v {
		return "null"
	}
	text, _ := json.Marshal(v)
	return string(text)
}

func (k known) rows(open, separator, closing string, number func(float32) string) string {
	var rows []string
	for _, vector := range k.vectors {
		var values []string
		for _, v := range vector {
			values = append(values, number(v))
		}
		rows = append(rows, open+strings.Join(values, separator)+closing)
	}
	return strings.Join(rows, ",")
}

func (k known) horizons() string {
	return fmt.Sprintf("[%v,%v]", k.forecasts[0].HorizonMinutes, k.forecasts[1].HorizonMinutes)
}

// agree compares P(on time), P(cancelled) and P(delay <= 29 min) bit for bit.
func (k known) agree(t *testing.T, protocol string, onTime, cancelled, at29 []float64) {
	t.Helper()
	for i, f := range k.forecasts {
		if len(onTime) != 2 || onTime[i] != f.POnTime || cancelled[i] != f.PCancelled || at29[i] != f.Cumulative[6].P {
			t.Errorf("%s, train %d: %v %v %v, the forecast by stop is %v %v %v", protocol, i, onTime, cancelled, at29, f.POnTime, f.PCancelled, f.Cumulative[6])
		}
	}
}

// The vector of a forecast, sent back in whatever protocol, gives its bits.
func TestProtocolsAgreeWithForecastsByStop(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := twoTrains(t, h)
	oip := fmt.Sprintf(`{"id":"mine","inputs":[{"name":"features","shape":[2,%d],"datatype":"FP32","data":[%s]},{"name":"horizon_minutes","shape":[2],"datatype":"FP64","data":%s}]}`,
		feature.Width(), k.rows("[", ",", "]", number32), k.horizons())
	k.checkOIP(t, h.upload(t, "/v2/models/punctuality/infer", []byte(oip), "Content-Type", "application/json"))
	k.checkBinary(t, h)
	columns, _ := json.Marshal(append([]string{"horizon_minutes"}, feature.Names()...))
	var lines []string
	for i, f := range k.forecasts {
		one := known{vectors: k.vectors[i : i+1]}
		lines = append(lines, fmt.Sprintf("[%v,%s]", f.HorizonMinutes, one.rows("", ",", "", number32)))
	}
	k.checkMLflow(t, "dataframe_split", h.upload(t, "/invocations", fmt.Appendf(nil, `{"dataframe_split":{"columns":%s,"data":[%s]}}`, columns, strings.Join(lines, ",")), "Content-Type", "application/json; charset=utf-8"))
	text := "horizon_minutes," + strings.Join(feature.Names(), ",") + "\n"
	for _, line := range lines {
		text += strings.ReplaceAll(strings.Trim(line, "[]"), "null", "") + "\n"
	}
	k.checkMLflow(t, "CSV", h.upload(t, "/invocations", []byte(text), "Content-Type", "text/csv"))
	k.checkArrow(t, h.upload(t, "/v1/forecasts/arrow", k.arrow(t, 3), "Content-Type", infer.MediaArrow), 3)
}

func (k known) checkOIP(t *testing.T, answer *httptest.ResponseRecorder) {
	t.Helper()
	var got struct {
		ID           string
		ModelVersion string `json:"model_version"`
		Outputs      []struct{ Data []float64 }
	}
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != 200 || got.ID != "mine" || got.ModelVersion != "7" {
		t.Fatalf("%v %d %s", err, answer.Code, answer.Body)
	}
	cumulative := got.Outputs[2].Data
	k.agree(t, "OIP", got.Outputs[0].Data, got.Outputs[1].Data, []float64{cumulative[6], cumulative[13]})
}

func (k known) checkBinary(t *testing.T, h *house) {
	t.Helper()
	head := fmt.Sprintf(`{"parameters":{"binary_data_output":true},"inputs":[{"name":"features","shape":[2,%[1]d],"datatype":"FP32","parameters":{"binary_data_size":%[2]d}},
		{"name":"horizon_minutes","shape":[2,1],"datatype":"FP64","parameters":{"binary_data_size":16}}],"outputs":[{"name":"p_on_time"},{"name":"p_cancelled"},{"name":"cumulative"}]}`, feature.Width(), 8*feature.Width())
	body := []byte(head)
	for _, vector := range k.vectors {
		body, _ = binary.Append(body, binary.LittleEndian, vector)
	}
	body, _ = binary.Append(body, binary.LittleEndian, []float64{k.forecasts[0].HorizonMinutes, k.forecasts[1].HorizonMinutes})
	answer := h.upload(t, "/v2/models/punctuality/versions/7/infer", body, "Content-Type", "application/octet-stream", "Inference-Header-Content-Length", fmt.Sprint(len(head)))
	var length int
	if _, err := fmt.Sscan(answer.Header().Get("Inference-Header-Content-Length"), &length); err != nil || answer.Code != 200 {
		t.Fatalf("%v %d %s", err, answer.Code, answer.Body)
	}
	values := make([]float64, 18)
	if err := binary.Read(bytes.NewReader(answer.Body.Bytes()[length:]), binary.LittleEndian, values); err != nil || answer.Body.Len() != length+144 {
		t.Fatalf("%v, %d bytes after %d of JSON", err, answer.Body.Len()-length, length)
	}
	k.agree(t, "OIP in binary", values[:2], values[2:4], []float64{values[10], values[17]})
}

func (k known) checkMLflow(t *testing.T, form string, answer *httptest.ResponseRecorder) {
	t.Helper()
	var got struct{ Predictions []map[string]float64 }
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || answer.Code != 200 || len(got.Predictions) != 2 {
		t.Fatalf("%s: %v %d %s", form, err, answer.Code, answer.Body)
	}
	var onTime, cancelled, at29 []float64
	for _, p := range got.Predictions {
		onTime, cancelled, at29 = append(onTime, p["p_on_time"]), append(cancelled, p["p_cancelled"]), append(at29, p["p_delay_at_most_29_min"])
	}
	k.agree(t, form, onTime, cancelled, at29)
}

// arrow is the vectors as a stream of record batches, all the same.
func (k known) arrow(t testing.TB, batches int) []byte {
	t.Helper()
	fields := []arrow.Field{{Name: "horizon_minutes", Type: arrow.PrimitiveTypes.Float64}}
	for _, name := range feature.Names() {
		fields = append(fields, arrow.Field{Name: name, Type: arrow.PrimitiveTypes.Float32, Nullable: true})
	}
	s := arrow.NewSchema(fields, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for i, vector := range k.vectors {
		b.Field(0).(*array.Float64Builder).Append(k.forecasts[i].HorizonMinutes)
		for j, v := range vector {
			if to := b.Field(1 + j).(*array.Float32Builder); v != v {
				to.AppendNull()
			} else {
				to.Append(v)
			}
		}
	}
	record := b.NewRecord()
	defer record.Release()
	var out bytes.Buffer
	w := ipc.NewWriter(&out, ipc.WithSchema(s))
	for range batches {
		if err := w.Write(record); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func (k known) checkArrow(t *testing.T, answer *httptest.ResponseRecorder, batches int) {
	t.Helper()
	if answer.Code != 200 || answer.Header().Get("Content-Type") != infer.MediaArrow {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	in, err := ipc.NewReader(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Release()
	for in.Next() {
		batches--
		column := func(i int) []float64 { return in.Record().Column(i).(*array.Float64).Float64Values() }
		k.agree(t, "Arrow", column(0), column(1), column(8))
	}
	if batches != 0 || in.Err() != nil {
		t.Errorf("%d batches are missing: %v", batches, in.Err())
	}
}

// Each row that was answered is a prediction of its own, on its way to the store
// and then in it, once.
func TestVectorsAreLogged(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := twoTrains(t, h)
	answer := h.upload(t, "/v1/forecasts/arrow", k.arrow(t, 2), "Content-Type", infer.MediaArrow, "X-Request-Id", "of-vectors")
	id := answer.Header().Get("X-Prediction-Id")
	if answer.Code != 200 || id == "" {
		t.Fatalf("%d %s", answer.Code, answer.Body)
	}
	for row := range 4 {
		waiting, found, err := h.log.Find(fmt.Sprintf("%s.%d", id, row))
		if err != nil || !found {
			t.Fatalf("row %d was answered and is not in the log: %v", row, err)
		}
		if waiting.RequestID != "of-vectors" || waiting.Source != schema.FromRequest || waiting.StopID != "" || waiting.Version != 7 || waiting.POnTime != k.forecasts[row%2].POnTime ||
			len(waiting.Features) != feature.Width() || waiting.HorizonMinutes != int32(30+20*(row%2)) || !waiting.PredictedAt.Equal(begin) {
			t.Errorf("row %d is logged as %+v", row, waiting)
		}
	}
	if err := h.log.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	stored, err := h.db.PredictionsByRequest(t.Context(), "of-vectors")
	if err != nil || len(stored) != 4 {
		t.Errorf("%d predictions in the store, want 4: %v", len(stored), err)
	}
	var shown logged
	h.get(t, "/v1/predictions/"+id+".3").into(t, &shown)
	if !shown.Shipped || shown.StopID != "" || shown.Role != "champion" {
		t.Errorf("%+v", shown)
	}
}

// What cannot be answered says so in the shape of its protocol.
func TestBadVectors(t *testing.T) {
	t.Parallel()
	h := open(t)
	one := func(value string) string {
		values := strings.Repeat(","+value, feature.Width())[1:]
		return fmt.Sprintf(`{"inputs":[{"name":"horizon_minutes","shape":[1],"datatype":"INT8","data":[5]},{"name":"features","shape":[1,%d],"datatype":"FP32","data":[%s]}]}`, feature.Width(), values)
	}
	const oip, mlflow, arrows = "/v2/models/punctuality/infer", "/invocations", "/v1/forecasts/arrow"
	for _, test := range []struct {
		path, body string
		headers    []string
		status     int
		field      string
		want       string
	}{
		{oip, "{", nil, 400, "error", "at byte 1"},
		{oip, one("1e39"), nil, 400, "error", "is infinite"},
		{oip, one("-1e30"), nil, 400, "error", "stands for a missing value"},
		{oip, strings.Replace(one("1"), "[5]", "[-5]", 1), nil, 400, "error", "row 0: horizon_minutes is -5"},
		{oip + "?x=1", one("1"), nil, 400, "error", "unknown query parameter"},
		{oip, one("1"), []string{"Inference-Header-Content-Length", "many"}, 400, "error", "is no number of bytes"},
		{oip, one("1"), []string{"Inference-Header-Content-Length", "99999999"}, 400, "error", "says 99999999 bytes"},
		{oip, one("1"), []string{"Content-Encoding", "br"}, 415, "error", "send the body as it is, or with gzip"},
		{oip, one("1"), []string{"Content-Encoding", "gzip"}, 400, "error", "is not gzip"},
		{"/v2/models/other/infer", one("1"), nil, 400, "error", `there is no model "other"`},
		{"/v2/models/punctuality/versions/8/infer", one("1"), nil, 400, "error", "version 7 is"},
		{"/v2/nothing", "", nil, 404, "error", "there is nothing at /v2/nothing"},
		{"/v2/health/live", "", nil, 405, "error", "POST is not possible here, only GET"},
		{mlflow, "{}", nil, 400, "message", "exactly one"},
		{mlflow, "{}", []string{"Content-Type", "application/xml"}, 415, "message", "send application/json or text/csv"},
		{mlflow, "a\xff", []string{"Content-Type", "text/csv"}, 415, "message", "save it as UTF-8"},
		{mlflow, "a", []string{"Content-Type", "text/csv; charset=latin1"}, 415, "message", "send UTF-8"},
		{mlflow, "a", []string{"Content-Type", ";;"}, 415, "message", "cannot be read"},
		{"/ping", "", nil, 405, "message", "only GET"},
		{arrows, "x", []string{"Content-Type", "application/json"}, 415, "detail", "send application/vnd.apache.arrow.stream"},
		{arrows, "", []string{"Content-Type", infer.MediaArrow}, 400, "detail", "the Arrow stream is empty"},
	} {
		answer := h.upload(t, test.path, []byte(test.body), test.headers...)
		var body map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &body); err != nil {
			t.Errorf("%s %.60q: %s is not JSON: %v", test.path, test.body, answer.Body, err)
			continue
		}
		if text, _ := body[test.field].(string); answer.Code != test.status || !strings.Contains(text, test.want) {
			t.Errorf("%s %.60q: %d %s, want %d and %s", test.path, test.body, answer.Code, answer.Body, test.status, test.want)
		}
	}
}

// Before there is a champion nothing pretends to be ready.
func TestProtocolsWithoutAChampion(t *testing.T) {
	t.Parallel()
	h := build(t)
	for path, want := range map[string]struct {
		status int
		body   string
	}{
		"/v2":                          {200, `{"name":"puenktlich","version":"dev","extensions":["binary_tensor_data"]}`},
		"/v2/health/live":              {200, `{"live":true}`},
		"/v2/health/ready":             {503, `{"ready":false}`},
		"/v2/models/punctuality/ready": {503, `{"name":"punctuality","ready":false}`},
		"/v2/models/other/ready":       {400, `{"error":"there is no model \"other\" here, only \"punctuality\""}`},
		"/v2/models/punctuality":       {503, `{"error":"` + serving.ErrNoChampion.Error() + `"}`},
		"/ping":                        {503, `{"error_code":"TEMPORARILY_UNAVAILABLE","message":"` + serving.ErrNoChampion.Error() + `"}`},
		"/version":                     {200, "3.17.2"},
	} {
		recorder := httptest.NewRecorder()
		h.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		if recorder.Code != want.status || recorder.Body.String() != want.body {
			t.Errorf("%s: %d %s, want %d %s", path, recorder.Code, recorder.Body, want.status, want.body)
		}
	}
	if answer := h.upload(t, "/v2/models/punctuality/infer", []byte(`{"inputs":[]}`)); answer.Code != 503 || answer.Header().Get("Retry-After") == "" {
		t.Errorf("infer: %d %s", answer.Code, answer.Body)
	}
	if err := h.log.Close(); err != nil {
		t.Fatal(err)
	}
}

// What cannot be logged is not given out.
func TestVectorsThatCannotBeLoggedAreNotAnswered(t *testing.T) {
	t.Parallel()
	h := open(t)
	k := twoTrains(t, h)
	if err := h.log.Close(); err != nil {
		t.Fatal(err)
	}
	answer := h.upload(t, "/v1/forecasts/arrow", k.arrow(t, 1), "Content-Type", infer.MediaArrow)
	if answer.Code != 503 || !strings.Contains(answer.Body.String(), "not given out unlogged") || answer.Header().Get("X-Prediction-Id") != "" {
		t.Errorf("%d %v %s", answer.Code, answer.Header(), answer.Body)
	}
}
