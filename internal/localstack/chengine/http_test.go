package chengine_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// call sends one bare HTTP request with the right credentials.
func call(t *testing.T, addr, method string, query url.Values, body io.Reader, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+"/?"+query.Encode(), body)
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(user, token)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(text)
}

func TestPingNeedsNoCredentials(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/ping", "/"} {
		response, err := http.Get("http://" + engine(t).addr + path)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		if response.StatusCode != http.StatusOK || string(text) != "Ok.\n" {
			t.Errorf("%s: %d %q", path, response.StatusCode, text)
		}
	}
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	addr := engine(t).addr
	for _, c := range []struct {
		name  string
		set   func(r *http.Request)
		grant bool
	}{
		{"none", func(*http.Request) {}, false},
		{"basic", func(r *http.Request) { r.SetBasicAuth(user, token) }, true},
		{"basic, wrong password", func(r *http.Request) { r.SetBasicAuth(user, token+"x") }, false},
		{"basic, no password", func(r *http.Request) { r.SetBasicAuth(user, "") }, false},
		{"basic, wrong user", func(r *http.Request) { r.SetBasicAuth("default", token) }, false},
		{"headers", func(r *http.Request) {
			r.Header.Set("X-ClickHouse-User", user)
			r.Header.Set("X-ClickHouse-Key", token)
		}, true},
		{"headers, wrong key", func(r *http.Request) {
			r.Header.Set("X-ClickHouse-User", user)
			r.Header.Set("X-ClickHouse-Key", "wrong")
		}, false},
		{"address", func(r *http.Request) { r.URL.RawQuery += "&user=" + user + "&password=" + token }, true},
		{"wrong basic beside right address", func(r *http.Request) {
			r.SetBasicAuth(user, "wrong")
			r.URL.RawQuery += "&user=" + user + "&password=" + token
		}, false},
	} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/?query=SELECT+1", nil)
		c.set(r)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		code := response.Header.Get("X-ClickHouse-Exception-Code")
		if c.grant && response.StatusCode != http.StatusOK || !c.grant && (response.StatusCode != http.StatusForbidden || code != "516") {
			t.Errorf("%s: status %d, exception %q", c.name, response.StatusCode, code)
		}
	}
}

// TestStatements: what bare clients such as curl send.
func TestStatements(t *testing.T) {
	t.Parallel()
	addr := engine(t).addr
	q := func(sql string, more ...string) url.Values {
		v := url.Values{"query": {sql}}
		for i := 0; i+1 < len(more); i += 2 {
			v.Set(more[i], more[i+1])
		}
		return v
	}
	for _, c := range []struct {
		name, method string
		query        url.Values
		body         string
		status       int
		want         string // whole body, or a part of an exception
	}{
		{"GET", "GET", q("SELECT 1, 'a'"), "", 200, "1\ta\n"},
		{"statement in the body", "POST", url.Values{}, "SELECT 2", 200, "2\n"},
		{"statement in both", "POST", q("SELECT 3"), "+ 4", 200, "7\n"},
		{"FORMAT clause wins", "POST", q("SELECT 1 AS x FORMAT JSONEachRow", "default_format", "CSV"), "", 200, "{\"x\":1}\n"},
		{"default format", "POST", q("SELECT 'x'", "default_format", "CSV"), "", 200, "\"x\"\n"},
		{"parameter", "GET", q("SELECT {x:String}", "param_x", `a\tb`), "", 200, "a\\tb\n"},
		{"setting", "GET", q("SELECT getSetting('max_threads')", "max_threads", "2"), "", 200, "2\n"},
		{"database", "GET", q("SELECT currentDatabase()", "database", "system"), "", 200, "system\n"},
		{"default database", "GET", q("SELECT currentDatabase()"), "", 200, "puenktlich\n"},
		{"unknown database", "GET", q("SELECT 1", "database", "nowhere"), "", 404, "Code: 81."},
		{"GET must not write", "GET", q("CREATE TABLE w (n UInt8) ENGINE = Memory"), "", 500, "Code: 164."},
		{"no statement", "POST", url.Values{}, "  ", 400, "Code: 62."},
		{"session", "GET", q("SELECT 1", "session_id", "s"), "", 501, "session_id is not supported"},
		{"role", "GET", q("SELECT 1", "role", "r"), "", 501, "role is not supported"},
		{"setting with a foul name", "GET", q("SELECT 1", "a = 1; DROP TABLE x", "1"), "", 404, "Code: 115."},
		{"foul database", "GET", q("SELECT 1", "database", "system`; SELECT 2; --"), "", 404, "Code: 81."},
		{"buffered answer keeps its status", "POST", q("SELECT throwIf(number = 200000) FROM numbers(300000)", "wait_end_of_query", "1", "max_block_size", "1000"), "", 500, "Code: 395."},
		{"extended totals in JSON", "POST", q("SELECT 1 AS x FORMAT JSONCompactEachRow"), "", 200, "[1]\n"},
	} {
		response, text := call(t, addr, c.method, c.query, strings.NewReader(c.body))
		matches := text == c.want || c.status != 200 && strings.Contains(text, c.want)
		if response.StatusCode != c.status || !matches {
			t.Errorf("%s: status %d, body %q; want %d, %q", c.name, response.StatusCode, text, c.status, c.want)
		}
		if (response.StatusCode == 200) != (response.Header.Get("X-ClickHouse-Exception-Code") == "") {
			t.Errorf("%s: status %d with exception header %q", c.name, response.StatusCode, response.Header.Get("X-ClickHouse-Exception-Code"))
		}
	}
}

