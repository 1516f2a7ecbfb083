package timetables

import "encoding/xml"

// maxUnknownNames bounds Result.UnknownAttributes against hostile documents.
const (
	maxUnknownNames = 500
	otherNames      = "(other)"
)

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
		p.count(el.Name.Local + "/@" + excerpt(name))
	}
	return kept
}

// noteUnknownElement counts a child the schema does not have.
func (p *parser) noteUnknownElement(parent, child string) {
	if !knownElements[parent][child] {
		p.count(parent + "/" + excerpt(child))
	}
}

func (p *parser) count(name string) {
	counts := p.result.UnknownAttributes
	if _, ok := counts[name]; !ok && len(counts) >= maxUnknownNames {
		name = otherNames
	}
	counts[name]++
}
