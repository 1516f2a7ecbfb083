package oip_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"puenktlich/internal/feature"
	"puenktlich/internal/forecast"
	"puenktlich/internal/serving/servingtest"
	"puenktlich/internal/vectors"
	"puenktlich/internal/vectors/oip"
)

// small is a model of three features.
func small() *vectors.Layout { return vectors.NewLayout([]string{"delay", "rate", "horizon"}) }

func nan() float32 { return float32(math.NaN()) }

func same(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return x == y || x != x && y != y })
}

// Two rows in the shapes that clients use.
func TestRequestsOfJSON(t *testing.T) {
	t.Parallel()
	want := []float32{1.5, nan(), 30, -2, 0.25, 5}
	for name, text := range map[string]string{
		"nested":               `{"inputs":[{"name":"features","shape":[2,3],"datatype":"FP32","data":[[1.5,null,30],[-2,0.25,5]]}]}`,
		"flat":                 `{"inputs":[{"name":"features","shape":[2,3],"datatype":"FP64","data":[1.5,null,30,-2,0.25,5]}]}`,
		"data before its type": `{"inputs":[{"data":[1.5,null,30,-2,0.25,5],"datatype":"FP64","shape":[2,3],"name":"features"}]}`,
		"a tensor a column": `{"inputs":[{"name":"horizon","shape":[2],"datatype":"INT64","data":[30,5]},{"name":"rate","shape":[2,1],"datatype":"FP32","data":[[null],[0.25]]},
			{"name":"delay","shape":[2,1],"datatype":"FP64","parameters":{"content_type":"np"},"data":[1.5,-2]}]}`,
	} {
		r, err := oip.Decode([]byte(text), oip.AllJSON, small())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !same(r.Table.Vectors, want) || !slices.Equal(r.Table.Horizons, []float64{30, 5}) || r.ID != "" || len(r.Outputs) != 4 || r.Outputs[0].Binary {
			t.Errorf("%s: %v %v %+v", name, r.Table.Vectors, r.Table.Horizons, r)
		}
	}
}

// head and tensors as a client of the binary extension sends them.
func frame(head string, tensors ...any) (body []byte, length int) {
	body = []byte(head)
	for _, tensor := range tensors {
		grown, err := binary.Append(body, binary.LittleEndian, tensor)
		if err != nil {
			panic(err)
		}
		body = grown
	}
	return body, len(head)
}

func TestRequestsWithBinaryTensors(t *testing.T) {
	t.Parallel()
	body, length := frame(`{"id":"seven","parameters":{"binary_data_output":true},"inputs":[
		{"name":"features","shape":[2,3],"datatype":"FP32","parameters":{"binary_data_size":24}},
		{"name":"horizon_minutes","shape":[2],"datatype":"FP64","parameters":{"binary_data_size":16}}],
		"outputs":[{"name":"cumulative"},{"name":"p_on_time","parameters":{"binary_data":false}}]}`,
		[]float32{1.5, nan(), 30, -2, 0.25, 5}, []float64{29.5, 4.25})
	r, err := oip.Decode(body, length, small())
	if err != nil {
		t.Fatal(err)
	}
	if !same(r.Table.Vectors, []float32{1.5, nan(), 30, -2, 0.25, 5}) || !slices.Equal(r.Table.Horizons, []float64{29.5, 4.25}) ||
		r.ID != "seven" || !slices.Equal(r.Outputs, []oip.Output{{Name: "cumulative", Binary: true}, {Name: "p_on_time"}}) {
		t.Errorf("%v %v %+v", r.Table.Vectors, r.Table.Horizons, r)
	}
}

