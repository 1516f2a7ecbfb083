package timetables

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"puenktlich/internal/rail"
)

// BasePath is where servers of the API have their calls.
const BasePath = "/timetables/v1"

// Headers of the published API.
const (
	HeaderClientID = "DB-Client-Id"
	HeaderAPIKey   = "DB-Api-Key"
)

// Headers of our own, each a moment in RFC 3339 with nanoseconds. The published
// API ignores the first and sends none of the others.
const (
	HeaderAsOf     = "Puenktlich-As-Of"     // request: the domain time asked about
	HeaderPolledAt = "Puenktlich-Polled-At" // when the answer was known
	HeaderNextPoll = "Puenktlich-Next-Poll" // from when on a later answer differs
	HeaderEndsAt   = "Puenktlich-Ends-At"   // end of the source's span, where it has one
)

const hourLayout = "060102/15"

// Path is the path of the call below the base path.
func (c Call) Path() string {
	path := "/" + string(c.Kind) + "/" + strconv.FormatInt(c.EVA, 10)
	if c.Kind == CallPlan {
		path += "/" + c.Hour.In(rail.Berlin).Format(hourLayout)
	}
	return path
}

// parseEVA reads the station number of a path.
func parseEVA(s string) (int64, error) {
	eva, err := strconv.ParseInt(s, 10, 64)
	if err != nil || eva <= 0 {
		return 0, fmt.Errorf("station %q: want an EVA number", s)
	}
	return eva, nil
}

// parseHour reads the date and hour of a plan path.
func parseHour(date, hour string) (time.Time, error) {
	t, err := rail.ParseTime(date+hour+"00", time.Time{})
	if err != nil || len(date) != len("060102") {
		return time.Time{}, fmt.Errorf("hour %q: want YYMMDD/HH in German local time", date+"/"+hour)
	}
	return t, nil
}

// setMoment leaves a zero time out.
func setMoment(header http.Header, name string, t time.Time) {
	if !t.IsZero() {
		header.Set(name, t.UTC().Format(time.RFC3339Nano))
	}
}

// moment answers the zero time for an absent or broken header.
func moment(header http.Header, name string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(header.Get(name)))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
