package oip

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"puenktlich/internal/forecast"
	"puenktlich/internal/vectors"
)

// Outputs beside those that are called like columns.
const (
	CumulativeTensor = "cumulative" // P(delay <= edge | runs), [rows, edges]
	QuantilesTensor  = "quantiles"  // minutes, [rows, levels]
)

// OutputNames are those that can be asked for.
func OutputNames() []string {
	return []string{vectors.OnTimeColumn, vectors.CancelledColumn, CumulativeTensor, QuantilesTensor}
}

// Levels of QuantilesTensor.
func Levels() []float64 { return []float64{0.1, 0.5, 0.9} }

// Answer is what a response says beside the forecasts.
type Answer struct {
	Model, Version string
	ID             string
	// Predictions is the id of the logged predictions: that of row i has a dot
	// and i after it.
	Predictions string
	Outputs     []Output
}

// Encode writes a response. headerBytes is the length of its JSON part where
// binary tensors follow, else AllJSON.
func Encode(a Answer, b *forecast.Batch) (body []byte, headerBytes int) {
	body = append(body, `{"model_name":`...)
	body = appendText(body, a.Model)
	body = append(body, `,"model_version":`...)
	body = appendText(body, a.Version)
	body = append(body, `,"id":`...)
	body = appendText(body, a.ID)
	body = append(body, `,"parameters":{"prediction_id":`...)
	body = appendText(body, a.Predictions)
	body = append(body, `},"outputs":[`...)
	var after []byte
	anyBinary := false
	for i, o := range a.Outputs {
		if i > 0 {
			body = append(body, ',')
		}
		t := tensorOf(o.Name, b)
		body = t.appendHead(body, b)
		if !o.Binary {
			body = t.appendJSON(body)
			continue
		}
		anyBinary = true
		before := len(after)
		after = t.appendBinary(after)
		body = fmt.Appendf(body, `,"binary_data_size":%d}}`, len(after)-before)
	}
	body = append(body, `]}`...)
	if !anyBinary {
		return body, AllJSON
	}
	return append(body, after...), len(body)
}

// output is a tensor of an answer.
type output struct {
	name     string
	datatype Datatype
	shape    []int
	floats   []float64
	minutes  []int32
}

func tensorOf(name string, b *forecast.Batch) output {
	rows := b.Rows()
	t := output{name: name, datatype: FP64, shape: []int{rows}}
	switch name {
	case vectors.OnTimeColumn:
		t.floats = make([]float64, rows)
		for i := range rows {
			t.floats[i] = b.At(i).OnTime()
		}
	case vectors.CancelledColumn:
		t.floats = b.Cancelled
	case CumulativeTensor:
		t.shape, t.floats = []int{rows, len(b.Edges)}, b.Cumulative
	default:
		t.datatype, t.shape = Int32, []int{rows, len(Levels())}
		for i := range rows {
			for _, level := range Levels() {
				minutes, beyond := b.At(i).Quantile(level)
				if beyond {
					minutes++
				}
				t.minutes = append(t.minutes, int32(minutes))
			}
		}
	}
	return t
}

// appendHead leaves the parameters open.
func (t output) appendHead(body []byte, b *forecast.Batch) []byte {
	body = fmt.Appendf(body, `{"name":%q,"datatype":%q,"shape":[%s],"parameters":{`, t.name, string(t.datatype), joined(t.shape))
	switch t.name {
	case CumulativeTensor:
		return fmt.Appendf(body, `"edges_minutes":%q`, joined(b.Edges))
	case QuantilesTensor:
		return fmt.Appendf(body, `"levels":%q,"open_from_minutes":%d`, levelsText(), openFrom(b.Edges))
	case vectors.OnTimeColumn:
		return append(body, `"given":"runs"`...)
	}
	return append(body, `"unit":"probability"`...)
}

// openFrom is what stands for a quantile that only the open bucket reaches.
func openFrom(edges []int) int {
	if len(edges) == 0 {
		return 0
	}
	return edges[len(edges)-1] + 1
}

func (t output) appendJSON(body []byte) []byte {
	body = append(body, `},"data":[`...)
	for i, v := range t.minutes {
		if i > 0 {
			body = append(body, ',')
		}
		body = strconv.AppendInt(body, int64(v), 10)
	}
	for i, v := range t.floats {
		if i > 0 {
			body = append(body, ',')
		}
		body = vectors.AppendFloat(body, v)
	}
	return append(body, `]}`...)
}

func (t output) appendBinary(body []byte) []byte {
	body = slices.Grow(body, 4*len(t.minutes)+8*len(t.floats))
	for _, v := range t.minutes {
		body = binary.LittleEndian.AppendUint32(body, uint32(v))
	}
	for _, v := range t.floats {
		body = binary.LittleEndian.AppendUint64(body, math.Float64bits(v))
	}
	return body
}

func joined(values []int) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = strconv.Itoa(v)
	}
	return strings.Join(texts, ",")
}

func levelsText() string {
	var texts []string
	for _, level := range Levels() {
		texts = append(texts, strconv.FormatFloat(level, 'g', -1, 64))
	}
	return strings.Join(texts, ",")
}

func appendText(body []byte, text string) []byte {
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("oip: a string is JSON: " + err.Error())
	}
	return append(body, quoted...)
}
