package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"

	"github.com/gin-gonic/gin"
)

// bodies are used again: an answer is written in one piece.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

// maxKeptBody is the largest that is kept for the next answer, in bytes.
const maxKeptBody = 64 << 10

// write answers with JSON that is put together of parts which were written before:
// the forecasts that are asked for again and again.
func write(c *gin.Context, appendTo func(body []byte) ([]byte, error)) error {
	held := bodies.Get().(*[]byte)
	defer bodies.Put(held)
	body, err := appendTo((*held)[:0])
	if err != nil {
		return err
	}
	if cap(body) <= maxKeptBody {
		*held = body
	}
	c.Writer.Header()["Content-Type"] = jsonType
	if len(body) > countedByServer {
		c.Writer.Header()["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.Writer.WriteHeader(http.StatusOK)
	_, err = c.Writer.Write(body)
	return err
}

// jsonType is what gin says of its JSON. Shared: read only.
var jsonType = []string{"application/json; charset=utf-8"}

// countedByServer is up to which length net/http itself says how long an answer is; a
// longer one would be sent in chunks.
const countedByServer = 2 << 10

// nothing is how a list that is last in its struct and nil is written.
var nothing = []byte("null}")

// appendList writes a struct whose last field is a list, given with that list nil,
// and the list after it.
func appendList(body []byte, around any, n int, item func(body []byte, i int) ([]byte, error)) ([]byte, error) {
	head, err := json.Marshal(around)
	if err != nil {
		return body, err
	}
	head, ends := bytes.CutSuffix(head, nothing)
	if !ends {
		return body, fmt.Errorf("write %T: it does not end with a list that is nil", around)
	}
	body = append(append(body, head...), '[')
	for i := range n {
		if i > 0 {
			body = append(body, ',')
		}
		if body, err = item(body, i); err != nil {
			return body, err
		}
	}
	return append(body, "]}"...), nil
}