// One column of each datatype, with values at the ends of its range. The bits of
// FP16 are from the examples of IEEE 754 in common tables: 0x3555 is the number
// nearest to a third, 0x0001 the smallest one above 0.
func TestDatatypes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		datatype string
		binary   any
		json     string
		want     []float32
	}{
		{"BOOL", []uint8{1, 0}, "[true,0]", []float32{1, 0}},
		{"UINT8", []uint8{255, 0}, "[255,0]", []float32{255, 0}},
		{"INT8", []int8{-128, 127}, "[-128,127]", []float32{-128, 127}},
		{"UINT16", []uint16{65535, 1}, "[65535,1]", []float32{65535, 1}},
		{"INT16", []int16{-32768, 3}, "[-32768,3]", []float32{-32768, 3}},
		{"UINT32", []uint32{16777216, 1}, "[16777216,1]", []float32{16777216, 1}},
		{"INT32", []int32{-7, 16777216}, "[-7,16777216]", []float32{-7, 16777216}},
		{"UINT64", []uint64{9, 1 << 40}, "[9,1099511627776]", []float32{9, 1 << 40}},
		{"INT64", []int64{-9, 1 << 40}, "[-9,1099511627776]", []float32{-9, 1 << 40}},
		{"FP16", []uint16{0x3555, 0x0001}, "[0.333251953125,5.960464477539063e-08]", []float32{0.333251953125, 5.960464477539063e-08}},
		{"FP16", []uint16{0xc000, 0x7e00}, "[-2,null]", []float32{-2, nan()}},
		{"FP32", []float32{0.1, nan()}, "[0.1,null]", []float32{0.1, nan()}},
		{"FP64", []float64{0.1, math.NaN()}, "[0.1,null]", []float32{0.1, nan()}},
	} {
		one := vectors.NewLayout([]string{"x"})
		horizons := `{"name":"horizon_minutes","shape":[2],"datatype":"FP32","data":[5,5]}`
		asJSON, err := oip.Decode(fmt.Appendf(nil, `{"inputs":[%s,{"name":"x","shape":[2],"datatype":%q,"data":%s}]}`, horizons, test.datatype, test.json), oip.AllJSON, one)
		if err != nil || !same(asJSON.Table.Vectors, test.want) {
			t.Errorf("%s %s: %v %+v", test.datatype, test.json, err, asJSON)
		}
		body, length := frame(fmt.Sprintf(`{"inputs":[%s,{"name":"x","shape":[2],"datatype":%q,"parameters":{"binary_data_size":%d}}]}`, horizons, test.datatype, binary.Size(test.binary)), test.binary)
		asBinary, err := oip.Decode(body, length, one)
		if err != nil || !same(asBinary.Table.Vectors, test.want) {
			t.Errorf("%s %v: %v %+v", test.datatype, test.binary, err, asBinary)
		}
	}
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	input := func(shape, datatype, data string) string {
		return fmt.Sprintf(`{"inputs":[{"name":"features","shape":%s,"datatype":"%s","data":%s}]}`, shape, datatype, data)
	}
	for want, text := range map[string]string{
		"the request is not right at byte 0":                       "",
		"an array where an object should be":                       "[]",
		"there are no inputs":                                      `{"inputs":[]}`,
		`"model" is no field of a request`:                         `{"model":"x"}`,
		`parameter "priority" is not known here`:                   `{"parameters":{"priority":1}}`,
		`"rows" is no field of an input`:                           `{"inputs":[{"rows":1}]}`,
		"something follows the document":                           input("[1,3]", "FP32", "[1,2,3]") + "{}",
		"NaN and Infinity are no JSON: write null":                 input("[1,3]", "FP32", "[1,NaN,3]"),
		"a string where a number should be":                        input("[1,3]", "FP32", `[1,"2",3]`),
		"the number is too large":                                  input("[1,3]", "FP32", "[1,1e999,3]"),
		`has shape [3], want [-1 3]`:                               input("[3]", "FP32", "[1,2,3]"),
		`has shape [1 4], want [-1 3]`:                             input("[1,4]", "FP32", "[1,2,3,4]"),
		"has 2 values, its shape [1 3] says 3":                     input("[1,3]", "FP32", "[1,2]"),
		"has more values than the 3 of its shape":                  input("[1,3]", "FP32", "[1,2,3,4]"),
		"row 1 of input \"features\" has 2 values":                 input("[2,3]", "FP32", "[[1,2,3],[4,5]]"),
		"an array inside its data":                                 input("[1,3]", "FP32", "[1,[2,3]]"),
		"-1":                                                       input("[-1,3]", "FP32", "[1,2,3]"),
		"at most 4 dimensions":                                     input("[1,1,1,1,3]", "FP32", "[1,2,3]"),
		"not 9223372036854775807":                                  input("[9223372036854775807,3]", "FP32", "[1,2,3]"),
		"cannot hold 90000 rows of 3 features":                     input("[90000,3]", "FP32", "[1,2,3]"),
		"has 2000000000 rows, at most 100000":                      input("[2000000000,3]", "FP32", "[1,2,3]"),
		`has datatype "BYTES"`:                                     input("[1,3]", "BYTES", `["a","b","c"]`),
		`has datatype "fp32"`:                                      input("[1,3]", "fp32", "[1,2,3]"),
		"300 is no UINT8":                                          input("[1,3]", "UINT8", "[1,300,3]"),
		"-1 is no UINT64":                                          input("[1,3]", "UINT64", "[1,-1,3]"),
		"2 is no BOOL":                                             input("[1,3]", "BOOL", "[1,2,0]"),
		"a whole number":                                           input("[1,3]", "INT32", "[1,2.5,3]"),
		"null where a number should be":                            input("[1,3]", "INT32", "[1,null,3]"),
		`input "featuers": column "featuers" is none of the model`: `{"inputs":[{"name":"featuers","shape":[1],"datatype":"FP32","data":[1]}]}`,
		"has 1 rows, the inputs before it have 2":                  `{"inputs":[{"name":"features","shape":[2,3],"datatype":"FP32","data":[1,2,3,4,5,6]},{"name":"horizon_minutes","shape":[1],"datatype":"FP32","data":[5]}]}`,
		"gives a column that another input has given":              `{"inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","data":[1,2,3]},{"name":"rate","shape":[1],"datatype":"FP32","data":[5]}]}`,
		"2 of 3 columns are missing: delay, horizon":               `{"inputs":[{"name":"rate","shape":[1],"datatype":"FP32","data":[5]}]}`,
		"has no data":                                              `{"inputs":[{"name":"rate","shape":[1],"datatype":"FP32"}]}`,
		`output "p_late" is none of the model's`:                   `{"outputs":[{"name":"p_late"}],"inputs":[]}`,
		`output "cumulative" is asked for twice`:                   `{"outputs":[{"name":"cumulative"},{"name":"cumulative"}]}`,
		`parameter "classification" is not known here`:             `{"outputs":[{"name":"cumulative","parameters":{"classification":3}}]}`,
		"row 0: horizon is -3":                                     input("[1,3]", "FP32", "[1,2,-3]"),
		"says binary_data_size 12, but only 0 bytes are left":      `{"inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}}]}`,
		"binary_data_size 8; 3 values of FP32 are 12 bytes":        `{"inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":8}}]}`,
		"binary_data_size is -1":                                   `{"inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":-1}}]}`,
		"has both data and binary_data_size":                       `{"inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12},"data":[1,2,3]}]}`,
		"nested more than 64 deep":                                 `{"inputs":[{"data":` + strings.Repeat("[", 100000),
		`"inputs" is there twice`:                                  `{"inputs":[],"inputs":[]}`,
		"a number where a string should be":                        `{"id":5}`,
	} {
		var wrong *vectors.Error
		if _, err := oip.Decode([]byte(text), oip.AllJSON, small()); !errors.As(err, &wrong) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.200s: %v, want %s", text, err, want)
		} else if wrong.TooLarge != strings.Contains(want, "at most 100000") {
			t.Errorf("%s: too large %v", want, wrong.TooLarge)
		}
	}
	for want, test := range map[string]struct {
		body   string
		length int
	}{
		"says 50 bytes, the body has 2":        {"{}", 50},
		"5 bytes follow the last binary":       {`{"inputs":[]}xxxxx`, 13},
		"at byte 1: the document ends where":   {`{"inputs":[]}`, 1},
		"only 4 bytes are left in the body":    {`{"inputs":[{"name":"rate","shape":[1],"datatype":"FP64","parameters":{"binary_data_size":8}}]}1234`, 94},
		"Inference-Header-Content-Length says": {"{}", -5},
	} {
		if _, err := oip.Decode([]byte(test.body), test.length, small()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s, %d: %v, want %s", test.body, test.length, err, want)
		}
	}
}

