package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/gin-gonic/gin"
)

// decode reads a JSON body into a struct; its route bounds it. A field that the
// struct does not have, another type, and anything after the object are errors
// that say where.
func decode(c *gin.Context, into any) error {
	decoder := json.NewDecoder(c.Request.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return unreadable(err, decoder.InputOffset())
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return unreadable(err, 0)
		}
		return invalid("the body goes on after its JSON object, at byte %d: send one object", decoder.InputOffset())
	}
	return nil
}

// unreadable puts an error of the decoder into a sentence for the caller.
func unreadable(err error, offset int64) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(large.Limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case errors.As(err, &kind):
		return invalid("%s is a JSON %s at byte %d: want %s", field(kind.Field), kind.Value, kind.Offset, kindName(kind))
	case errors.As(err, &syntax):
		return invalid("the body is no JSON at byte %d: %v", syntax.Offset, syntax)
	case errors.Is(err, io.EOF):
		return invalid("the body is empty: send a JSON object")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("the body ends within its JSON object")
	}
	if name, unknown := strings.CutPrefix(err.Error(), "json: unknown field "); unknown {
		return invalid("unknown field %s before byte %d; /openapi.json lists those there are", name, offset)
	}
	return invalid("the body cannot be read: %v", err)
}

func field(name string) string {
	if name == "" {
		return "the body"
	}
	return name
}

func kindName(e *json.UnmarshalTypeError) string {
	switch e.Type.Kind().String() {
	case "struct":
		return "an object"
	case "slice":
		return "a list"
	case "string":
		return "a string"
	case "bool":
		return "true or false"
	}
	return "a whole number"
}