// TestRefused: what the library would do and a server must not.
func TestRefused(t *testing.T) {
	t.Parallel()
	addr := engine(t).addr
	file := filepath.Join(t.TempDir(), "out.csv")
	call(t, addr, "POST", url.Values{}, strings.NewReader("CREATE TABLE refused (n UInt64) ENGINE = Memory"))
	for sql, code := range map[string]string{
		"INSERT INTO refused VALUES (1); DROP TABLE refused":                      "62",
		"SELECT 1; DROP TABLE refused":                                            "62",
		"CREATE TABLE refused2 (n UInt8) ENGINE = Memory; DROP TABLE refused":     "62",
		"SELECT 1 INTO OUTFILE '" + file + "'":                                    "48",
		"SELECT 1 /* */ into /* */ outfile '" + file + "' FORMAT CSV":             "48",
		"EXPLAIN SELECT 1 INTO OUTFILE '" + file + "'":                            "48",
		"INSERT INTO refused FROM INFILE '/etc/hostname' FORMAT CSV":              "48",
		"SELECT * FROM file('/etc/hostname', 'LineAsString')":                     "497",
		"INSERT INTO FUNCTION file('" + file + "', 'CSV', 'n UInt8') SELECT 1":    "497",
		"SELECT * FROM url('file:///etc/hostname', 'LineAsString')":               "497",
		"CREATE TABLE f (l String) ENGINE = File(LineAsString, '/etc/hostname')":  "497",
		"SELECT * FROM `default`.`/etc/hostname`":                                 "497",
		"CREATE USER somebody":                                                    "497",
		"SELECT * FROM sqlite('" + file + "', 'x')":                               "497",
		"SELECT file('/etc/hostname')":                                            "497",
		"SELECT `file` /* */ ('/etc/hostname')":                                   "497",
		"SELECT * FROM executable('cat /etc/hostname', LineAsString, 'x String')": "",
	} {
		response, text := call(t, addr, "POST", url.Values{}, strings.NewReader(sql))
		got := response.Header.Get("X-ClickHouse-Exception-Code")
		if got == "" || code != "" && got != code {
			t.Errorf("%s: got exception %q, want %s: %s", sql, got, code, text)
		}
	}
	if _, err := os.Stat(file); err == nil {
		t.Errorf("%s was written", file)
	}
	if _, text := call(t, addr, "GET", url.Values{"query": {"SELECT count() FROM refused"}}, nil); text != "0\n" {
		t.Errorf("the table is gone or has rows: %q", text)
	}
}

// TestInsertBodies: the ways rows arrive without the driver.
func TestInsertBodies(t *testing.T) {
	t.Parallel()
	addr := engine(t).addr
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	fmt.Fprint(w, "5\n6\n")
	w.Close()
	for _, c := range []struct {
		name, query, body, encoding, sum string
	}{
		{"statement in the address", "INSERT INTO %s FORMAT TSV", "1\n2\n", "", "3"},
		{"statement in the body", "", "INSERT INTO %s FORMAT TSV\n1\n3\n", "", "4"},
		{"values in the body", "INSERT INTO %s VALUES", "(1),(4)", "", "5"},
		{"no format means values", "INSERT INTO %s (n)", "(1),(5)", "", "6"},
		{"literal values", "", "INSERT INTO %s VALUES (1), (6);", "", "7"},
		{"gzip", "INSERT INTO %s FORMAT CSV", zipped.String(), "gzip", "11"},
		{"semicolon", "INSERT INTO %s FORMAT CSV;", "12\n", "", "12"},
		{"settings", "INSERT INTO %s SETTINGS async_insert = 1 FORMAT CSV", "13\n", "", "13"},
		{"expressions", "INSERT INTO %s VALUES", "(7 + 7)", "", "14"},
		{"empty", "INSERT INTO %s FORMAT CSV", "", "", "0"},
		{"broken row", "INSERT INTO %s FORMAT CSV", "1\nx\n", "", "0"},
		{"cut off gzip", "INSERT INTO %s FORMAT CSV", zipped.String()[:zipped.Len()-6], "gzip", "0"},
	} {
		name := "bodies_" + strings.Map(func(r rune) rune {
			if r < 'a' || r > 'z' {
				return '_'
			}
			return r
		}, strings.ToLower(c.name))
		call(t, addr, "POST", url.Values{}, strings.NewReader("CREATE TABLE "+name+" (n UInt64) ENGINE = MergeTree ORDER BY n"))
		query := url.Values{}
		if c.query != "" {
			query.Set("query", fmt.Sprintf(c.query, name))
		}
		response, text := call(t, addr, "POST", query, strings.NewReader(strings.Replace(c.body, "%s", name, 1)), "Content-Encoding", c.encoding)
		failed := response.StatusCode != http.StatusOK
		if wantFailure := strings.HasPrefix(c.name, "broken") || strings.HasPrefix(c.name, "cut"); failed != wantFailure {
			t.Errorf("%s: status %d: %s", c.name, response.StatusCode, text)
		}
		if _, sum := call(t, addr, "GET", url.Values{"query": {"SELECT sum(n) FROM " + name}}, nil); sum != c.sum+"\n" {
			t.Errorf("%s: sum %q, want %s", c.name, sum, c.sum)
		}
	}
}

func TestAnswersAreCompressedOnRequest(t *testing.T) {
	t.Parallel()
	response, text := call(t, engine(t).addr, "GET", url.Values{"query": {"SELECT 'x' FROM numbers(3)"}}, nil, "Accept-Encoding", "gzip;q=1.0, br;q=0")
	if response.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("headers %v", response.Header)
	}
	r, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(r); err != nil || string(plain) != "x\nx\nx\n" {
		t.Errorf("%q %v", plain, err)
	}
}
