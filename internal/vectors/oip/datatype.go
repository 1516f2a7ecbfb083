package oip

import (
	"encoding/binary"
	"math"
)

// Datatype is a tensor's, as the protocol writes it.
type Datatype string

// The datatypes that hold numbers; BYTES holds none.
const (
	Bool   Datatype = "BOOL"
	UInt8  Datatype = "UINT8"
	UInt16 Datatype = "UINT16"
	UInt32 Datatype = "UINT32"
	UInt64 Datatype = "UINT64"
	Int8   Datatype = "INT8"
	Int16  Datatype = "INT16"
	Int32  Datatype = "INT32"
	Int64  Datatype = "INT64"
	FP16   Datatype = "FP16"
	FP32   Datatype = "FP32"
	FP64   Datatype = "FP64"
)

// size is how many bytes a value has; 0 for a datatype that is not taken.
func (d Datatype) size() int {
	switch d {
	case Bool, UInt8, Int8:
		return 1
	case UInt16, Int16, FP16:
		return 2
	case UInt32, Int32, FP32:
		return 4
	case UInt64, Int64, FP64:
		return 8
	}
	return 0
}

// floating says that a value may be missing and have a fraction.
func (d Datatype) floating() bool { return d == FP16 || d == FP32 || d == FP64 }

// bounds of a whole number in JSON, which is read as an int64.
func (d Datatype) bounds() (least, most int64) {
	switch d {
	case UInt8:
		return 0, math.MaxUint8
	case UInt16:
		return 0, math.MaxUint16
	case UInt32:
		return 0, math.MaxUint32
	case UInt64:
		return 0, math.MaxInt64
	case Int8:
		return math.MinInt8, math.MaxInt8
	case Int16:
		return math.MinInt16, math.MaxInt16
	case Int32:
		return math.MinInt32, math.MaxInt32
	}
	return math.MinInt64, math.MaxInt64
}

// value reads one little-endian value.
func (d Datatype) value(b []byte) float64 {
	switch d {
	case Bool:
		if b[0] != 0 {
			return 1
		}
		return 0
	case UInt8:
		return float64(b[0])
	case Int8:
		return float64(int8(b[0]))
	case UInt16:
		return float64(binary.LittleEndian.Uint16(b))
	case Int16:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case UInt32:
		return float64(binary.LittleEndian.Uint32(b))
	case Int32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case UInt64:
		return float64(binary.LittleEndian.Uint64(b))
	case Int64:
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case FP16:
		return half(binary.LittleEndian.Uint16(b))
	case FP32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(b))
}

// half is the value of an IEEE 754 binary16: 1 bit sign, 5 exponent, 10 fraction.
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var value float64
	switch exponent {
	case 0:
		value = math.Ldexp(fraction, -24)
	case 0x1f:
		if value = math.Inf(1); fraction != 0 {
			value = math.NaN()
		}
	default:
		value = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 != 0 {
		value = -value
	}
	return value
}
