package strictjson_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"puenktlich/internal/strictjson"
)

func TestADocumentIsOneValueOfKnownFields(t *testing.T) {
	t.Parallel()
	type document struct {
		Days int `json:"days"`
	}
	var d document
	require.NoError(t, strictjson.Unmarshal([]byte(" {\"days\": 3}\n\t "), &d))
	require.Equal(t, document{3}, d)
	for body, want := range map[string]string{
		`{"days": 3, "dais": 4}`: `unknown field "dais"`,
		`{"days": 3} {}`:         "something follows the JSON value, remove it",
		`{"days": 3}]`:           "something follows the JSON value, remove it",
		`{"days": 3} x`:          "something follows the JSON value, remove it",
		`{"days": "3"}`:          "cannot unmarshal string",
		`{"days": 3`:             "unexpected EOF",
		``:                       "EOF",
	} {
		require.ErrorContains(t, strictjson.Unmarshal([]byte(body), &d), want, body)
	}
}
