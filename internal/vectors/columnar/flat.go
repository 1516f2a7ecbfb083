package columnar

import (
	"encoding/binary"
	"errors"
)

// A flat is a table of a FlatBuffers message (https://flatbuffers.dev/internals),
// read with a check of every bound, to look at a message before Arrow's own
// reader believes the counts in it.
type flat struct {
	data  []byte
	table int // where it begins
}

var errFlat = errors.New("its description is damaged")

// root is the outermost table.
func root(data []byte) (flat, error) {
	at, ok := number32(data, 0)
	if !ok || at < 0 || at > len(data)-4 {
		return flat{}, errFlat
	}
	return flat{data, at}, nil
}

func number32(data []byte, at int) (int, bool) {
	if at < 0 || at+4 > len(data) {
		return 0, false
	}
	return int(int32(binary.LittleEndian.Uint32(data[at:]))), true
}

// field is where the value of a field stands; 0 where it has its default.
func (f flat) field(id int) (int, error) {
	back, ok := number32(f.data, f.table)
	vtable := f.table - back
	if !ok || vtable < 0 || vtable+4 > len(f.data) {
		return 0, errFlat
	}
	size := int(binary.LittleEndian.Uint16(f.data[vtable:]))
	entry := 4 + 2*id
	if entry >= size { // as FlatBuffers' own readers decide it
		return 0, nil
	}
	if vtable+entry+2 > len(f.data) {
		return 0, errFlat
	}
	offset := int(binary.LittleEndian.Uint16(f.data[vtable+entry:]))
	if offset == 0 {
		return 0, nil
	}
	if at := f.table + offset; at < len(f.data) {
		return at, nil
	}
	return 0, errFlat
}

// small is a field of one byte.
func (f flat) small(id int) (byte, error) {
	at, err := f.field(id)
	if err != nil || at == 0 {
		return 0, err
	}
	return f.data[at], nil
}

// long is a field of eight bytes.
func (f flat) long(id int) (int64, error) {
	at, err := f.field(id)
	if err != nil || at == 0 {
		return 0, err
	}
	if at+8 > len(f.data) {
		return 0, errFlat
	}
	return int64(binary.LittleEndian.Uint64(f.data[at:])), nil
}

// follow goes where the reference at a place points.
func (f flat) follow(at int) (flat, error) {
	offset, ok := number32(f.data, at)
	if !ok || offset < 0 || at+offset > len(f.data)-4 {
		return flat{}, errFlat
	}
	return flat{f.data, at + offset}, nil
}

// child is a table that a field points at; false where it is not there.
func (f flat) child(id int) (flat, bool, error) {
	at, err := f.field(id)
	if err != nil || at == 0 {
		return flat{}, false, err
	}
	child, err := f.follow(at)
	return child, err == nil, err
}

// vector is where the elements of a field begin and how many there are.
func (f flat) vector(id, elementBytes int) (at, count int, err error) {
	head, found, err := f.child(id)
	if err != nil || !found {
		return 0, 0, err
	}
	count, _ = number32(f.data, head.table)
	at = head.table + 4
	if count < 0 || count > (len(f.data)-at)/elementBytes {
		return 0, 0, errFlat
	}
	return at, count, nil
}

// text is a field that holds a string.
func (f flat) text(id int) (string, error) {
	at, count, err := f.vector(id, 1)
	if err != nil {
		return "", err
	}
	return string(f.data[at : at+count]), nil
}

// tables visits the tables of a vector.
func (f flat) tables(id, most int, visit func(flat) error) error {
	at, count, err := f.vector(id, 4)
	if err != nil {
		return err
	}
	if count > most {
		return errMany
	}
	for i := range count {
		element, err := f.follow(at + 4*i)
		if err == nil {
			err = visit(element)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

var errMany = errors.New("it lists more than a model could have")
