package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gin-gonic/gin"
)

// readJSON reads the body, one JSON value, into v. Fields that v does not have are
// refused. The error is for the caller.
func readJSON(c *gin.Context, v any) error {
	decoder := json.NewDecoder(c.Request.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return wrongJSON(err)
	}
	switch _, err := decoder.Token(); {
	case errors.Is(err, io.EOF):
		return nil
	case err == nil:
		return invalid("the body holds more than one JSON value; send one")
	default:
		return wrongJSON(err)
	}
}

// wrongJSON says what is wrong where.
func wrongJSON(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.Is(err, io.EOF):
		return invalid("the body is empty; want one JSON value")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return invalid("the body ends in the middle of a JSON value")
	case errors.As(err, &syntax):
		return invalid("the body is no JSON at byte %d: %v", syntax.Offset, err)
	case errors.As(err, &kind):
		field := kind.Field
		if field == "" {
			field = "the body"
		}
		return invalid("%s: want %s, this is %s", field, kind.Type, kind.Value)
	case strings.HasPrefix(err.Error(), "json: unknown field "):
		return invalid("unknown field %s: /openapi.json lists those there are", strings.TrimPrefix(err.Error(), "json: unknown field "))
	}
	return fmt.Errorf("read body: %w", err) // too large, too slow
}
