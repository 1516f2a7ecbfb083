package timetables

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/encoding/charmap"

	"puenktlich/internal/rail"
)

// Origin says where a document came from.
type Origin struct {
	Call     Call
	PolledAt time.Time // copied into every event and change
	File     string    // names the document in errors; defaults to the call
}

// Result is what one document said.
type Result struct {
	Station string // of the document, empty where it gives none
	// Planned is filled by plan documents, in document order.
	Planned []rail.PlannedEvent
	// Changes is filled by rchg and fchg documents, in document order. Messages
	// of a stop follow the messages of each of its events; a stop that has
	// messages alone gives a change for both its arrival and its departure,
	// whether or not the trip has both there.
	Changes     []rail.Change
	Quarantined []Quarantined
	// UnknownAttributes has what the published schema does not have, as
	// element/@attribute, or element/child for an unknown element. It bounds
	// its names at 501.
	UnknownAttributes map[string]UnknownAttribute
	StationMessages   int // messages of the whole station, see NotUsed
	Stops             int // stop elements begun, quarantined ones included
	Events            int // ar and dp elements of stops
}

// Parse reads one document. It keeps neither body nor parts of it. What cannot
// be used is quarantined, what stands before and after it is kept. A syntax
// error costs the stop it stands in: reading goes on at the next stop (in UTF-8
// documents; others end there).
//
// Times are German local time without a zone. In the repeated autumn hour a
// planned time is the first that is not before the trip's start (a departure:
// not before the arrival), every other time the one nearest to the planned
// time where given, else to the poll. The start itself counts as summer time.
func Parse(body []byte, origin Origin) Result {
	if origin.File == "" {
		origin.File = callName(origin.Call)
	}
	p := &parser{
		origin: origin,
		body:   body,
		eva:    origin.Call.EVA,
		seen:   make(map[rail.StopID]span),
		result: Result{UnknownAttributes: make(map[string]UnknownAttribute)},
	}
	p.read(0, "")
	p.document()
	p.closeQuarantine()
	return p.result
}

// span is the half-open range of a stop's events in the result.
type span struct{ from, to int }

type parser struct {
	origin  Origin
	body    []byte
	dec     *xml.Decoder
	begun   int  // offset in body where dec begins
	ahead   int  // bytes dec read before it
	foreign bool // encoding other than UTF-8: offsets of dec are not those of body
	eva     int64
	seen    map[rail.StopID]span
	result  Result
	dropped int // quarantined beyond the bound
}

// read begins at an offset in the body, after the text prolog.
func (p *parser) read(offset int, prolog string) {
	p.begun, p.ahead = offset, len(prolog)
	rest := bytes.NewReader(p.body[offset:])
	if prolog == "" { // the decoder reads byte by byte, and this one needs no buffer
		p.dec = xml.NewDecoder(rest)
	} else {
		p.dec = xml.NewDecoder(io.MultiReader(strings.NewReader(prolog), rest))
	}
	p.dec.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		p.foreign = true
		return charsetReader(charset, input)
	}
}

// offset is where in the body the decoder stands.
func (p *parser) offset() int {
	return max(p.begun, min(len(p.body), p.begun+int(p.dec.InputOffset())-p.ahead))
}

// resume begins anew at the next stop after a syntax error, if there is one.
func (p *parser) resume() bool {
	if p.foreign {
		return false
	}
	from := max(p.begun+1, p.offset()-1) // the error may be the stop's own <
	next := stopTag.FindIndex(p.body[min(from, len(p.body)):])
	if next == nil {
		return false
	}
	p.read(from+next[0], "<timetable>")
	_, err := p.root()
	return err == nil
}

var stopTag = regexp.MustCompile(`<s\s`)

func charsetReader(charset string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(charset) {
	case "iso-8859-1", "latin1", "us-ascii":
		return charmap.ISO8859_1.NewDecoder().Reader(input), nil
	}
	return nil, fmt.Errorf("encoding %q: want UTF-8 or ISO-8859-1", charset)
}

