package warehouse

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"puenktlich/internal/rail"
)

// packedMessages reads the messages of a row as one text: the driver takes
// longer for five arrays, most of them empty, than for all other columns
// together. No text of an XML document holds the byte 0 that stands between.
const packedMessages = `arrayStringConcat(arrayMap((id, type, code, time, deleted) -> ` +
	`concat(id, '\0', type, '\0', toString(code), '\0', toString(toUnixTimestamp(time)), '\0', toString(deleted)), ` +
	`message_ids, message_types, message_codes, message_times, message_deleted), '\0') AS messages`

// fieldsPerMessage is the number of texts a message is packed into.
const fieldsPerMessage = 5

// unpackMessages is the reverse of packedMessages; nil for no message.
func unpackMessages(packed string) ([]rail.Message, error) {
	if packed == "" {
		return nil, nil
	}
	fields := strings.Split(packed, "\x00")
	if len(fields)%fieldsPerMessage != 0 {
		return nil, fmt.Errorf("messages %q: %d texts, want %d for each: an id or a type holds the byte 0", packed, len(fields), fieldsPerMessage)
	}
	messages := make([]rail.Message, 0, len(fields)/fieldsPerMessage)
	for ; len(fields) > 0; fields = fields[fieldsPerMessage:] {
		code, err := strconv.Atoi(fields[2])
		if err != nil {
			return nil, fmt.Errorf("messages %q: code: %w", packed, err)
		}
		seconds, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("messages %q: time: %w", packed, err)
		}
		messages = append(messages, rail.Message{ID: fields[0], Type: fields[1], Code: code,
			Time: known(time.Unix(seconds, 0)), Deleted: fields[4] != "0"})
	}
	return messages, nil
}
