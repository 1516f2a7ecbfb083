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
	if len(src) < frameHeader {
		return p, 0, errTorn
	}
	length := int(binary.LittleEndian.Uint32(src))
	if length == 0 || length > maxRecord || len(src) < frameHeader+length {
		return p, 0, errTorn
	}
	payload := src[frameHeader : frameHeader+length]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(src[4:]) {
		return p, 0, errTorn
	}
	p, err = readRecord(payload)
	return p, frameHeader + length, err
}

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
	r := reader{rest: payload}
	if version := r.take(1); len(version) == 1 && version[0] != recordVersion {
		return p, fmt.Errorf("record of version %d, this program reads %d", version[0], recordVersion)
	}
	for _, s := range texts(&p) {
		*s = string(r.take(r.length(1)))
	}
	p.Version = r.uint32()
	p.EVA = int64(r.uint64())
	p.Planned = time.UnixMilli(int64(r.uint64())).UTC()
	p.PredictedAt = time.UnixMilli(int64(r.uint64())).UTC()
	p.HorizonMinutes = int32(r.uint32())
	p.LastSeq = r.uint64()
	p.Features = make([]float32, r.length(4))
	for i := range p.Features {
		p.Features[i] = math.Float32frombits(r.uint32())
	}
	p.Cumulative = make([]float64, r.length(8))
	for i := range p.Cumulative {
		p.Cumulative[i] = math.Float64frombits(r.uint64())
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
	short bool
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
