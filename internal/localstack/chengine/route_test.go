package chengine

import (
	"strings"
	"testing"
)

func TestPlanStatement(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql     string
		hasBody bool
		want    plan
	}{
		{"SELECT 1", false, plan{route: routeStream, reads: true}},
		{" -- note\n/* x */ select 1 format CSV ;", false, plan{route: routeStream, reads: true, format: "CSV"}},
		{"SELECT format FROM t", false, plan{route: routeStream, reads: true}},
		{"SELECT 1 FORMAT JSON SETTINGS max_threads = 1", false, plan{route: routeStream, reads: true, format: "JSON"}},
		{"(SELECT 1)", false, plan{route: routeStream, reads: true}},
		{"WITH 1 AS x SELECT x", false, plan{route: routeStream, reads: true}},
		{"SHOW TABLES", false, plan{route: routeExecute, reads: true}},
		{"CREATE TABLE t (n UInt8) ENGINE = Memory", false, plan{route: routeExecute}},
		{"INSERT INTO t (a, b) FORMAT Native", true, plan{route: routeInsert, head: "INSERT INTO t (a, b) ", format: "Native"}},
		{"INSERT INTO t FORMAT CSV\n1\n2\n", false, plan{route: routeInsert, head: "INSERT INTO t ", format: "CSV", data: "1\n2\n"}},
		{"INSERT INTO `format` FORMAT CSV;", true, plan{route: routeInsert, head: "INSERT INTO `format` ", format: "CSV"}},
		{"insert into db.t settings async_insert = 1 format TSV", true, plan{route: routeInsert, head: "insert into db.t settings async_insert = 1 ", format: "TSV"}},
		{"INSERT INTO FUNCTION remote('a', b) (c) FORMAT TSV", true, plan{route: routeInsert, head: "INSERT INTO FUNCTION remote('a', b) (c) ", format: "TSV"}},
		{"INSERT INTO t VALUES (1, 'FORMAT CSV')", true, plan{route: routeExecute}},
		{"INSERT INTO t (n) VALUES", true, plan{route: routeInsert, head: "INSERT INTO t (n) ", format: "Values"}},
		{"INSERT INTO t (n)", true, plan{route: routeInsert, head: "INSERT INTO t (n)", format: "Values"}},
		{"INSERT INTO t (n)", false, plan{route: routeExecute}},
		{"INSERT INTO t SELECT 1 FORMAT CSV", true, plan{route: routeExecute}},
		{"INSERT INTO t (SELECT 1)", true, plan{route: routeExecute}},
		{"INSERT INTO t WITH 1 AS x SELECT x", true, plan{route: routeExecute}},
		{"INSERT INTO t; DROP TABLE t", true, plan{route: routeExecute}},
	} {
		got, err := planStatement(c.sql, c.hasBody)
		if err != nil || got != c.want {
			t.Errorf("%s: got %+v (%v), want %+v", c.sql, got, err, c.want)
		}
	}
}

func TestPlanRefusesFiles(t *testing.T) {
	t.Parallel()
	for sql, refused := range map[string]bool{
		"SELECT 1 INTO OUTFILE 'x'":                       true,
		"select 1 into\n--\noutfile 'x'":                  true,
		"INSERT INTO t FROM INFILE 'x' FORMAT CSV":        true,
		"INSERT INTO t (a) from/**/infile 'x'":            true,
		"INSERT INTO t SELECT 1 INTO OUTFILE 'x'":         true,
		"SELECT 'INTO OUTFILE'":                           false,
		"SELECT `INTO` OUTFILE":                           false,
		"SELECT $a$ INTO OUTFILE $a$":                     false,
		"SELECT 1 -- INTO OUTFILE 'x'":                    false,
		`SELECT 'it''s \' INTO OUTFILE' # INTO OUTFILE 1`: false,
	} {
		_, err := planStatement(sql, false)
		if (err != nil) != refused {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestPlanEmpty(t *testing.T) {
	t.Parallel()
	for _, sql := range []string{"", " \n", "-- nothing", "/* open"} {
		if _, err := planStatement(sql, false); err == nil || !strings.Contains(err.Error(), "Code: 62.") {
			t.Errorf("%q: %v", sql, err)
		}
	}
}

func TestLexerDepthAndKinds(t *testing.T) {
	t.Parallel()
	lex := &lexer{sql: "f(a[1], 'x)') `q`"}
	var got []string
	for {
		tok, ok := lex.next()
		if !ok {
			break
		}
		got = append(got, tok.text+strings.Repeat("+", tok.depth))
	}
	want := "f ( a+ [+ 1++ ]+ ,+ 'x)'+ ) `q`"
	if strings.Join(got, " ") != want {
		t.Errorf("got %q, want %q", strings.Join(got, " "), want)
	}
}

// FuzzLexer: any text ends, and no byte but blanks and comments is lost.
func FuzzLexer(f *testing.F) {
	for _, seed := range []string{"SELECT 1", "'", "$a$", "/*", "--", "((", "a'b\\", "$$ x $$"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		lex := &lexer{sql: sql}
		end := 0
		for {
			tok, ok := lex.next()
			if !ok {
				return
			}
			if tok.start < end || tok.end <= tok.start || tok.end > len(sql) || tok.depth < 0 {
				t.Fatalf("token %+v after position %d", tok, end)
			}
			end = tok.end
		}
	})
}

func TestParseException(t *testing.T) {
	t.Parallel()
	for text, code := range map[string]int{
		"Code: 60. DB::Exception: Unknown table. (UNKNOWN_TABLE)": 60,
		"Code: 394. DB::Exception: gone":                          394,
		"something else":                                          codeLogicalError,
		"Code: x. DB::Exception":                                  codeLogicalError,
	} {
		if got := parseException(text); got.code != code || !strings.HasPrefix(got.text, "Code: ") {
			t.Errorf("%s: %+v", text, got)
		}
	}
}
