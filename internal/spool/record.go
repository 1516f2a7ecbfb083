package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	schema "puenktlich/schemas/clickhouse"
)

// A segment is a sequence of frames. All numbers are little endian.
//
//	+--------+--------+---------------+
//	| length | crc32c | payload       |
//	| uint32 | uint32 | length bytes  |
//	+--------+--------+---------------+
//
// The payload is a version byte and one row of predictions as the store takes it:
// what ships a segment looks into none of them.
const (
	frameHeader   = 8
	recordVersion = 2
	rowAt         = frameHeader + 1
	// maxRecord bounds what a reader believes of a length.
	maxRecord = 1 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errTorn says that no whole frame follows.
var errTorn = errors.New("frame is incomplete or damaged")

// appendFrame adds one row to dst.
func appendFrame(dst []byte, row schema.PredictionRow) ([]byte, error) {
	start := len(dst)
	dst = row.AppendTo(append(dst, 0, 0, 0, 0, 0, 0, 0, 0, recordVersion))
	payload := dst[start+frameHeader:]
	if len(payload) > maxRecord {
		return dst[:start], fmt.Errorf("prediction %s has %d bytes, at most %d are kept", row.PredictionID, len(payload), maxRecord)
	}
	binary.LittleEndian.PutUint32(dst[start:], uint32(len(payload)))
	binary.LittleEndian.PutUint32(dst[start+4:], crc32.Checksum(payload, castagnoli))
	return dst, nil
}

// rowOf is the row in the frame at the start of src, checked, and the frame's size.
// What is damaged is errTorn, what another version wrote another error.
func rowOf(src []byte) (row []byte, size int, err error) {
	if len(src) < frameHeader {
		return nil, 0, errTorn
	}
	length := int(binary.LittleEndian.Uint32(src))
	if length == 0 || length > maxRecord || len(src) < frameHeader+length {
		return nil, 0, errTorn
	}
	size = frameHeader + length
	if crc32.Checksum(src[frameHeader:size], castagnoli) != binary.LittleEndian.Uint32(src[4:]) {
		return nil, 0, errTorn
	}
	if version := src[frameHeader]; version != recordVersion {
		return nil, 0, fmt.Errorf("record of version %d, this program reads %d: start the program that wrote it until its log has arrived in ClickHouse", version, recordVersion)
	}
	return src[rowAt:size], size, nil
}

// readFrame reads the prediction in the frame at the start of src and answers its size.
func readFrame(src []byte) (p schema.Prediction, size int, err error) {
	row, size, err := rowOf(src)
	if err != nil {
		return p, 0, err
	}
	p, err = schema.ReadPrediction(row)
	return p, size, err
}
