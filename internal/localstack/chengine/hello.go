package chengine

import (
	"encoding/binary"
	"strings"
)

// helloQuery is the first statement of every clickhouse-go connection.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// displayName is how the engine introduces itself.
const displayName = "puenktlich local engine"

// isHello: the client announced a protocol version and expects Native framed
// for it, which the library cannot write. This one answer is framed by hand.
// It states revision 0, and from then on the client reads the plain Native
// that the library writes.
func isHello(req *request) bool {
	return req.negotiates && strings.TrimSpace(req.sql) == helloQuery && strings.EqualFold(req.format, "Native")
}

// hello is the answer: one row of Native for revisions of 54454 and later.
func (e *engine) hello() []byte {
	b := []byte{1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0} // block info: no overflow, bucket -1
	b = append(b, 4, 1)                             // columns, rows
	b = appendText(appendColumn(b, "displayName()", "String"), displayName)
	b = appendText(appendColumn(b, "version()", "String"), e.version)
	b = binary.LittleEndian.AppendUint32(appendColumn(b, "revision()", "UInt32"), 0)
	return appendText(appendColumn(b, "timezone()", "String"), e.timezone)
}

func appendColumn(b []byte, name, kind string) []byte {
	b = appendText(appendText(b, name), kind)
	return append(b, 0) // no custom serialization
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}