func (p *parser) document() {
	body := p.body
	if len(bytes.TrimSpace(body)) == 0 {
		p.quarantine("document", "", "empty body: want a timetable")
		return
	}
	root, err := p.root()
	switch {
	case errors.Is(err, io.EOF):
		p.quarantine("document", string(body), "no element: want a timetable")
		return
	case err != nil:
		p.syntaxError("document", err)
		return
	case root.Name.Local != "timetable":
		p.quarantine(excerpt(root.Name.Local), string(body), "not an answer of the API: want a timetable")
		return
	}
	p.head(root)
	whole := p.timetable()
	for !whole && p.resume() {
		whole = p.timetable()
	}
	if whole {
		p.trailer()
	}
}

// root answers the first element.
func (p *parser) root() (xml.StartElement, error) {
	for {
		token, err := p.dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if el, ok := token.(xml.StartElement); ok {
			return el, nil
		}
	}
}

func (p *parser) head(root xml.StartElement) {
	for _, attr := range p.attributes(root) {
		switch attr.Name.Local {
		case "station":
			p.result.Station = attr.Value
		case "eva":
			p.eva = p.evaOf("timetable", attr.Value, p.eva)
		}
	}
}

// evaOf answers fallback for a bad number.
func (p *parser) evaOf(element, value string, fallback int64) int64 {
	eva, err := strconv.ParseInt(value, 10, 64)
	if err != nil || eva <= 0 {
		p.quarantine(element+"/@eva", value, "want an EVA number")
		return fallback
	}
	return eva
}

// timetable reads the stops and says whether the document was whole.
func (p *parser) timetable() bool {
	return p.children("timetable", "timetable", func(el xml.StartElement) error {
		switch el.Name.Local {
		case "s":
			return p.stop(el)
		case "m":
			p.result.StationMessages++
		}
		return p.dec.Skip()
	}) == nil
}

// children calls read for each child of the element named name, whose start
// has been read; read consumes the child. A syntax error is quarantined at
// path by the innermost call and ends all of them.
func (p *parser) children(name, path string, read func(xml.StartElement) error) error {
	for {
		token, err := p.dec.Token()
		if err != nil {
			return p.syntaxError(path, err)
		}
		switch el := token.(type) {
		case xml.StartElement:
			p.noteUnknownElement(name, el.Name.Local)
			if err := read(el); err != nil {
				return p.syntaxError(path, err)
			}
		case xml.EndElement:
			return nil
		}
	}
}

// trailer makes sure that nothing but white space and comments follows.
func (p *parser) trailer() {
	for {
		token, err := p.dec.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			p.syntaxError("document", err)
			return
		}
		switch t := token.(type) {
		case xml.StartElement:
			p.quarantine(excerpt(t.Name.Local), "", "stands after the end of the timetable")
			return
		case xml.CharData:
			if text := strings.TrimSpace(string(t)); text != "" {
				p.quarantine("document", text, "stands after the end of the timetable")
				return
			}
		}
	}
}

func (p *parser) quarantine(element, value, reason string) {
	if len(p.result.Quarantined) >= maxQuarantined {
		p.dropped++
		return
	}
	p.result.Quarantined = append(p.result.Quarantined, Quarantined{
		File: p.origin.File, Element: element, Value: excerpt(value), Reason: reason,
	})
}

func (p *parser) closeQuarantine() {
	if p.dropped == 0 {
		return
	}
	p.result.Quarantined = append(p.result.Quarantined, Quarantined{
		File: p.origin.File, Element: "document", Value: strconv.Itoa(p.dropped),
		Reason: "so many more parts are not listed",
	})
}

// errReported marks a syntax error that stands in the quarantine already.
var errReported = errors.New("syntax error reported")

// syntaxError quarantines err once, with the text before it, and answers
// errReported.
func (p *parser) syntaxError(element string, err error) error {
	if errors.Is(err, errReported) {
		return err
	}
	at := p.offset()
	reason := err.Error()
	if syntax := (*xml.SyntaxError)(nil); errors.As(err, &syntax) {
		reason = syntax.Msg
	}
	before := p.body[max(0, at-excerptBytes/2):at]
	p.quarantine(element, string(before), fmt.Sprintf("byte %d: %s", at, reason))
	return errReported
}

// stopPath names a stop in errors.
func stopPath(id string) string { return "s[@id=" + excerpt(id) + "]" }

// callName names a call in errors.
func callName(call Call) string {
	if call.EVA == 0 {
		return string(call.Kind)
	}
	return strings.TrimPrefix(call.Path(), "/")
}
