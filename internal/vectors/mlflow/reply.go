package mlflow

import (
	"encoding/json"

	"puenktlich/internal/forecast"
	"puenktlich/internal/vectors"
)

// Encode writes the reply: a record a row, as the data frame that
// mlflow.pyfunc answers.
func Encode(b *forecast.Batch) []byte {
	names := vectors.OutputColumns(b.Edges)
	keys := make([]string, len(names))
	for i, name := range names {
		keys[i] = `,"` + name + `":`
	}
	keys[0] = "{" + keys[0][1:]
	body := append(make([]byte, 0, 64+b.Rows()*len(names)*48), `{"predictions":[`...)
	for row := range b.Rows() {
		if row > 0 {
			body = append(body, ',')
		}
		d := b.At(row)
		body = vectors.AppendFloat(append(body, keys[0]...), d.OnTime())
		body = vectors.AppendFloat(append(body, keys[1]...), d.Cancelled)
		for i, p := range d.Cumulative {
			body = vectors.AppendFloat(append(body, keys[2+i]...), p)
		}
		body = append(body, '}')
	}
	return append(body, "]}"...)
}

// ErrorCode is MLflow's, of which these are used.
type ErrorCode string

// Error codes and their statuses: 400, 413 and 415 for the first.
const (
	BadRequest  ErrorCode = "BAD_REQUEST"
	Unavailable ErrorCode = "TEMPORARILY_UNAVAILABLE" // 503
	Internal    ErrorCode = "INTERNAL_ERROR"          // 500
)

// EncodeError writes MLflow's shape of an error.
func EncodeError(code ErrorCode, message string) []byte {
	body, err := json.Marshal(map[string]string{"error_code": string(code), "message": message})
	if err != nil {
		panic("mlflow: strings are JSON: " + err.Error())
	}
	return body
}
