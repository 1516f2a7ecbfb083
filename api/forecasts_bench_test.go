package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"syscall"
	"testing"
	"time"
)

// unread is an answer that nobody reads.
type unread struct{ header http.Header }

func (u unread) Header() http.Header         { return u.header }
func (u unread) Write(b []byte) (int, error) { return len(b), nil }
func (u unread) WriteHeader(int)             {}

// BenchmarkForecast asks for the same event from 256 sides, without a network. Most
// of the time is the disk's, so the figure is processor time: what one forecast costs,
// its log with it.
func BenchmarkForecast(b *testing.B) {
	h := open(b)
	target := "/v1/forecasts?event=departure&explain=false&stop_id=" + url.QueryEscape(string(departure(2, 50).Stop))
	b.SetParallelism(256)
	b.ReportAllocs()
	before := spent(b)
	b.RunParallel(func(pb *testing.PB) {
		request := httptest.NewRequest(http.MethodGet, target, nil)
		for pb.Next() {
			answer := unread{http.Header{}}
			h.ServeHTTP(answer, request)
			if answer.header.Get("Server-Timing") == "" {
				b.Errorf("no forecast: %v", answer.header)
				return
			}
		}
	})
	b.ReportMetric(float64((spent(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// spent is the processor time of this process.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}
