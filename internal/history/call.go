package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

// parseCall names the call of the Timetables API behind a row: the path of the
// URL tells it, the query parameters what is missing there. known is false for
// a call of another API, and for one that is not collected, such as a search for
// stations. Where URL and parameters contradict each other, nobody knows what
// was answered.
func parseCall(address, api, params string) (call timetables.Call, known bool, err error) {
	kind, rest := endpoint(address, api)
	call.Kind = timetables.CallKind(kind)
	switch call.Kind {
	case timetables.CallPlan, timetables.CallRecent, timetables.CallFull:
	default:
		return call, false, nil
	}
	if _, own := endpointOf(api); own != "" && own != kind {
		return call, true, fmt.Errorf("%s: %q calls another one", apiName, api)
	}
	given, err := parseParams(params)
	if err != nil {
		return call, true, err
	}
	if call.EVA, err = number64("station", part(rest, 0), given.station()); err != nil {
		return call, true, err
	}
	if call.Kind == timetables.CallPlan {
		call.Hour, err = planHour(part(rest, 1), part(rest, 2), given)
	}
	return call, true, err
}

// endpoint is the call in a URL and what follows it, else that in the name of
// the API.
func endpoint(address, api string) (kind string, rest []string) {
	path := address
	if u, err := url.Parse(address); err == nil {
		path = u.Path
	}
	if rest, kind = endpointOf(path); kind != "" {
		return kind, rest
	}
	_, kind = endpointOf(api)
	return kind, nil
}

// endpointOf finds .../timetables/v1/KIND/... in a path.
func endpointOf(path string) (rest []string, kind string) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i := 0; i+2 < len(segments); i++ {
		if segments[i] == "timetables" && strings.HasPrefix(segments[i+1], "v") {
			return segments[i+3:], segments[i+2]
		}
	}
	return nil, ""
}

func part(all []string, i int) string {
	if i < len(all) {
		return all[i]
	}
	return ""
}

// queried are the query parameters of a call, as text.
type queried map[string]string

func parseParams(s string) (queried, error) {
	if s == "" {
		return nil, nil
	}
	var raw map[string]any
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	if err := dec.Decode(&raw); err != nil {
		return nil, fmt.Errorf("%s %q: want a JSON object: %w", queryParams, excerpt(s), err)
	}
	given := queried{}
	for name, value := range raw {
		given[name] = fmt.Sprint(value)
	}
	return given, nil
}

// station goes by evaNo in the published schema of the API, and by shorter names.
func (q queried) station() string {
	for _, name := range []string{"evaNo", "eva_no", "eva"} {
		if value, found := q[name]; found {
			return value
		}
	}
	return ""
}

// number64 is a positive number that two places may tell, at least one of them.
func number64(what, first, second string) (int64, error) {
	if first == "" {
		first = second
	}
	n, err := strconv.ParseInt(first, 10, 64)
	if err != nil || n <= 0 {
		return 0, fmt.Errorf("%s %q: want a number", what, first)
	}
	if other, err := strconv.ParseInt(second, 10, 64); second != "" && (err != nil || other != n) {
		return 0, fmt.Errorf("%s %q, but %s say %q", what, first, queryParams, second)
	}
	return n, nil
}

// planHour is the hour a plan was asked for.
func planHour(date, hour string, given queried) (time.Time, error) {
	for _, p := range []struct {
		name string
		at   *string
	}{{"date", &date}, {"hour", &hour}} {
		switch other := given[p.name]; {
		case *p.at == "":
			*p.at = other
		case other != "" && strings.TrimLeft(other, "0") != strings.TrimLeft(*p.at, "0"):
			return time.Time{}, fmt.Errorf("%s %q, but %s say %q", p.name, *p.at, queryParams, other)
		}
	}
	if len(hour) == 1 {
		hour = "0" + hour
	}
	if len(date) != 6 || len(hour) != 2 {
		return time.Time{}, errors.New("want .../plan/EVA/YYMMDD/HH")
	}
	at, err := rail.ParseTime(date+hour+"00", time.Time{})
	if err != nil {
		return time.Time{}, fmt.Errorf("hour of the plan: %w", err)
	}
	return at, nil
}
