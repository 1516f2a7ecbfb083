package columnar

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"puenktlich/internal/vectors"
)

// Fields of the tables of a message, as format/Message.fbs and
// format/Schema.fbs of Apache Arrow number them.
const (
	messageHeaderType = 1
	messageHeader     = 2
	messageBodyLength = 3
	schemaFields      = 1
	schemaMetadata    = 2
	fieldName         = 0
	fieldDictionary   = 4
	fieldChildren     = 5
	fieldMetadata     = 6
	batchBuffers      = 2
	pairKey           = 0
	pairValue         = 1
)

// Kinds of messages.
const (
	kindSchema      = 1
	kindDictionary  = 2
	kindRecordBatch = 3
)

const (
	continuation = 0xffffffff
	// maxColumns and maxPairs bound what a description lists.
	maxColumns = 1024
	maxPairs   = 64
)

// messages reads the messages of a stream within bounds. It is an
// ipc.MessageReader.
type messages struct {
	r   io.Reader
	mem memory.Allocator
	msg *ipc.Message
}

// Retain is not needed: the reader that holds it is its one owner.
func (m *messages) Retain() {}

// Release frees the last message.
func (m *messages) Release() {
	if m.msg != nil {
		m.msg.Release()
		m.msg = nil
	}
}

// Message reads the next one, io.EOF at the end. It is valid until the next
// call.
func (m *messages) Message() (*ipc.Message, error) {
	m.Release()
	size, err := m.prefix()
	if err != nil {
		return nil, err
	}
	if size > maxMetadataBytes {
		return nil, vectors.TooLarge("the Arrow stream describes a message with %d bytes, at most %d are taken", size, maxMetadataBytes)
	}
	described := make([]byte, size)
	if _, err := io.ReadFull(m.r, described); err != nil {
		return nil, cut(err)
	}
	bodyBytes, err := inspect(described)
	if err != nil {
		return nil, fmt.Errorf("a message of the Arrow stream cannot be taken: %w", err)
	}
	meta, body := memory.NewBufferBytes(described), memory.NewResizableBuffer(m.mem)
	defer meta.Release()
	defer body.Release()
	if err := m.fill(body, int(bodyBytes)); err != nil {
		return nil, err
	}
	m.msg = ipc.NewMessage(meta, body)
	return m.msg, nil
}

// fill reads a body, making room only as it arrives.
func (m *messages) fill(body *memory.Buffer, size int) error {
	const first = 1 << 20
	for got := 0; got < size; {
		more := min(size-got, max(first, got))
		body.Resize(got + more)
		if _, err := io.ReadFull(m.r, body.Bytes()[got:]); err != nil {
			return cut(err)
		}
		got += more
	}
	return nil
}

// prefix reads how long the description is; streams of before 2019 have no
// continuation mark.
func (m *messages) prefix() (int, error) {
	var word [4]byte
	if _, err := io.ReadFull(m.r, word[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return 0, io.EOF // a stream may end without a mark
		}
		return 0, cut(err)
	}
	size := binary.LittleEndian.Uint32(word[:])
	if size == continuation {
		if _, err := io.ReadFull(m.r, word[:]); err != nil {
			return 0, cut(err)
		}
		size = binary.LittleEndian.Uint32(word[:])
	}
	if size == 0 {
		return 0, io.EOF
	}
	return int(size), nil
}

// cut explains an end inside a message; other errors are the connection's.
func cut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return vectors.Wrong("the Arrow stream ends inside a message")
	}
	return &ReadError{err}
}

// inspect looks at a description before anything is made from it, and answers
// how many bytes of body follow.
func inspect(described []byte) (int64, error) {
	message, err := root(described)
	if err != nil {
		return 0, err
	}
	kind, err := message.small(messageHeaderType)
	if err != nil {
		return 0, err
	}
	header, found, err := message.child(messageHeader)
	if err != nil || !found {
		return 0, errFlat
	}
	switch kind {
	case kindSchema:
		err = inspectSchema(header)
	case kindDictionary:
		err = vectors.Wrong("columns are dictionary-encoded; send plain numbers")
	case kindRecordBatch:
	default:
		err = vectors.Wrong("a message of kind %d is neither schema nor record batch", kind)
	}
	if err != nil {
		return 0, err
	}
	size, err := message.long(messageBodyLength)
	if err == nil && size < 0 {
		err = errFlat
	}
	if err == nil && size > maxMessageBytes {
		err = vectors.TooLarge("a record batch has %d bytes, at most %d are taken: send batches of fewer rows", size, maxMessageBytes)
	}
	if err == nil && kind == kindRecordBatch {
		err = inspectBuffers(header, size)
	}
	return size, err
}

// inspectBuffers checks that buffers lie in the body and, together, are no
// larger than it.
func inspectBuffers(batch flat, bodyBytes int64) error {
	const each = 16 // offset and length
	at, count, err := batch.vector(batchBuffers, each)
	if err != nil {
		return err
	}
	rest := bodyBytes
	for i := range count {
		offset := int64(binary.LittleEndian.Uint64(batch.data[at+each*i:]))
		length := int64(binary.LittleEndian.Uint64(batch.data[at+each*i+8:]))
		if offset < 0 || length < 0 || offset > bodyBytes || length > min(bodyBytes-offset, rest) {
			return errFlat
		}
		rest -= length
	}
	return nil
}

// inspectSchema refuses what numbers in columns do not need.
func inspectSchema(schema flat) error {
	texts := 0
	err := schema.tables(schemaFields, maxColumns, func(field flat) error {
		name, err := field.text(fieldName)
		if err != nil {
			return err
		}
		if _, encoded, err := field.child(fieldDictionary); encoded || err != nil {
			return vectors.Wrong("column %.64q is dictionary-encoded; send plain numbers", name)
		}
		if _, children, err := field.vector(fieldChildren, 4); children > 0 || err != nil {
			return vectors.Wrong("column %.64q is nested; send one number a row", name)
		}
		texts += len(name)
		return field.tables(fieldMetadata, maxPairs, func(pair flat) error { return weigh(pair, &texts) })
	})
	if err == nil {
		err = schema.tables(schemaMetadata, maxPairs, func(pair flat) error { return weigh(pair, &texts) })
	}
	return err
}

// weigh adds up the texts that are read from a description, where several may
// point at the same bytes.
func weigh(pair flat, texts *int) error {
	for _, id := range []int{pairKey, pairValue} {
		text, err := pair.text(id)
		if err != nil {
			return err
		}
		*texts += len(text)
	}
	if *texts > 4*maxMetadataBytes {
		return errMany
	}
	return nil
}
