package mlflow_test

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/forecast"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/mlflow"
)

func small() *vectors.Layout { return vectors.NewLayout([]string{"delay", "rate", "horizon"}) }

func nan() float32 { return float32(math.NaN()) }

func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

// Two rows in every form a data frame comes in.
func TestForms(t *testing.T) {
	t.Parallel()
	want := []float32{1.5, nan(), 30, -2, 0.25, 5}
	for name, text := range map[string]string{
		"split":                      `{"dataframe_split":{"index":[0,1],"columns":["delay","rate","horizon"],"data":[[1.5,null,30],[-2,0.25,5]]},"params":{}}`,
		"split, data first":          `{"dataframe_split":{"data":[[null,30,1.5],[0.25,5,-2]],"columns":["rate","horizon","delay"]}}`,
		"records":                    `{"dataframe_records":[{"delay":1.5,"rate":null,"horizon":30},{"horizon":5,"delay":-2,"rate":0.25}],"params":null}`,
		"instances with names":       `{"instances":[{"delay":1.5,"rate":null,"horizon":30},{"horizon":5,"delay":-2,"rate":0.25}]}`,
		"instances without names":    `{"instances":[[1.5,null,30],[-2,0.25,5]]}`,
		"inputs as columns":          `{"inputs":{"horizon":[30,5],"delay":[1.5,-2],"rate":[null,0.25]}}`,
		"inputs as rows":             `{"inputs":[[1.5,null,30],[-2,0.25,5]]}`,
		"the horizon of its own":     `{"inputs":[[30,1.5,null,30],[5,-2,0.25,5]]}`,
		"the horizon column by name": `{"dataframe_split":{"columns":["horizon_minutes","delay","rate","horizon"],"data":[[30,1.5,null,30],[5,-2,0.25,5]]}}`,
	} {
		table, err := mlflow.DecodeJSON([]byte(text), small())
		if err != nil || !same(table.Vectors, want) || !slices.Equal(table.Horizons, []float64{30, 5}) {
			t.Errorf("%s: %v %+v", name, err, table)
		}
	}
	for name, text := range map[string]string{
		"plain":             "delay,rate,horizon\n1.5,,30\n-2,0.25,5\n",
		"as pandas writes":  "horizon_minutes,delay,rate,horizon\r\n30.0,1.5,NaN,30.0\r\n5.0,-2.0,2.5e-1,5.0\r\n",
		"with a mark first": "\ufeffrate,delay,horizon\nnull, 1.5 ,30\n0.25,-2,5",
	} {
		table, err := mlflow.DecodeCSV([]byte(text), small())
		if err != nil || !same(table.Vectors, want) || !slices.Equal(table.Horizons, []float64{30, 5}) {
			t.Errorf("%s: %v %+v", name, err, table)
		}
	}
}

