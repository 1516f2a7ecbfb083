package chengine

import (
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"sort"
	"strings"

	chcompress "github.com/ClickHouse/ch-go/compress"
	"github.com/google/uuid"
)

const (
	// maxHeadBytes is how much of a body is read to find where the statement
	// ends and insert data begins.
	maxHeadBytes = 1 << 20
	// maxStatementBytes bounds a statement that must be held in memory whole,
	// such as INSERT with literal rows.
	maxStatementBytes = 256 << 20
)

// request is one statement as it came over HTTP.
type request struct {
	queryID    string
	database   string
	format     string // output format where the statement names none
	settings   []setting
	params     []parameter
	external   []externalTable
	sql        string
	body       io.Reader // insert data, decompressed; nil when there is none
	compress   bool      // answer in ClickHouse's block compression
	method     chcompress.Method
	buffered   bool // wait_end_of_query: no output before the end
	negotiates bool // client_protocol_version > 0
}

// reserved are query parameters that are not settings. Quotas, the stack trace
// and the buffer size have no meaning here.
var reserved = map[string]bool{
	"query": true, "query_id": true, "database": true, "default_format": true, "user": true, "password": true,
	"compress": true, "decompress": true, "client_protocol_version": true, "wait_end_of_query": true,
	"quota_key": true, "stacktrace": true, "buffer_size": true, "log_comment": true,
}

// unsupported parameters change what a statement means; ignoring them would
// answer another question.
var unsupported = []string{"session_id", "role"}

// parseRequest reads everything but insert data.
func parseRequest(r *http.Request) (*request, error) {
	values := r.URL.Query()
	for _, name := range unsupported {
		if values.Has(name) {
			return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "%s is not supported by the local engine: every request stands for itself.", name)
		}
	}
	req := &request{
		queryID:    firstOf(values.Get("query_id"), r.Header.Get("X-ClickHouse-Query-Id"), uuid.NewString()),
		database:   firstOf(values.Get("database"), r.Header.Get("X-ClickHouse-Database"), DefaultDatabase),
		format:     firstOf(values.Get("default_format"), r.Header.Get("X-ClickHouse-Format"), "TabSeparated"),
		compress:   isTrue(values.Get("compress")),
		method:     blockMethod(values.Get("network_compression_method")),
		buffered:   isTrue(values.Get("wait_end_of_query")),
		negotiates: values.Get("client_protocol_version") != "" && values.Get("client_protocol_version") != "0",
	}
	if err := req.readBody(r, values); err != nil {
		return nil, err
	}
	req.readSettings(values)
	if r.Method != http.MethodPost {
		// As on a server: what a link can trigger must not write.
		req.settings = append(req.settings, setting{"readonly", "2"})
	}
	return req, nil
}

// readBody takes the statement and what belongs to it from the body.
func (req *request) readBody(r *http.Request, values url.Values) error {
	req.sql = values.Get("query")
	if r.Method != http.MethodPost || r.ContentLength == 0 {
		return nil
	}
	if kind, options, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		return req.readForm(multipart.NewReader(r.Body, options["boundary"]), values)
	}
	body, err := decodeBody(r.Body, r.Header.Get("Content-Encoding"), isTrue(values.Get("decompress")))
	if err != nil {
		return err
	}
	return req.readStatement(body)
}

// readStatement separates statement and data. A statement in the address has
// only data in the body; INSERT ... FORMAT in the body is followed by its data.
func (req *request) readStatement(body io.Reader) error {
	if strings.TrimSpace(req.sql) != "" && strings.HasPrefix(strings.ToUpper(firstWord(req.sql)), "INSERT") {
		req.body = body
		return nil
	}
	head, err := readUpTo(body, maxHeadBytes)
	if err != nil {
		return err
	}
	text := joined(req.sql, head)
	if p, err := planStatement(text, false); err == nil && p.route == routeInsert {
		req.sql, req.body = text, body
		return nil
	}
	rest, err := readUpTo(body, maxStatementBytes)
	if err != nil {
		return err
	}
	if len(rest) == maxStatementBytes {
		return refuse(codeQueryIsTooLarge, "QUERY_IS_TOO_LARGE", "The statement is longer than %d MiB: send rows as the body of INSERT ... FORMAT.", maxStatementBytes>>20)
	}
	req.sql = text + rest
	return nil
}

// joined puts a statement's part from the address before the one from the body.
func joined(address, body string) string {
	if strings.TrimSpace(address) == "" {
		return body
	}
	if strings.TrimSpace(body) == "" {
		return address
	}
	return address + "\n" + body
}

func readUpTo(r io.Reader, limit int64) (string, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit))
	if err != nil {
		return "", bodyError(err)
	}
	return string(data), nil
}

func bodyError(err error) error {
	return refuse(codeCannotParseInput, "CANNOT_PARSE_INPUT_ASSERTION_FAILED", "Cannot read the body of the request: %v.", err)
}

// readSettings sorts the remaining query parameters into {name:Type} values
// and settings, by name so that a request means the same every time.
func (req *request) readSettings(values url.Values) {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		if param, ok := strings.CutPrefix(name, "param_"); ok {
			req.params = append(req.params, parameter{name: param, value: values.Get(name)})
		} else if !reserved[name] && !req.describesExternal(name) {
			req.settings = append(req.settings, setting{name: name, value: values.Get(name)})
		}
	}
}

func firstWord(sql string) string {
	t, _ := (&lexer{sql: sql}).next()
	return t.text
}

func firstOf(candidates ...string) string {
	for _, c := range candidates {
		if c != "" {
			return c
		}
	}
	return ""
}

func blockMethod(name string) chcompress.Method {
	if strings.EqualFold(name, "ZSTD") {
		return chcompress.ZSTD
	}
	return chcompress.LZ4
}

// isTrue reads a switch of the HTTP interface.
func isTrue(value string) bool { return value == "1" || strings.EqualFold(value, "true") }
