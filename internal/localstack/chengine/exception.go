package chengine

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// Exception codes that the server itself raises or looks for, with the names
// ClickHouse gives them (errorCodeToName).
const (
	codeBadArguments         = 36
	codeNotImplemented       = 48
	codeLogicalError         = 49
	codeSyntaxError          = 62
	codeCannotParseInput     = 27
	codeQueryIsTooLarge      = 187
	codeQueryWasCancelled    = 394
	codeAccessDenied         = 497
	codeAuthenticationFailed = 516
)

// errInsertEnded says that the engine takes no more data for an insert; done
// tells why.
var errInsertEnded = errors.New("the engine ended the insert")

// exception is an error as ClickHouse's clients know it: a number and a text
// of the form "Code: N. DB::Exception: ... (NAME)".
type exception struct {
	code int
	text string
}

func (e *exception) Error() string { return e.text }

// refuse makes an exception of the server's own.
func refuse(code int, name, format string, args ...any) *exception {
	return &exception{code: code, text: fmt.Sprintf("Code: %d. DB::Exception: %s (%s)", code, fmt.Sprintf(format, args...), name)}
}

var codePattern = regexp.MustCompile(`^Code: (\d+)\. `)

// parseException reads the number out of the engine's text.
func parseException(text string) *exception {
	text = strings.TrimSpace(text)
	if m := codePattern.FindStringSubmatch(text); m != nil {
		if code, err := strconv.Atoi(m[1]); err == nil && code > 0 {
			return &exception{code: code, text: text}
		}
	}
	return refuse(codeLogicalError, "LOGICAL_ERROR", "%s", text)
}

// asException gives every error a number, so that clients always get a typed one.
func asException(err error) *exception {
	var e *exception
	if errors.As(err, &e) {
		return e
	}
	return refuse(codeLogicalError, "LOGICAL_ERROR", "%v", err)
}

// status is the HTTP status of an exception that comes before the first byte
// of output, after the groups a ClickHouse server uses.
func (e *exception) status() int {
	switch e.code {
	case codeAuthenticationFailed, 192, 193, codeAccessDenied: // unknown user, wrong password
		return http.StatusForbidden
	case codeBadArguments, codeCannotParseInput, codeSyntaxError, 6, 26, 38, 41, 43, 53, 69, 72, 117, 456, 457:
		return http.StatusBadRequest
	case 46, 47, 50, 56, 60, 63, 73, 81, 115: // an unknown function, identifier, type, storage, table, aggregate, format, database, setting
		return http.StatusNotFound
	case 159: // TIMEOUT_EXCEEDED
		return http.StatusRequestTimeout
	case codeQueryIsTooLarge:
		return http.StatusRequestEntityTooLarge
	case codeNotImplemented:
		return http.StatusNotImplemented
	}
	return http.StatusInternalServerError
}
