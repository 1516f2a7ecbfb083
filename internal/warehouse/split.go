package warehouse

import (
	"fmt"
	"strings"
)

// splitStatements cuts SQL at semicolons outside of quotes and comments.
// Comments are left out, as are empty statements.
func splitStatements(sql string) ([]string, error) {
	var statements []string
	var current strings.Builder
	flush := func() {
		if s := strings.TrimSpace(current.String()); s != "" {
			statements = append(statements, s)
		}
		current.Reset()
	}
	for len(sql) > 0 {
		n, err := token(sql)
		if err != nil {
			return nil, err
		}
		switch text := sql[:n]; {
		case text == ";":
			flush()
		case strings.HasPrefix(text, "--"), strings.HasPrefix(text, "/*"):
			current.WriteByte(' ')
		default:
			current.WriteString(text)
		}
		sql = sql[n:]
	}
	flush()
	return statements, nil
}

// token is the length of the first comment, quoted text or single byte.
func token(sql string) (int, error) {
	switch {
	case strings.HasPrefix(sql, "--"):
		if end := strings.IndexByte(sql, '\n'); end >= 0 {
			return end, nil
		}
		return len(sql), nil
	case strings.HasPrefix(sql, "/*"):
		if end := strings.Index(sql[2:], "*/"); end >= 0 {
			return end + 4, nil
		}
		return 0, fmt.Errorf("a comment /* is not closed")
	case strings.IndexByte("'\"`", sql[0]) >= 0:
		return quoted(sql)
	}
	return 1, nil
}

// quoted is the length of a quoted text; a backslash takes the next byte along,
// and a doubled quote reads as two texts side by side.
func quoted(sql string) (int, error) {
	for i := 1; i < len(sql); i++ {
		switch sql[i] {
		case '\\':
			i++
		case sql[0]:
			return i + 1, nil
		}
	}
	return 0, fmt.Errorf("a text that starts with %c is not closed", sql[0])
}
