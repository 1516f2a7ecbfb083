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
	reply := callOf(c)
	reply.sets(headerType, "Content-Type", "application/json; charset=utf-8") // as gin says of its JSON
	reply.sets(headerLength, "Content-Length", strconv.Itoa(len(body)))       // else a long one is sent in chunks
	reply.WriteHeader(http.StatusOK)
	_, err = reply.Write(body)
	return err
}

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
