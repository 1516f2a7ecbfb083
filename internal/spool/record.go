package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"time"

	schema "puenktlich/schemas/clickhouse"
)

// A segment is a sequence of frames. All numbers are little endian.
//
//	+--------+--------+---------------+
//	| length | crc32c | payload       |
//	| uint32 | uint32 | length bytes  |
//	+--------+--------+---------------+
//
// The payload is one prediction: a version byte, then its fields in the order
// of schema.Prediction; strings and lists begin with their length as a varint.
const (
	frameHeader   = 8
	recordVersion = 1
	// maxRecord bounds what a reader believes of a length.
	maxRecord = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that no whole frame follows.
var errTorn = errors.New("frame is incomplete or damaged")

// appendFrame adds one prediction to dst.
func appendFrame(dst []byte, p *schema.Prediction) ([]byte, error) {
	start := len(dst)
	dst = append(dst, make([]byte, frameHeader)...)
	dst = appendRecord(dst, p)
	payload := dst[start+frameHeader:]
	if len(payload) > maxRecord {
		return dst[:start], fmt.Errorf("prediction %s has %d bytes, at most %d are kept", p.PredictionID, len(payload), maxRecord)
	}
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(payload, castagnoli))
	return dst, nil
}

// readFrame reads the frame at the start of src and answers its size.
func readFrame(src []byte) (p schema.Prediction, size int, err error) {
	payload, err := payloadOf(src)
	if err != nil {
		return p, 0, err
	}
	p, err = readRecord(payload)
	return p, frameHeader + len(payload), err
}

// payloadOf is the payload of the frame at the start of src, checked.
func payloadOf(src []byte) ([]byte, error) {
	if len(src) < frameHeader {
		return nil, errTorn
	}
	length := int(binary.LittleEndian.Uint32(src))
	if length == 0 || length > maxRecord || len(src) < frameHeader+length {
		return nil, errTorn
	}
	payload := src[frameHeader : frameHeader+length]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(src[4:]) {
		return nil, errTorn
	}
	return payload, nil
}

// slab reads frames one after the other. What it reads shares a few large pieces
// of memory instead of having twenty small ones a prediction.
type slab struct {
	rest     []byte
	texts    string // rest as a text
	features []float32
	edges    []float64
	room     int // for so many features at once; 0: for those that are needed
}

func newSlab(frames []byte) *slab {
	return &slab{rest: frames, texts: string(frames), room: slabValues}
}

func (s *slab) next() (schema.Prediction, error) {
	payload, err := payloadOf(s.rest)
	if err != nil {
		return schema.Prediction{}, err
	}
	end := frameHeader + len(payload)
	p, err := (&reader{rest: payload, texts: s.texts[frameHeader:end], slab: s}).record()
	s.rest, s.texts = s.rest[end:], s.texts[end:]
	return p, err
}

// floats is room for so many features, of nobody else; doubles that for edges.
func (s *slab) floats(n int) []float32 {
	if s.features == nil || cap(s.features)-len(s.features) < n {
		s.features = make([]float32, 0, max(n, s.room))
	}
	at := len(s.features)
	s.features = s.features[:at+n]
	return s.features[at : at+n : at+n]
}

func (s *slab) doubles(n int) []float64 {
	if s.edges == nil || cap(s.edges)-len(s.edges) < n {
		s.edges = make([]float64, 0, max(n, s.room/8))
	}
	at := len(s.edges)
	s.edges = s.edges[:at+n]
	return s.edges[at : at+n : at+n]
}

// slabValues is how many values a slab makes room for at once.
const slabValues = 64 << 10

func appendRecord(b []byte, p *schema.Prediction) []byte {
	b = append(b, recordVersion)
	for _, s := range texts(p) {
		b = appendText(b, *s)
	}
	b = binary.LittleEndian.AppendUint32(b, p.Version)
	b = binary.LittleEndian.AppendUint64(b, uint64(p.EVA))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.Planned.UnixMilli()))
	b = binary.LittleEndian.AppendUint64(b, uint64(p.PredictedAt.UnixMilli()))
	b = binary.LittleEndian.AppendUint32(b, uint32(p.HorizonMinutes))
	b = binary.LittleEndian.AppendUint64(b, p.LastSeq)
	b = binary.AppendUvarint(b, uint64(len(p.Features)))
	for _, v := range p.Features {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	b = binary.AppendUvarint(b, uint64(len(p.Cumulative)))
	for _, v := range p.Cumulative {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	for _, v := range []float64{p.POnTime, p.PCancelled, p.PBaseline} {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return binary.LittleEndian.AppendUint32(b, p.LatencyMicros)
}

// texts are the text fields in the order in which they are kept.
func texts(p *schema.Prediction) []*string {
	return []*string{&p.RequestID, &p.PredictionID, (*string)(&p.Source), &p.DataSource, &p.Group, &p.Model, &p.Digest,
		(*string)(&p.Role), &p.Instance, &p.StopID, &p.Kind, &p.EventDay}
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func readRecord(payload []byte) (p schema.Prediction, err error) {
	return (&reader{rest: payload, texts: string(payload), slab: &slab{}}).record()
}

func (r *reader) record() (p schema.Prediction, err error) {
	if version := r.take(1); len(version) == 1 && version[0] != recordVersion {
		return p, fmt.Errorf("record of version %d, this program reads %d", version[0], recordVersion)
	}
	for _, s := range texts(&p) {
		*s = r.text()
	}
	p.Version = r.uint32()
	p.EVA = int64(r.uint64())
	p.Planned = time.UnixMilli(int64(r.uint64())).UTC()
	p.PredictedAt = time.UnixMilli(int64(r.uint64())).UTC()
	p.HorizonMinutes = int32(r.uint32())
	p.LastSeq = r.uint64()
	p.Features = r.slab.floats(r.length(4))
	values := r.take(4 * len(p.Features))
	for i := range p.Features {
		p.Features[i] = math.Float32frombits(binary.LittleEndian.Uint32(values[4*i:]))
	}
	p.Cumulative = r.slab.doubles(r.length(8))
	values = r.take(8 * len(p.Cumulative))
	for i := range p.Cumulative {
		p.Cumulative[i] = math.Float64frombits(binary.LittleEndian.Uint64(values[8*i:]))
	}
	for _, v := range []*float64{&p.POnTime, &p.PCancelled, &p.PBaseline} {
		*v = math.Float64frombits(r.uint64())
	}
	p.LatencyMicros = r.uint32()
	if r.short || len(r.rest) > 0 {
		return schema.Prediction{}, errTorn
	}
	return p, nil
}

// reader takes fields off a payload; short is set once it holds too few bytes.
type reader struct {
	rest  []byte
	texts string // the payload as a text
	slab  *slab
	short bool
}

func (r *reader) text() string {
	n := r.length(1)
	from := len(r.texts) - len(r.rest)
	if r.take(n) == nil {
		return ""
	}
	return r.texts[from : from+n]
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.short, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// length reads how many elements of a size follow, never more than can.
func (r *reader) length(size int) int {
	n, read := binary.Uvarint(r.rest)
	if read <= 0 || n > uint64((len(r.rest)-read)/size) {
		r.short, r.rest = true, nil
		return 0
	}
	r.rest = r.rest[read:]
	return int(n)
}

func (r *reader) uint32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}
