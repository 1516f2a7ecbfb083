package api

import (
	"net/http"
	"testing"

	"puenktlich/internal/rail"
)

// ServeThreeTrains is the API that open makes, and its late train's stop.
func ServeThreeTrains(t testing.TB) (http.Handler, rail.StopID) {
	t.Helper()
	return open(t), departure(2, 50).Stop
}

// ServeNothing is an API before its live state and its champion are there.
func ServeNothing(t testing.TB) http.Handler {
	t.Helper()
	return build(t)
}
