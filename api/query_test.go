package api

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

// The way without escapes reads what the library reads.
func TestQueriesAreReadAsTheLibraryReadsThem(t *testing.T) {
	t.Parallel()
	for _, raw := range []string{"", "a=1", "a=1&b=2", "a", "a=", "=1", "&&a=1&", "a=1&a=2", "a=b=c", "ü=ö", "a=%41", "a+b=c+d", "event=departure&stop_id=-12-2410291015-3&explain=false"} {
		want, err := url.ParseQuery(raw)
		require.NoError(t, err, raw)
		read, err := parseQuery(nil, raw)
		require.NoError(t, err, raw)
		got := url.Values{}
		for _, p := range read {
			got.Add(p.name, p.value)
		}
		require.Equal(t, want, got, raw)
		for name, values := range want {
			held := call{query: read}
			require.Equal(t, want.Get(name), held.given(name), raw)
			require.Equal(t, len(values), times(read, name), raw)
		}
	}
	for _, raw := range []string{"a=%", "a=%zz", "a=1;b=2", "%=1"} {
		_, want := url.ParseQuery(raw)
		_, err := parseQuery(nil, raw)
		require.Equal(t, want, err, raw)
		require.Error(t, err, raw)
	}
}