func TestNoRowsAreNoError(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"dataframe_records":[]}`, `{"dataframe_split":{"columns":["delay","rate","horizon"],"data":[]}}`} {
		if table, err := mlflow.DecodeJSON([]byte(text), small()); err != nil || table.Rows() != 0 {
			t.Errorf("%s: %v", text, err)
		}
	}
	if table, err := mlflow.DecodeCSV([]byte("delay,rate,horizon\n"), small()); err != nil || table.Rows() != 0 {
		t.Error(err)
	}
}

func TestBadBodies(t *testing.T) {
	t.Parallel()
	for want, text := range map[string]string{
		"the request has none of":                                  `{}`,
		"both inputs and instances are there":                      `{"inputs":[[1,2,3]],"instances":[[1,2,3]]}`,
		`"dataframe" is no field of a request`:                     `{"dataframe":[]}`,
		`parameter "alpha" is not known`:                           `{"params":{"alpha":1}}`,
		"a number where an object should be":                       `{"params":1}`,
		"at byte 0: an array where an object":                      `[[1,2,3]]`,
		"NaN and Infinity are no JSON":                             `{"inputs":[[1,NaN,3]]}`,
		"a string where a number should be":                        `{"inputs":[[1,"2",3]]}`,
		"true or false where a number should be":                   `{"inputs":[[1,true,3]]}`,
		"row 0 has 2 values; a row without names":                  `{"inputs":[[1,2]]}`,
		"row 1 has more values than the 3 columns":                 `{"inputs":[[1,2,3],[1,2,3,4]]}`,
		"row 1 has 2 values for 3 columns":                         `{"inputs":[[1,2,3],[1,2]]}`,
		"row 1 is an array, the rows before it are":                `{"instances":[{"delay":1,"rate":2,"horizon":3},[1,2,3]]}`,
		"row 0 is a number; want an object":                        `{"instances":[1,2,3]}`,
		"row 0 is an array; want an object":                        `{"dataframe_records":[[1,2,3]]}`,
		`column "Rate" is none of the model: is rate meant?`:       `{"dataframe_records":[{"Rate":1}]}`,
		`row 1 has column "rate", the rows before it have not`:     `{"dataframe_records":[{"delay":1},{"rate":2}]}`,
		"row 1 has 2 columns, the rows before it have 3":           `{"dataframe_records":[{"delay":1,"rate":2,"horizon":3},{"rate":2,"delay":1}]}`,
		"2 of 3 columns are missing: rate, horizon":                `{"dataframe_records":[{"delay":1}]}`,
		"1 of 3 columns are missing: horizon":                      `{"dataframe_split":{"columns":["delay","rate"],"data":[[1,2]]}}`,
		"dataframe_split needs columns and data":                   `{"dataframe_split":{"columns":["delay","rate","horizon"]}}`,
		`"dtype" is no field of dataframe_split`:                   `{"dataframe_split":{"dtype":1}}`,
		`column "rate" is there twice`:                             `{"dataframe_split":{"columns":["rate","rate"],"data":[]}}`,
		"column \"rate\" has 1 values, the columns before it have": `{"inputs":{"delay":[1,2],"rate":[1]}}`,
		"column \"rate\" has more values than the 2":               `{"inputs":{"delay":[1,2],"rate":[1,2,3]}}`,
		"cannot hold":                       `{"inputs":{"delay":[` + strings.Repeat("1,", 500) + `1]}}`,
		"row 0: horizon is NaN":             `{"inputs":[[1,2,null]]}`,
		"at byte 30: a colon should follow": `{"dataframe_records":[{"delay"`,
	} {
		var wrong *vectors.Error
		if _, err := mlflow.DecodeJSON([]byte(text), small()); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200s: %v, want %s", text, err, want)
		}
	}
	for want, text := range map[string]string{
		"the CSV text is empty":                   "",
		"3 of 3 columns are missing":              "horizon_minutes\n5\n",
		"a column has no name":                    ",delay,rate,horizon\n0,1,2,3\n",
		"wrong number of fields":                  "delay,rate,horizon\n1,2\n",
		`row 1, column rate: "inf" is no number`:  "delay,rate,horizon\n1,2,3\n1,inf,3\n",
		`column rate: "0x10" is no number`:        "delay,rate,horizon\n1,0x10,3\n",
		`column rate: "1e999" is no number`:       "delay,rate,horizon\n1,1e999,3\n",
		`column horizon_minutes: "x" is no numbe`: "delay,rate,horizon,horizon_minutes\n1,1,3,x\n",
		"extraneous or missing":                   "delay,rate,horizon\n1,\"2,3\n",
	} {
		var wrong *vectors.Error
		if _, err := mlflow.DecodeCSV([]byte(text), small()); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if _, err := mlflow.DecodeCSV([]byte("delay,rate,horizon\n1,2,3\xe4\n"), small()); !errors.Is(err, mlflow.ErrEncoding) {
		t.Errorf("Latin-1: %v", err)
	}
}

// Records are in the order of the signature, with numbers that are read back
// bit for bit.
func TestReply(t *testing.T) {
	t.Parallel()
	a := servingtest.Artefact()
	model, err := forecast.Load(a)
	if err != nil {
		t.Fatal(err)
	}
	table := vectors.NewLayout(a.Features).Table(2)
	var b forecast.Batch
	if err := model.Forecasts(&b, table.Vectors, []float64{5, 60}); err != nil {
		t.Fatal(err)
	}
	body := mlflow.Encode(&b)
	var got struct{ Predictions []map[string]float64 }
	if err := json.Unmarshal(body, &got); err != nil || len(got.Predictions) != 2 || len(got.Predictions[1]) != 9 {
		t.Fatalf("%v %s", err, body)
	}
	if !strings.HasPrefix(string(body), `{"predictions":[{"p_on_time":0.7310585786`) || got.Predictions[1]["p_cancelled"] != 0.02 ||
		got.Predictions[1]["p_delay_at_most_14_min"] != b.At(1).Cumulative[5] || got.Predictions[0]["p_delay_at_most_-1_min"] != b.At(0).Cumulative[0] {
		t.Errorf("%s", body)
	}
	b.Reset(a.Edges)
	if body := mlflow.Encode(&b); string(body) != `{"predictions":[]}` {
		t.Errorf("no rows: %s", body)
	}
}

// A body of either kind never makes the reader panic or take more memory than a
// small multiple of its size.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{`{"dataframe_split":{"data":[[null,30,1.5]],"columns":["rate","horizon","delay"]},"params":{}}`, `{"dataframe_records":[{"delay":1.5,"rate":null,"horizon":30}]}`,
		`{"instances":[[1.5,null,30],[-2,0.25,5]]}`, `{"inputs":{"horizon":[30,5],"delay":[1.5,-2],"rate":[null,0.25]}}`, "delay,rate,horizon\n1.5,NaN,30\n", "\ufeff\"delay\",rate,horizon\n,,5"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, decode := range []func([]byte, *vectors.Layout) (*vectors.Table, error){mlflow.DecodeJSON, mlflow.DecodeCSV} {
			table, err := decode(body, small())
			var wrong *vectors.Error
			if err != nil {
				if !errors.As(err, &wrong) && !errors.Is(err, mlflow.ErrEncoding) {
					t.Fatalf("%T: %v", err, err)
				}
				continue
			}
			if cap(table.Vectors) > 4*len(body)+64 || len(table.Vectors) != 3*table.Rows() {
				t.Fatalf("%d bytes gave %d rows and room for %d values", len(body), table.Rows(), cap(table.Vectors))
			}
		}
	})
}
