package timetables

import "encoding/xml"

// maxUnknownNames bounds Result.UnknownAttributes against hostile documents.
const (
	maxUnknownNames = 500
	otherNames      = "(other)"
)

// UnknownAttribute is an attribute or an element that the published schema does
// not have. It stays in the raw response; nothing reads it.
type UnknownAttribute struct {
	Count   int    // in the document
	Example string // its first value, cut to 120 bytes; empty for an element
}

// NotUsed says, as element/@attribute or element/child, what of the published
// schema is read by nothing, and why. It stays in the raw responses.
func NotUsed() map[string]string {
	const others = "another train or another station"
	const stated = "text for people; type, code, time and revocation are read"
	return map[string]string{
		"timetable/m": "a disruption of the whole station: it names no stop and no trip",
		"s/ref":       others, "s/rtr": others, "s/conn": others,
		"s/hd": "the history of forecasts: every poll has been stored", "s/hpc": "the history of platforms: every poll has been stored",
		"tl/@t":  "kind of trip: nearly always p, planned",
		"ar/@hi": "of a plan: the stop has a time and is judged like others", "dp/@hi": "as ar/@hi",
		"ar/@pde": "of a plan: the last name of the path but for trains that go on abroad", "dp/@pde": "as ar/@pde",
		"m/@ts-tts": "ts to the millisecond", "m/@cat": stated, "m/@pr": stated, "m/@ec": stated, "m/@elnk": stated, "m/@ext": stated,
		"m/@int": stated, "m/@o": stated, "m/dm": stated, "m/tl": others,
		"m/@from": "validity of a disruption", "m/@to": "validity of a disruption",
	}
}

// knownAttributes lists, per element, the attributes of the published schema
// and ts-tts, which the API sends beside ts.
var knownAttributes = map[string]map[string]bool{
	"timetable": names("station", "eva"),
	"s":         names("id", "eva"),
	"tl":        names("f", "t", "o", "c", "n"),
	"ar":        eventNames(),
	"dp":        eventNames(),
	"m": names("id", "t", "ts", "ts-tts", "c", "cat", "del", "ec", "elnk", "ext",
		"from", "int", "o", "pr", "to"),
}

// knownElements lists, per element that is read, the children of the schema.
// Those that are not read here (ref, hd, conn ...) describe other trains,
// other stations or the history of a message.
var knownElements = map[string]map[string]bool{
	"timetable": names("s", "m"),
	"s":         names("tl", "ar", "dp", "m", "ref", "rtr", "hd", "hpc", "conn"),
	"ar":        names("m"),
	"dp":        names("m"),
}

func eventNames() map[string]bool {
	return names("pt", "ct", "pp", "cp", "l", "ppth", "cpth", "cs", "ps", "clt",
		"wings", "tra", "hi", "pde", "cde", "dc")
}

func names(list ...string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// attributes answers those of the schema, and counts the others.
func (p *parser) attributes(el xml.StartElement) []xml.Attr {
	known := knownAttributes[el.Name.Local]
	kept := el.Attr[:0]
	for _, attr := range el.Attr {
		if attr.Name.Space == "" && known[attr.Name.Local] {
			kept = append(kept, attr)
			continue
		}
		name := attr.Name.Local
		if attr.Name.Space != "" {
			name = attr.Name.Space + ":" + name
		}
		p.count(el.Name.Local+"/@"+excerpt(name), attr.Value)
	}
	return kept
}

// noteUnknownElement counts a child the schema does not have.
func (p *parser) noteUnknownElement(parent, child string) {
	if !knownElements[parent][child] {
		p.count(parent+"/"+excerpt(child), "")
	}
}

func (p *parser) count(name, value string) {
	seen := p.result.UnknownAttributes
	unknown, ok := seen[name]
	if !ok && len(seen) >= maxUnknownNames {
		name = otherNames
		unknown, ok = seen[name]
	}
	if !ok {
		unknown.Example = excerpt(value)
	}
	unknown.Count++
	seen[name] = unknown
}