func made(t *testing.T, delays ...float64) *forecast.Batch {
	t.Helper()
	model, err := forecast.Load(servingtest.Artefact())
	if err != nil {
		t.Fatal(err)
	}
	table := vectors.NewLayout(feature.Names()).Table(len(delays))
	horizons := make([]float64, len(delays))
	for i, delay := range delays {
		table.Set(i, slices.Index(feature.Names(), "forecast_delay"), delay)
	}
	var b forecast.Batch
	if err := model.Forecasts(&b, table.Vectors, horizons); err != nil {
		t.Fatal(err)
	}
	return &b
}

// The tiny model by hand: on time with a chance of e/(1+e) or 1/(1+e); its
// median is 2 minutes or 14, its ninetieth percentile 29, or above it.
func TestResponses(t *testing.T) {
	t.Parallel()
	b := made(t, 0, 9)
	a := oip.Answer{Model: "punctuality", Version: "7", ID: `a"b`, Predictions: "p"}
	for _, name := range oip.OutputNames() {
		a.Outputs = append(a.Outputs, oip.Output{Name: name})
	}
	body, length := oip.Encode(a, b)
	var got struct {
		ModelName    string `json:"model_name"`
		ModelVersion string `json:"model_version"`
		ID           string
		Parameters   map[string]any
		Outputs      []struct {
			Name, Datatype string
			Shape          []int
			Parameters     map[string]any
			Data           []float64
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || length != oip.AllJSON {
		t.Fatalf("%v %d %s", err, length, body)
	}
	if got.ModelName != "punctuality" || got.ModelVersion != "7" || got.ID != `a"b` || got.Parameters["prediction_id"] != "p" || len(got.Outputs) != 4 {
		t.Errorf("%s", body)
	}
	onTime, cumulative, quantiles := got.Outputs[0], got.Outputs[2], got.Outputs[3]
	if math.Abs(onTime.Data[0]-servingtest.Confident) > 1e-6 || math.Abs(onTime.Data[1]-1+servingtest.Confident) > 1e-6 || !slices.Equal(onTime.Shape, []int{2}) {
		t.Errorf("p_on_time %+v", onTime)
	}
	if !slices.Equal(cumulative.Shape, []int{2, 7}) || !slices.Equal(cumulative.Data, b.Cumulative) || cumulative.Parameters["edges_minutes"] != "-1,0,2,5,9,14,29" {
		t.Errorf("cumulative %+v", cumulative)
	}
	if quantiles.Datatype != "INT32" || !slices.Equal(quantiles.Shape, []int{2, 3}) || !slices.Equal(quantiles.Data, []float64{-1, 2, 29, 0, 14, 30}) || quantiles.Parameters["open_from_minutes"] != 30.0 {
		t.Errorf("quantiles %+v", quantiles)
	}
}

func TestResponsesInBinary(t *testing.T) {
	t.Parallel()
	b := made(t, 0, 9)
	body, length := oip.Encode(oip.Answer{Outputs: []oip.Output{{Name: "cumulative", Binary: true}, {Name: "p_cancelled"}, {Name: "quantiles", Binary: true}}}, b)
	var got struct {
		Outputs []struct {
			Parameters map[string]any
			Data       []float64
		}
	}
	if err := json.Unmarshal(body[:length], &got); err != nil {
		t.Fatalf("%v %s", err, body[:length])
	}
	if got.Outputs[0].Parameters["binary_data_size"] != 112.0 || got.Outputs[2].Parameters["binary_data_size"] != 24.0 || got.Outputs[0].Data != nil || !slices.Equal(got.Outputs[1].Data, []float64{0.02, 0.02}) {
		t.Errorf("%s", body[:length])
	}
	rest := body[length:]
	if len(rest) != 136 {
		t.Fatalf("%d bytes follow the JSON, want 136", len(rest))
	}
	for i, want := range b.Cumulative {
		if bits := binary.LittleEndian.Uint64(rest[8*i:]); bits != math.Float64bits(want) {
			t.Errorf("cumulative %d: %x, want %x", i, bits, math.Float64bits(want))
		}
	}
	if last := int32(binary.LittleEndian.Uint32(rest[132:])); last != 30 {
		t.Errorf("the last quantile is %d, want 30: beyond the last edge", last)
	}
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(oip.Describe("m", "3", small(), []int{0, 5}))
	const want = `{"name":"m","versions":["3"],"platform":"puenktlich_xgboost","inputs":[{"name":"features","datatype":"FP32","shape":[-1,3],"parameters":{"columns":"delay,rate,horizon"}},` +
		`{"name":"horizon_minutes","datatype":"FP64","shape":[-1]}],"outputs":[{"name":"p_on_time","datatype":"FP64","shape":[-1],"parameters":{"given":"runs"}},{"name":"p_cancelled","datatype":"FP64","shape":[-1]},` +
		`{"name":"cumulative","datatype":"FP64","shape":[-1,2],"parameters":{"edges_minutes":"0,5"}},{"name":"quantiles","datatype":"INT32","shape":[-1,3],"parameters":{"levels":"0.1,0.5,0.9","open_from_minutes":6}}]}`
	if err != nil || string(text) != want {
		t.Errorf("%s %v", text, err)
	}
}

// No request makes the reader panic or take more memory than a small multiple
// of its size; one that is taken is complete.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"features","shape":[2,3],"datatype":"FP32","data":[[1.5,null,30],[-2,0.25,5]]}]}`), oip.AllJSON)
	body, length := frame(`{"id":"x","inputs":[{"name":"features","shape":[1,3],"datatype":"FP32","parameters":{"binary_data_size":12}}]}`, []float32{1, 2, 3})
	f.Add(body, length)
	f.Add([]byte(`{"inputs":[{"name":"delay","shape":[1],"datatype":"INT8","data":[1]},{"data":[2],"name":"rate","shape":[1,1],"datatype":"BOOL"},{"name":"horizon","shape":[1],"datatype":"FP16","parameters":{"binary_data_size":2}}]}ab`), 200)
	f.Fuzz(func(t *testing.T, body []byte, length int) {
		r, err := oip.Decode(body, length, small())
		var wrong *vectors.Error
		if err != nil {
			if !errors.As(err, &wrong) {
				t.Fatalf("%T: %v", err, err)
			}
			return
		}
		if cap(r.Table.Vectors) > 2*len(body)+64 || len(r.Table.Vectors) != 3*r.Table.Rows() || len(r.Outputs) == 0 {
			t.Fatalf("%d bytes gave %d rows and room for %d values", len(body), r.Table.Rows(), cap(r.Table.Vectors))
		}
	})
}
