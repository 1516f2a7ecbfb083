package archive

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"puenktlich/internal/rail"
	"puenktlich/internal/timetables"
)

const (
	hourLayout = "060102/15"
	pollLayout = "2006-01-02T150405"
	suffix     = ".xml"
)

// NameError reports an entry whose name is none of the package's forms. The
// entries after it can still be read.
type NameError struct {
	File   string // archive, empty outside of one
	Name   string
	Reason string
}

func (e *NameError) Error() string {
	return fmt.Sprintf("archive %s: entry %q: %s", e.File, e.Name, e.Reason)
}

// Name is the entry name of an answer; polledAt is unused for plan calls.
func Name(call timetables.Call, polledAt time.Time) string {
	dir := string(call.Kind) + "/" + strconv.FormatInt(call.EVA, 10) + "/"
	if call.Kind == timetables.CallPlan {
		return dir + call.Hour.In(rail.Berlin).Format(hourLayout) + suffix
	}
	return dir + pollName(polledAt) + suffix
}

func pollName(t time.Time) string {
	name := t.In(rail.Berlin).Format(pollLayout + ".999999999")
	first, second := passes(t.In(rail.Berlin).Format(pollLayout))
	switch {
	case first.IsZero() || second.IsZero():
		return name
	case t.Before(second.Truncate(time.Hour)):
		return name + "A"
	}
	return name + "B"
}

// passes gives the instants that local, in pollLayout, stands for: two in the
// repeated hour, none in the hour left out, else one and the zero time.
func passes(local string) (first, second time.Time) {
	wall, err := time.Parse(pollLayout, local)
	if err != nil {
		return time.Time{}, time.Time{}
	}
	var instants []time.Time
	// Germany is two hours (summer) or one hour (winter) ahead of UTC.
	for _, ahead := range []time.Duration{2 * time.Hour, time.Hour} {
		if t := wall.Add(-ahead); t.In(rail.Berlin).Format(pollLayout) == local {
			instants = append(instants, t)
		}
	}
	instants = append(instants, time.Time{}, time.Time{})
	return instants[0], instants[1]
}

// ParseName is the reverse of Name, for one name on its own: in the repeated
// hour without a letter it is the first pass. The call's AsOf is polledAt, which
// is zero for plan calls. Errors are *NameError.
func ParseName(name string) (call timetables.Call, polledAt time.Time, err error) {
	parsed, err := parseName(name)
	if err != nil {
		return timetables.Call{}, time.Time{}, err
	}
	return parsed.call, parsed.call.AsOf, nil
}

// parsedName has second set where the name leaves open which pass it means.
type parsedName struct {
	call   timetables.Call
	second time.Time
}

func parseName(name string) (parsedName, error) {
	bad := func(reason string) (parsedName, error) {
		return parsedName{}, &NameError{Name: name, Reason: reason}
	}
	kind, rest, _ := strings.Cut(name, "/")
	station, rest, _ := strings.Cut(rest, "/")
	moment, isXML := strings.CutSuffix(rest, suffix)
	eva, err := strconv.ParseInt(station, 10, 64)
	if err != nil || eva <= 0 || !isXML {
		return bad("want plan/EVA/YYMMDD/HH.xml, rchg/EVA/YYYY-MM-DDTHHMMSS.xml or fchg/...")
	}
	parsed := parsedName{call: timetables.Call{Kind: timetables.CallKind(kind), EVA: eva}}
	switch parsed.call.Kind {
	case timetables.CallPlan:
		parsed.call.Hour, err = parseHour(moment)
	case timetables.CallRecent, timetables.CallFull:
		parsed.call.AsOf, parsed.second, err = parsePoll(moment)
	default:
		return bad("want plan, rchg or fchg first")
	}
	if err != nil {
		return bad(err.Error())
	}
	return parsed, nil
}

func parseHour(s string) (time.Time, error) {
	wire := strings.Replace(s, "/", "", 1) + "00"
	hour, err := rail.ParseTime(wire, time.Time{})
	if err != nil || hour.In(rail.Berlin).Format(hourLayout) != s {
		return time.Time{}, fmt.Errorf("hour %q: want YYMMDD/HH in German local time", s)
	}
	return hour, nil
}

// parsePoll gives both passes where s leaves the choice open.
func parsePoll(s string) (at, second time.Time, err error) {
	bad := fmt.Errorf("moment %q: want YYYY-MM-DDTHHMMSS in German local time", s)
	if len(s) < len(pollLayout) {
		return at, second, bad
	}
	letter := s[len(s)-1]
	digits := strings.TrimRight(s, "AB")
	if len(s)-len(digits) > 1 || len(digits) < len(pollLayout) {
		return at, second, bad
	}
	local := digits[:len(pollLayout)]
	at, second = passes(local)
	fraction, err := parseFraction(digits[len(pollLayout):])
	if err != nil || at.IsZero() || (letter == 'A' || letter == 'B') && second.IsZero() {
		return time.Time{}, time.Time{}, bad
	}
	at = at.Add(fraction)
	if second.IsZero() || letter == 'A' {
		return at, time.Time{}, nil
	}
	second = second.Add(fraction)
	if letter == 'B' {
		return second, time.Time{}, nil
	}
	return at, second, nil
}

// parseFraction reads nothing, or a point and one to nine digits.
func parseFraction(s string) (time.Duration, error) {
	if s == "" {
		return 0, nil
	}
	if s[0] != '.' || len(s) < 2 || len(s) > 10 || s[1] < '0' || s[1] > '9' {
		return 0, strconv.ErrSyntax
	}
	return time.ParseDuration("0" + s + "s")
}
